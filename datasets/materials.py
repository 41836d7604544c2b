"""Hosts, the ions that react with them, and what is known of each step: every value with unit, kind and source.

The tables are `hosts.csv`, `steps.csv`, `phases.csv` and `step_values.csv`. A step is the state of one formula unit of
host after it, a sum of phases; from it follow the ions that it takes up. Expansions, equilibrium potentials and moduli
follow from those of the phases; what is known of a step itself goes before what follows.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, get_args

import pandas as pd

from ionfront.core import MaterialError

from .shipped_table import shipped_table

__all__ = ["IONS", "MECHANISMS", "YIELD_PER_MODULUS", "IonName", "MaterialStep", "Value", "all_steps", "composition"]
__all__ += ["hosts", "material_steps", "potential_of_energies", "steps_of_phases"]

Kind = Literal["measured", "computed", "estimated"]
Status = Literal["verified", "recalled", "estimated", "assumed"]
Mechanism = Literal["intercalation", "conversion", "alloying"]
MECHANISMS: tuple[Mechanism, ...] = get_args(Mechanism)
State = dict[str, float]
IonName = Literal["Li", "Na", "K"]
IONS: tuple[IonName, ...] = ("Li", "Na", "K")

_EV_PER_KJ_MOL = 1 / 96.48533
YIELD_PER_MODULUS = 1 / 40
"""Yield stress over bulk modulus: 1/50 to 1/30 in lithiated and sodiated products; a guess that is named as one."""

_KINDS, _STATUSES = get_args(Kind), get_args(Status)
_ELEMENT = re.compile(r"([A-Z][a-z]?)([0-9.]*)")


@dataclass(frozen=True)
class Value:
    """A number and what it rests on.

    Attributes:
        value: In `unit`.
        unit: As written in the tables.
        kind: Measured, computed, or estimated; what is worked out of several takes the weakest of them.
        status: Read in a source (verified), from memory (recalled), a guess by analogy (estimated or assumed).
        source: Where it is from.
    """

    value: float
    unit: str
    kind: Kind
    status: Status
    source: str


@dataclass(frozen=True)
class MaterialStep:
    """One step of a host's reaction with an ion, per formula unit of the unreacted host.

    Attributes:
        host: As in the table, a formula or a name.
        ion: Li, Na or K.
        number: From 1.
        mechanism: What happens.
        path: Status of what is said of the path.
        source: Where the path is from.
        before, after: Phases and how many of each.
        ions: Taken up in this step, z.
        volume_nm3: Before this step, of what a formula unit of the host has become.
        expansion: Volume after over volume before this step, beta.
        potential_v: Equilibrium potential against the alkali metal; None where nothing is known.
        bulk_modulus_gpa: Of what this step makes.
        yield_gpa: Of what this step makes.
        hop_barrier_ev: Of the ion's hop; None where nothing is known.
        barrier_across_ev: The same in the slow direction of a layered host; None where there is none.
    """

    host: str
    ion: IonName
    number: int
    mechanism: Mechanism
    path: Status
    source: str
    before: dict[str, float]
    after: dict[str, float]
    ions: float
    volume_nm3: Value
    expansion: Value
    potential_v: Value | None
    bulk_modulus_gpa: Value
    yield_gpa: Value
    hop_barrier_ev: Value | None
    barrier_across_ev: Value | None


def hosts() -> tuple[str, ...]:
    """All hosts of the table, in its order."""
    return tuple(_table("hosts")["host"])


@lru_cache
def material_steps(host: str, ion: IonName) -> tuple[MaterialStep, ...]:
    """The path of a host with an ion; empty where none is known.

    Raises:
        MaterialError: The host is not in the table.
    """
    return steps_of_phases(host, ion, {})


def steps_of_phases(host: str, ion: IonName, phases: Mapping[tuple[str, str], Value]) -> tuple[MaterialStep, ...]:
    """The same, with values of phases that go before those of the table, by phase and quantity.

    Quantities are volume [nm^3], energy [eV], gibbs_energy [kJ/mol] and bulk_modulus [GPa], of a formula unit. What is
    known of a step itself, and Gibbs energies, still go before what follows from energies.

    Raises:
        MaterialError: The host is not in the table.
    """
    if host not in hosts():
        raise MaterialError(f"{host} is not in the table of hosts, which has {', '.join(hosts())}.")
    table, of = _table("steps"), _Phases({**_phase_table(), **phases})
    rows = table[(table["host"] == host) & (table["ion"] == ion)].sort_values("step")
    pristine = dict(zip(_table("hosts")["host"], _table("hosts")["state"], strict=True))
    states = [_state(str(state)) for state in (pristine[host], *rows["state"])]
    known = _known(host, ion)
    potentials: list[Value | None] = []
    steps = []
    for n, row in enumerate(rows.to_dict("records"), start=1):
        potentials.append(known.get((n, "potential")) or of.potential(states[: n + 1], potentials, ion))
        modulus = of.bulk_modulus(states[n])
        steps.append(
            MaterialStep(
                host=host,
                ion=ion,
                number=n,
                mechanism=row["mechanism"],
                path=row["status"],
                source=row["source"],
                before=states[n - 1],
                after=states[n],
                ions=_content(states[n], ion) - _content(states[n - 1], ion),
                volume_nm3=of.volume(states[n - 1]),
                expansion=of.expansion(states[n - 1], states[n]),
                potential_v=potentials[-1],
                bulk_modulus_gpa=modulus,
                yield_gpa=Value(modulus.value * YIELD_PER_MODULUS, "GPa", "estimated", "estimated", "modulus / 40"),
                hop_barrier_ev=known.get((n, "hop_barrier")),
                barrier_across_ev=known.get((n, "barrier_across")),
            )
        )
    return tuple(steps)


def potential_of_energies(step: MaterialStep, phases: Mapping[tuple[str, str], Value]) -> Value | None:
    """Potential of a step from energies alone [V]; None where some are not known.

    Args:
        step: Which.
        phases: As in `steps_of_phases`; the alkali metal's energy is needed too.
    """
    return _Phases(phases).potential_of_energies(step.before, step.after, step.ion)


def all_steps() -> list[MaterialStep]:
    """Every step of the table, by host, ion and number."""
    return [step for host in hosts() for ion in IONS for step in material_steps(host, ion)]


def composition(formula: str) -> Counter[str]:
    """Atoms of each element in a formula, `Li0.5TiO2`.

    Raises:
        MaterialError: It is not a formula.
    """
    if not formula or _ELEMENT.sub("", formula):
        raise MaterialError(f"{formula!r} is not a formula such as Bi2Te3 or Li0.5TiO2.")
    atoms: Counter[str] = Counter()
    for element, number in _ELEMENT.findall(formula):
        atoms[element] += float(number or 1)  # type: ignore[assignment]
    return atoms


def _state(text: str) -> State:
    """Phases and how many of each: `2 Bi + 3 Li2Te`."""
    state = {}
    for term in text.split(" + "):
        number, _, phase = term.rpartition(" ")
        state[phase] = float(number or 1)
    return state


def _content(state: State, element: str) -> float:
    return sum(number * composition(phase)[element] for phase, number in state.items())


@dataclass(frozen=True)
class _Phases:
    """What follows from values of phases, by phase and quantity."""

    values: Mapping[tuple[str, str], Value]

    def volume(self, state: State) -> Value:
        return self._sum("volume", state)

    def expansion(self, before: State, after: State) -> Value:
        start, end = self.volume(before), self.volume(after)
        return _joined(end.value / start.value, "1", [start, end])

    def bulk_modulus(self, state: State) -> Value:
        """Reuss's mean over volumes, as of phases that share a pressure."""
        volumes = {phase: n * self.volume({phase: 1.0}).value for phase, n in state.items()}
        softness = [(volumes[phase] / self.values[phase, "bulk_modulus"].value) for phase in state]
        value = sum(volumes.values()) / sum(softness)
        return _joined(value, "GPa", [self.values[phase, "bulk_modulus"] for phase in state])

    def potential(self, states: list[State], earlier: list[Value | None], ion: IonName) -> Value | None:
        """Of the last step from its own phases, or from the whole path less the steps before."""
        direct = self._of_reaction(states[-2], states[-1], ion)
        if direct is not None or len(states) == 2 or any(value is None for value in earlier):
            return direct
        whole = self._of_reaction(states[0], states[-1], ion)
        if whole is None:
            return None
        contents = [_content(state, ion) for state in states]
        taken = [after - before for before, after in pairwise(contents)]
        before = [value for value in earlier if value is not None]
        left = whole.value * sum(taken) - sum(n * value.value for n, value in zip(taken, before, strict=False))
        return _joined(left / taken[-1], "V", [whole, *before])

    def potential_of_energies(self, before: State, after: State, ion: IonName) -> Value | None:
        """From energies computed alike, the alkali metal's among them."""
        taken = _content(after, ion) - _content(before, ion)
        return self._minus_per_ion("energy", 1.0, _change(before, after) | {ion: -taken}, taken)

    def _of_reaction(self, before: State, after: State, ion: IonName) -> Value | None:
        """-dG/z, from Gibbs energies of formation where all are known, or else from energies computed alike."""
        taken = _content(after, ion) - _content(before, ion)
        measured = self._minus_per_ion("gibbs_energy", _EV_PER_KJ_MOL, _change(before, after), taken)
        return measured or self.potential_of_energies(before, after, ion)

    def _minus_per_ion(self, quantity: str, ev: float, terms: State, taken: float) -> Value | None:
        if any((phase, quantity) not in self.values for phase in terms):
            return None
        total = self._sum(quantity, terms)
        return _joined(-ev * total.value / taken, "V", [total])

    def _sum(self, quantity: str, state: State) -> Value:
        parts = {phase: self.values[phase, quantity] for phase in state}
        value = sum(state[phase] * part.value for phase, part in parts.items())
        return _joined(value, next(iter(parts.values())).unit, list(parts.values()))


