"""Li against Na against K: the fronts of several runs side by side, repeats pooled, ratios with intervals."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd

from ionfront.core import Quantity, UsageError
from ionfront.physics import LAW_NAMES

from .kinetics_json import kinetics_schema
from .pooling import NORMAL_975, Pooled, difference, exponential, log_estimate, pooled
from .record import Json

__all__ = ["QUANTITIES", "Comparison", "FrontComparison", "Run", "compare_runs", "key_of", "read_run"]

QUANTITIES = {"velocity": "ratio", "exponent": "ratio", "completed_fraction": "ratio", "onset": "difference"}
"""How each is compared. An onset counts from the first frame, whose moment means nothing, so it has no ratio."""

_KEYS = {"velocity": "velocity_{length}_{time}", "onset": "onset_{time}"}

LEADING = "leading front"
"""The first step of each side, whatever it is called there."""


@dataclass(frozen=True)
class Run:
    """One run of `ionfront analyze` or `ionfront fronts`.

    Attributes:
        folder: Where its results lie.
        kinetics: Its kinetics.json.
        side: What it is a repeat of.
    """

    folder: Path
    kinetics: Json
    side: str

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.name


@dataclass(frozen=True)
class FrontComparison:
    """One front, as it went on every side that has it.

    Attributes:
        name: The transition, or `LEADING`; with the half cycle in front where there are several.
        by_side: Transitions in kinetics.json, by side, one for each particle of each run.
        pooled: By quantity and side: mean over repeats, on the scale that it is compared on (a ratio's is logarithmic).
        against_first: By quantity and side: ratio or difference to the first side.
        laws: By side: probability of each law, averaged over repeats.
    """

    name: str
    by_side: dict[str, list[Json]]
    pooled: dict[str, dict[str, Pooled]]
    against_first: dict[str, dict[str, Quantity]]
    laws: dict[str, dict[str, float]]

    def value(self, quantity: str, side: str) -> Quantity | None:
        """Pooled value of a quantity, in its own unit."""
        found = self.pooled[quantity].get(side)
        if found is None:
            return None
        value = exponential(found.quantity) if QUANTITIES[quantity] == "ratio" else found.quantity
        return replace(value, high=min(value.high, 1.0)) if quantity == "completed_fraction" else value


@dataclass(frozen=True)
class Comparison:
    """Several runs side by side.

    Attributes:
        runs: In the order given.
        sides: Names, the first being what others are compared with.
        fronts: The leading ones first.
        warnings: What should make a reader doubt.
    """

    runs: tuple[Run, ...]
    sides: tuple[str, ...]
    fronts: tuple[FrontComparison, ...]
    warnings: tuple[str, ...]

    @property
    def units(self) -> dict[str, str]:
        """Units of `length` and `time`."""
        units: dict[str, str] = self.runs[0].kinetics["units"]
        return units

    @property
    def host(self) -> str:
        """The host of all runs; empty where they differ or it was not named."""
        return _common_host(self.runs)

    def mechanism(self, side: str) -> tuple[str, ...]:
        """The paths that were seen on a side, each once, as in "pristine → intercalated → converted"."""
        of_side = (cycles for run in self.runs if run.side == side for cycles in _particles(run))
        paths = (_path(cycles[0]) for cycles in of_side)
        return tuple(dict.fromkeys(paths))


def key_of(quantity: str, units: Mapping[str, str]) -> str:
    """Name of a quantity in kinetics.json, where it carries its unit."""
    return _KEYS.get(quantity, quantity).format(**units)


def read_run(path: Path, side: str = "") -> Run:
    """Read a folder of results.

    Args:
        path: Folder with a kinetics.json, or that file.
        side: What the run is a repeat of; empty leaves it to ion and host in the file.

    Raises:
        UsageError: There is no such file, it is no kinetics.json, or an older version wrote it.
    """
    file = path if path.is_file() else path / "kinetics.json"
    try:
        kinetics: Json = json.loads(file.read_text(encoding="utf-8"))
        jsonschema.validate(kinetics, kinetics_schema())
    except (OSError, ValueError, jsonschema.ValidationError) as error:
        reason = error.message if isinstance(error, jsonschema.ValidationError) else str(error)
        raise UsageError(
            f"{path} holds no results of `ionfront analyze` ({reason}): give the folder that it wrote."
        ) from error
    run = Run(file.resolve().parent, kinetics, side)
    _refuse_older(run)
    return run


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Compare runs; those of one side are repeats of each other.

    Raises:
        UsageError: There are fewer than two sides, units differ, or nobody named the ion of a run.
    """
    runs = _with_sides(runs)
    sides = tuple(dict.fromkeys(run.side for run in runs))
    if len(sides) < 2:
        raise UsageError(
            f"{len(runs)} runs were given, all of {' and '.join(sides) or 'nothing'}; two sides are needed to compare: "
            "add runs with another ion, or tell them apart with --side."
        )
    if len({tuple(run.kinetics["units"].items()) for run in runs}) > 1:
        uncalibrated = [run.name for run in runs if run.kinetics["units"] != {"length": "nm", "time": "s"}]
        raise UsageError(
            f"{', '.join(uncalibrated)} is in pixels or frames and the others are not: "
            "analyze it again with --pixel-size-nm and --frame-time-s."
        )
    units = runs[0].kinetics["units"]
    fronts = tuple(_compared(name, by_side, sides, units) for name, by_side in _matched(runs, sides))
    return Comparison(tuple(runs), sides, fronts, tuple(_doubts(runs, sides, fronts)))


def _refuse_older(run: Run) -> None:
    """Refuse a run of a version that did not measure every particle by itself."""
    table = run.folder / "fronts.csv"
    if "particles" not in run.kinetics:
        lacking = "its kinetics.json has no `particles`"
    elif table.is_file() and "particle" not in pd.read_csv(table, nrows=0):
        lacking = "its fronts.csv has no column `particle`"
    else:
        return
    raise UsageError(
        f"{run.folder} was written by an older version of IonFront ({lacking}); a comparison needs every particle by "
        "itself: measure that movie anew with `ionfront analyze` or `ionfront fronts`."
    )


def _with_sides(runs: Sequence[Run]) -> list[Run]:
    """Runs with a side each: what was given, else the ion, with the host where hosts differ."""
    keys = ("ion",) if _common_host(runs) else ("ion", "host")
    named = []
    for run in runs:
        material = run.kinetics["material"]
        side = run.side or " in ".join(material[key] for key in keys if key in material)
        if not side:
            raise UsageError(
                f"nobody said which ion reacts in {run.name}: analyze it with --host and --ion, or give --side once "
                "for each run."
            )
        named.append(replace(run, side=side))
    return named


def _common_host(runs: Sequence[Run]) -> str:
    hosts = {run.kinetics["material"].get("host", "") for run in runs}
    return hosts.pop() if len(hosts) == 1 else ""


def _matched(runs: Sequence[Run], sides: Sequence[str]) -> Iterator[tuple[str, dict[str, list[Json]]]]:
    """Transitions that belong together, by side."""
    several = any(len(cycles) > 1 for run in runs for cycles in _particles(run))
    found: dict[str, dict[str, list[Json]]] = {}
    names_of_leading: dict[str, set[str]] = {}
    for side, cycles in ((run.side, cycles) for run in runs for cycles in _particles(run)):
        for number, cycle in enumerate(cycles, 1):
            cycle_name = f"{cycle['direction']} {number}: " if several else ""
            for step, item in enumerate(cycle["transitions"]):
                name = f"{item['from']} → {item['to']}"
                if step == 0:
                    names_of_leading.setdefault(cycle_name, set()).add(name)
                    found.setdefault(cycle_name + LEADING, {}).setdefault(side, []).append(item)
                found.setdefault(cycle_name + name, {}).setdefault(side, []).append(item)
    for name, by_side in found.items():
        cycle_name = name.removesuffix(LEADING)
        if cycle_name == name or len(names_of_leading[cycle_name]) > 1:  # else its own name says the same
            yield name, {side: by_side[side] for side in sides if side in by_side}


def _particles(run: Run) -> list[list[Json]]:
    """Half cycles of each particle that reacted."""
    return [particle["cycles"] for particle in run.kinetics["particles"] if particle["cycles"]]


def _compared(
    name: str, by_side: dict[str, list[Json]], sides: Sequence[str], units: Mapping[str, str]
) -> FrontComparison:
    means = {quantity: _pooled_sides(by_side, quantity, units) for quantity in QUANTITIES}
    laws = {side: _mean_laws(items) for side, items in by_side.items()}
    against = {quantity: _against(of_side, sides[0], QUANTITIES[quantity]) for quantity, of_side in means.items()}
    return FrontComparison(name, by_side, means, against, laws)


def _pooled_sides(by_side: Mapping[str, list[Json]], quantity: str, units: Mapping[str, str]) -> dict[str, Pooled]:
    estimate, key = _estimates[QUANTITIES[quantity]], key_of(quantity, units)
    estimates = {side: [estimate(item.get(key)) for item in items] for side, items in by_side.items()}
    known = {side: [pair for pair in pairs if pair is not None] for side, pairs in estimates.items()}
    return pooled({side: pairs for side, pairs in known.items() if pairs})


def _against(of_side: Mapping[str, Pooled], first: str, how: str) -> dict[str, Quantity]:
    if first not in of_side:
        return {}
    differences = {side: difference(mean, of_side[first]) for side, mean in of_side.items() if side != first}
    return {side: exponential(found) if how == "ratio" else found for side, found in differences.items()}


def _on_log_scale(quantity: Json | None) -> tuple[float, float] | None:
    return None if quantity is None else log_estimate(quantity["value"], quantity["low"], quantity["high"])


def _as_it_is(quantity: Json | None) -> tuple[float, float] | None:
    if quantity is None or quantity["low"] is None or quantity["high"] is None:
        return None
    error = (quantity["high"] - quantity["low"]) / (2 * NORMAL_975)
    return quantity["value"], max(error, 1e-9)


_estimates: dict[str, Callable[[Json | None], tuple[float, float] | None]] = {
    "ratio": _on_log_scale,
    "difference": _as_it_is,
}


def _mean_laws(items: Sequence[Json]) -> dict[str, float]:
    known = [item["law_probabilities"] for item in items if item["law_probabilities"]]
    return {law: float(np.mean([laws.get(law, 0.0) for laws in known])) for law in LAW_NAMES} if known else {}


def _path(cycle: Json) -> str:
    steps = cycle["transitions"]
    return " → ".join([steps[0]["from"], *(step["to"] for step in steps)]) if steps else "no reaction"


def _doubts(runs: Sequence[Run], sides: Sequence[str], fronts: Sequence[FrontComparison]) -> Iterator[str]:
    for side in sides:
        repeats = [run for run in runs if run.side == side]
        if sum(len(_particles(run)) for run in repeats) == 1:
            yield (
                f"{side}: one particle ({repeats[0].name}), which does not show how much particles differ. They are "
                "taken to differ as much as on the other sides, or not at all where those are single too: film more."
            )
        if still := [run.name for run in repeats if not run.kinetics["reaction_observed"]]:
            yield f"{side}: no reaction was observed in {', '.join(still)}; it takes no part in any mean."
    velocity = key_of("velocity", runs[0].kinetics["units"])
    for front in fronts:
        for side, items in front.by_side.items():
            if lacking := sum(item.get(velocity) is None for item in items):
                yield f"{front.name}, {side}: {lacking} of {len(items)} particles have no velocity, and do not count."
    if doubtful := [f"{run.name} ({len(run.kinetics['warnings'])})" for run in runs if run.kinetics["warnings"]]:
        yield f"Runs with warnings of their own, to be read in their reports: {', '.join(doubtful)}."
    if len({_model_of(run) for run in runs}) > 1:
        yield "The runs were labelled by different models: part of any difference may be theirs."


def _model_of(run: Run) -> str:
    model = run.kinetics["model"]
    return "" if model is None else str(model["sha256"])
