"""Fronts that were measured: what `ionfront analyze` or `batch` found in movies whose host and ion were named."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ionfront.core import IonFrontError, MaterialError
from ionfront.datasets import MaterialStep, hosts, material_steps

from .reaction import Experiment

__all__ = ["MeasuredFront", "measured_fronts"]

_MECHANISM_MAKES = {"intercalation": "intercalated", "conversion": "converted", "alloying": "alloyed"}
_TO_ERROR = 1 / (2 * 1.96)
_TOLD = ("geometry", "size_nm", "bias_v", "temperature_k", "contact_ohm_m2")


@dataclass(frozen=True)
class MeasuredFront:
    """One front of one movie.

    Attributes:
        step: What reacted.
        experiment: Under which conditions.
        log_speed: log10 of the mean speed [nm/s].
        error: Its standard error [log10].
        exponent: Of the rate law.
        run: The folder it is from; fronts of one movie share their cell's resistance.
    """

    step: MaterialStep
    experiment: Experiment
    log_speed: float
    error: float
    exponent: float
    run: str


def measured_fronts(place: Path) -> list[MeasuredFront]:
    """Fronts of each run's first insertion, with the step of the table that makes the same phase.

    Of a run by itself a file `experiment.json` beside `kinetics.json` may say geometry, size_nm, bias_v, temperature_k
    and contact_ohm_m2; in an archive the columns of these names do. Else a concave front is taken for one that is open
    and concave, any other for a flake's, at the defaults.

    Args:
        place: Folder of a run; or an archive of `ionfront batch`, or its kinetics.parquet, for all runs in it of
            hosts that the tables know.

    Raises:
        MaterialError: There is neither, no run names host and ion, or an experiment.json is not one.
    """
    table = place / "kinetics.parquet" if place.is_dir() else place
    return _in_archive(table) if table.is_file() and table.suffix == ".parquet" else _in_run(place)


def _in_run(folder: Path) -> list[MeasuredFront]:
    record = _read(folder / "kinetics.json")
    material = record.get("material") or {}
    if not {"host", "ion"} <= material.keys():
        raise MaterialError(f"{folder} does not say host and ion: run `ionfront analyze` with --host and --ion.")
    insertions = [cycle for cycle in record.get("cycles", []) if cycle["direction"] == "insertion"]
    fronts = []
    for item in insertions[0]["transitions"] if insertions else []:
        velocity = item.get("velocity_nm_s")
        if velocity:
            exponent = (item.get("exponent") or {"value": np.nan})["value"]
            told = _experiment(_told_beside(folder), item.get("shape"), folder)
            fronts += _front(material, item["to"], told, tuple(velocity.values()), exponent, str(folder))
    return fronts


def _in_archive(path: Path) -> list[MeasuredFront]:
    table = pd.read_parquet(path)
    named = table["host"].isin(hosts()) & table["ion"].notna() & (table["direction"] == "insertion")
    rows = table[named & table["velocity_nm_s"].notna()].sort_values(["key", "particle", "half_cycle"])
    if not named.any():
        raise MaterialError(
            f"{path} has no front of a run with an ion and a host that the tables know: name them in the table of runs."
        )
    fronts = []
    for key, of_run in rows.groupby("key", sort=False):
        first = of_run.iloc[0]
        cycle = of_run[(of_run["particle"] == first["particle"]) & (of_run["half_cycle"] == first["half_cycle"])]
        known = cycle[list(_TOLD)].notna().sum(axis=1)  # of the same content under several names, the one told most of
        cycle = cycle.loc[known.sort_values(ascending=False, kind="stable").index]
        for row in cycle.drop_duplicates(["before", "after"]).to_dict("records"):
            told = {name: row[name] for name in _TOLD if not pd.isna(row[name])}
            velocity = row["velocity_nm_s"], row["velocity_nm_s_low"], row["velocity_nm_s_high"]
            experiment = _experiment(told, row["shape"], path)
            fronts += _front(row, row["after"], experiment, velocity, row["exponent"], f"{path.parent}/{key}")
    return fronts


def _front(
    material: Mapping[Any, Any],
    makes: str,
    experiment: Experiment,
    velocity: tuple[float | None, ...],
    exponent: float,
    run: str,
) -> list[MeasuredFront]:
    """A front, where its speed and the error of that are known, and the step that makes this phase."""
    path = reversed(material_steps(material["host"], material["ion"]))
    steps = {_MECHANISM_MAKES[step.mechanism]: step for step in path}
    value, low, high = (np.nan if end is None else end for end in velocity)
    if not value > 0 or not np.isfinite([low, high]).all() or makes not in steps:
        return []
    error = float((np.log10(max(high, value / 100)) - np.log10(max(low, value / 100))) * _TO_ERROR)
    return [MeasuredFront(steps[makes], experiment, float(np.log10(value)), error, float(exponent), run)]


def _told_beside(folder: Path) -> dict[str, Any]:
    file = folder / "experiment.json"
    return _read(file) if file.is_file() else {}


def _experiment(told: dict[str, Any], shape: str | None, where: Path) -> Experiment:
    known: dict[str, Any] = {"geometry": "open_concave" if shape == "concave" else "flake"} | told
    try:
        return Experiment(**known)
    except (TypeError, IonFrontError) as error:
        raise MaterialError(f"{where} tells of an experiment that cannot be ({error}).") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MaterialError(
            f"{path} cannot be read ({error.strerror}): give a folder that `ionfront analyze` wrote."
        ) from error
    except json.JSONDecodeError as error:
        raise MaterialError(f"{path} is not JSON ({error}).") from error
    return record