def _change(before: State, after: State) -> State:
    change = {phase: after.get(phase, 0.0) - before.get(phase, 0.0) for phase in {*before, *after}}
    return {phase: n for phase, n in sorted(change.items()) if n}


def _joined(value: float, unit: str, parts: list[Value]) -> Value:
    """As weak as the weakest of its parts."""
    kind = max((part.kind for part in parts), key=_KINDS.index)
    status = max((part.status for part in parts), key=_STATUSES.index)
    return Value(value, unit, kind, status, "; ".join(dict.fromkeys(part.source for part in parts)))


@lru_cache
def _phase_table() -> dict[tuple[str, str], Value]:
    rows = _table("phases").to_dict("records")
    return {(row["phase"], row["quantity"]): _value(row) for row in rows}


def _known(host: str, ion: IonName) -> dict[tuple[int, str], Value]:
    rows = _table("step_values").to_dict("records")
    return {
        (int(row["step"]), row["quantity"]): _value(row) for row in rows if (row["host"], row["ion"]) == (host, ion)
    }


def _value(row: dict[Any, Any]) -> Value:
    return Value(float(row["value"]), row["unit"], row["kind"], row["status"], row["source"])


@lru_cache
def _table(name: str) -> pd.DataFrame:
    return shipped_table(name, dtype={"ion": str, "host": str, "phase": str})
