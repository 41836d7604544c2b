"""All that is known of a host's reaction with an ion, value by value, beside what was computed anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ionfront.core import UsageError
from ionfront.datasets import IonName, MaterialStep, Value, material_steps, potential_of_energies, steps_of_phases

__all__ = ["Described", "StepDescription", "describe", "description_record"]

PhaseValues = Mapping[tuple[str, str], Value]

_FIELDS = {
    "volume before": "volume_nm3",
    "expansion": "expansion",
    "potential": "potential_v",
    "bulk modulus of the product": "bulk_modulus_gpa",
    "yield stress of the product": "yield_gpa",
    "hop barrier": "hop_barrier_ev",
    "hop barrier across": "barrier_across_ev",
}
_FIRST_IONS = "potential of the first ions"


@dataclass(frozen=True)
class Described:
    """One number.

    Attributes:
        quantity: Its name.
        known: As the tables have it; None where they do not.
        computed: As it was computed anew; None where it was not.
    """

    quantity: str
    known: Value | None
    computed: Value | None


@dataclass(frozen=True)
class StepDescription:
    """A step with its numbers."""

    step: MaterialStep
    numbers: tuple[Described, ...]


def describe(
    host: str,
    ion: IonName,
    phases: PhaseValues | None = None,
    hop_barrier: Value | None = None,
    insertion_potential: Value | None = None,
) -> list[StepDescription]:
    """Every step of a path.

    Args:
        host: As the table of materials has it.
        ion: Li, Na or K.
        phases: Values that were computed anew, by phase and quantity, as `steps_of_phases` takes them.
        hop_barrier, insertion_potential: Of the first ions, likewise.

    Raises:
        MaterialError: The host is not in the table.
        UsageError: The ion is not known to react with it.
    """
    steps = material_steps(host, ion)
    if not steps:
        raise UsageError(f"{host} is not known to react with {ion}.")
    described = []
    for step, new in zip(steps, steps_of_phases(host, ion, phases or {}), strict=True):
        anew = _anew(step, new, phases or {})
        if step.number == 1:
            anew |= {"hop barrier": hop_barrier, _FIRST_IONS: insertion_potential}
        known = {name: getattr(step, field) for name, field in _FIELDS.items()} | {_FIRST_IONS: None}
        numbers = (Described(name, value, anew.get(name)) for name, value in known.items())
        described.append(StepDescription(step, tuple(one for one in numbers if one.known or one.computed)))
    return described


def description_record(described: list[StepDescription]) -> list[dict[str, Any]]:
    """For programs."""
    return [
        {
            "host": one.step.host,
            "ion": one.step.ion,
            "step": one.step.number,
            "mechanism": one.step.mechanism,
            "before": one.step.before,
            "after": one.step.after,
            "ions": one.step.ions,
            "path": {"status": one.step.path, "source": one.step.source},
            "numbers": {
                number.quantity: {
                    "known": None if number.known is None else vars(number.known),
                    "computed": None if number.computed is None else vars(number.computed),
                }
                for number in one.numbers
            },
        }
        for one in described
    ]


def _anew(step: MaterialStep, new: MaterialStep, phases: PhaseValues) -> dict[str, Value | None]:
    """What follows from computed phases alone."""

    def have(quantity: str, state: dict[str, float]) -> bool:
        return all((phase, quantity) in phases for phase in state)

    found: dict[str, Value | None] = {"potential": potential_of_energies(step, phases)}
    if have("volume", step.before):
        found["volume before"] = new.volume_nm3
    if have("volume", step.before) and have("volume", step.after):
        found["expansion"] = new.expansion
    if have("volume", step.after) and have("bulk_modulus", step.after):
        found |= {"bulk modulus of the product": new.bulk_modulus_gpa, "yield stress of the product": new.yield_gpa}
    return found
