"""Many hosts at once: which react fast, and how long a particle of a given size takes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ionfront.core import IonFrontError, Quantity, UsageError
from ionfront.datasets import IONS, MECHANISMS, YIELD_PER_MODULUS, MaterialStep, Value, composition, material_steps
from ionfront.models.kinetics_head import KineticsHead
from ionfront.models.reaction import Experiment, reactions

__all__ = ["Candidate", "ScreenOrder", "Screened", "read_candidates", "screen", "screened_table"]

Floats = NDArray[np.float64]
ScreenOrder = Literal["speed", "time"]

_OWN = ("mechanism", "ions", "volume_nm3", "expansion", "bulk_modulus_gpa")
_OWN_UNITS = {"ions": "1", "volume_nm3": "nm^3", "expansion": "1", "bulk_modulus_gpa": "GPa"}
_MAY_TELL = {"potential_v": "V", "hop_barrier_ev": "eV"}
_EXPERIMENT = tuple(field.name for field in fields(Experiment))
_COLUMNS = ("host", "ion", *_OWN, *_MAY_TELL, "product", *_EXPERIMENT)
_GIVEN = "the table that is screened"


@dataclass(frozen=True)
class Candidate:
    """A host with an ion: all steps of its reaction, in one experiment."""

    host: str
    ion: str
    steps: tuple[MaterialStep, ...]
    experiment: Experiment


@dataclass(frozen=True)
class Screened:
    """What is expected of a candidate; of several steps the one that takes longest, on which the others wait.

    Attributes:
        candidate: Which.
        step: Number of the step that takes longest.
        velocity_nm_s: Mean speed of its front, with 95 % interval.
        time_s: Time in which it crosses the particle, size over speed.
        c_rate: One over this time in hours: the fastest charge that would react the whole particle [1/h].
        through: Probability that every front goes all the way, as that of the one least likely to.
        flags: What not to trust blindly.
    """

    candidate: Candidate
    step: int
    velocity_nm_s: Quantity
    time_s: Quantity
    c_rate: Quantity
    through: float
    flags: tuple[str, ...]


def read_candidates(path: Path, experiment: Experiment) -> list[Candidate]:
    """Candidates from a CSV file, a row each.

    Columns `host` and `ion` are needed. A host of the table of materials needs no more; any other, and one that has
    numbers of its own, needs mechanism, ions, volume_nm3, expansion and bulk_modulus_gpa, and may have potential_v,
    hop_barrier_ev and product (a formula). Columns named as the fields of `Experiment` go before the one given.

    Args:
        path: The file.
        experiment: For what its rows do not say.

    Raises:
        UsageError: It cannot be read, has columns that mean nothing here, or a row that is not complete or not known.
    """
    try:
        table = pd.read_csv(path, comment="#", skipinitialspace=True, dtype={"host": str, "ion": str, "product": str})
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UsageError(f"{path} cannot be read as a table ({error}): a CSV file with a header is needed.") from error
    unknown = [str(name) for name in table.columns if name not in _COLUMNS]
    if unknown or not {"host", "ion"} <= set(table.columns):
        raise UsageError(
            f"{path} has the columns {', '.join(map(str, table.columns))}; host and ion are needed, "
            f"and beside them there may be {', '.join(_COLUMNS[2:])}."
        )
    if table.empty:
        raise UsageError(f"{path} has no rows: give a host and an ion in each.")
    candidates = []
    for number, row in enumerate(table.to_dict("records"), start=2):
        told = {str(name): value for name, value in row.items() if not pd.isna(value)}
        try:
            candidates.append(_candidate(told, experiment))
        except IonFrontError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
    return candidates


def screen(candidates: Sequence[Candidate], head: KineticsHead, order: ScreenOrder = "speed") -> list[Screened]:
    """All candidates, the best first.

    Args:
        candidates: At least one.
        head: Whose answer it is.
        order: By speed, or by the time that a particle takes.
    """
    owners = [k for k, candidate in enumerate(candidates) for _ in candidate.steps]
    steps = [step for candidate in candidates for step in candidate.steps]
    said = head.predict(reactions(steps, [candidates[k].experiment for k in owners]))
    owner = np.array(owners)
    size = np.array([candidate.experiment.size_nm for candidate in candidates])
    found = []
    for k, candidate in enumerate(candidates):
        mine = np.flatnonzero(owner == k)
        slowest = mine[np.argmin(said.log_speed[mine, 0])]
        speed = 10 ** said.log_speed[slowest]
        time_s = size[k] / speed[[0, 2, 1]]
        found.append(
            Screened(
                candidate=candidate,
                step=steps[slowest].number,
                velocity_nm_s=Quantity(*speed.tolist()),
                time_s=Quantity(*time_s.tolist()),
                c_rate=Quantity(*(3600 / time_s[[0, 2, 1]]).tolist()),
                through=float(said.through[mine].min()),
                flags=_flags(candidate, [said.outside[n] for n in mine]),
            )
        )
    best_first = {"speed": lambda s: -s.velocity_nm_s.value, "time": lambda s: s.time_s.value}[order]
    return sorted(found, key=best_first)


def screened_table(found: Sequence[Screened]) -> pd.DataFrame:
    """For a file: a row each, units in the names of the columns."""
    return pd.DataFrame([_row(rank, one) for rank, one in enumerate(found, start=1)])


def _row(rank: int, one: Screened) -> dict[str, Any]:
    row: dict[str, Any] = {"rank": rank, "host": one.candidate.host, "ion": one.candidate.ion, "slowest_step": one.step}
    for name in ("velocity_nm_s", "time_s", "c_rate"):
        quantity: Quantity = getattr(one, name)
        row |= {name: quantity.value, f"{name}_low": quantity.low, f"{name}_high": quantity.high}
    experiment = {name: getattr(one.candidate.experiment, name) for name in _EXPERIMENT}
    return row | {"probability_through": one.through} | experiment | {"flags": "; ".join(one.flags)}


def _candidate(told: dict[str, Any], experiment: Experiment) -> Candidate:
    missing = [name for name in ("host", "ion") if name not in told]
    if missing:
        raise UsageError(f"{' and '.join(missing)} is empty.")
    host, ion = told["host"].strip(), told["ion"].strip()
    if ion not in IONS:
        raise UsageError(f"ion '{ion}' is unknown; there are {', '.join(IONS)}.")
    here = {name: told[name] for name in _EXPERIMENT if name in told}
    numbers = {name: value if name == "geometry" else _number(name, value) for name, value in here.items()}
    own = {name for name in (*_OWN, *_MAY_TELL) if name in told}
    steps = (_own_step(host, ion, told),) if own else material_steps(host, ion)
    if not steps:
        raise UsageError(f"{host} is not known to react with {ion}; give {', '.join(_OWN)} of its reaction.")
    return Candidate(host, ion, steps, replace(experiment, **numbers))  # type: ignore[arg-type]


def _own_step(host: str, ion: str, told: dict[str, Any]) -> MaterialStep:
    missing = [name for name in _OWN if name not in told]
    if missing:
        raise UsageError(f"{host} + {ion} has numbers of its own but lacks {', '.join(missing)}.")
    if told["mechanism"] not in MECHANISMS:
        raise UsageError(f"mechanism '{told['mechanism']}' is unknown; there are {', '.join(MECHANISMS)}.")
    value = {
        name: Value(_number(name, told[name]), unit, "estimated", "assumed", _GIVEN)
        for name, unit in (_OWN_UNITS | _MAY_TELL).items()
        if name in told
    }
    wrong = [name for name in _OWN_UNITS if not value[name].value > 0]
    if wrong:
        raise UsageError(f"{wrong[0]} is {value[wrong[0]].value}; it needs to be above 0.")
    product = str(told.get("product", host))
    composition(product)
    modulus = value["bulk_modulus_gpa"]
    return MaterialStep(
        host=host,
        ion=ion,  # type: ignore[arg-type]
        number=1,
        mechanism=told["mechanism"],
        path="assumed",
        source=_GIVEN,
        before={host: 1.0},
        after={product: 1.0},
        ions=value["ions"].value,
        volume_nm3=value["volume_nm3"],
        expansion=value["expansion"],
        potential_v=value.get("potential_v"),
        bulk_modulus_gpa=modulus,
        yield_gpa=replace(modulus, value=modulus.value * YIELD_PER_MODULUS),
        hop_barrier_ev=value.get("hop_barrier_ev"),
        barrier_across_ev=None,
    )


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} is '{value}'; a number is needed.") from error
    if not np.isfinite(number):
        raise UsageError(f"{name} is {number}; a finite number is needed.")
    return number


def _flags(candidate: Candidate, outside: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    beyond = dict.fromkeys(name for names in outside for name in names)
    flags = [f"{name} beyond what was learned" for name in beyond]
    for what, name in (("potential", "potential_v"), ("barrier", "hop_barrier_ev")):
        if any(getattr(step, name) is None for step in candidate.steps):
            flags.append(f"{what} assumed")
    if any(step.path in ("assumed", "estimated") and step.source != _GIVEN for step in candidate.steps):
        flags.append("path assumed")
    return tuple(flags)
