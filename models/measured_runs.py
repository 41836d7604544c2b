"""Fronts that were measured: what `ionfront analyze` found in movies whose host and ion were named."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ionfront.core import MaterialError
from ionfront.datasets import MaterialStep, material_steps

from .reaction import Experiment

__all__ = ["MeasuredFront", "measured_fronts"]

_MECHANISM_MAKES = {"intercalation": "intercalated", "conversion": "converted", "alloying": "alloyed"}
_TO_ERROR = 1 / (2 * 1.96)


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


def measured_fronts(folder: Path) -> list[MeasuredFront]:
    """Fronts of one run's first insertion, with the step of the table that makes the same phase.

    A file `experiment.json` beside `kinetics.json` may say geometry, size_nm, bias_v, temperature_k and contact_ohm_m2;
    else a concave front is taken for one that is open and concave, any other for a flake's, at the defaults.

    Raises:
        MaterialError: No kinetics.json there, no host and ion in it, or an experiment.json that is not one.
    """
    record = _read(folder / "kinetics.json")
    material = record.get("material") or {}
    if not {"host", "ion"} <= material.keys():
        raise MaterialError(f"{folder} does not say host and ion: run `ionfront analyze` with --host and --ion.")
    steps = {
        _MECHANISM_MAKES[step.mechanism]: step for step in reversed(material_steps(material["host"], material["ion"]))
    }
    insertions = [cycle for cycle in record.get("cycles", []) if cycle["direction"] == "insertion"]
    fronts = []
    for transition in insertions[0]["transitions"] if insertions else []:
        velocity = transition.get("velocity_nm_s")
        if velocity and velocity["value"] > 0 and transition["to"] in steps:
            low, high = (max(velocity[end], velocity["value"] / 100) for end in ("low", "high"))
            fronts.append(
                MeasuredFront(
                    step=steps[transition["to"]],
                    experiment=_experiment(folder, transition),
                    log_speed=float(np.log10(velocity["value"])),
                    error=float((np.log10(high) - np.log10(low)) * _TO_ERROR),
                    exponent=float((transition.get("exponent") or {"value": np.nan})["value"]),
                    run=str(folder),
                )
            )
    return fronts


def _experiment(folder: Path, transition: dict[str, Any]) -> Experiment:
    known: dict[str, Any] = {"geometry": "open_concave" if transition.get("shape") == "concave" else "flake"}
    if (folder / "experiment.json").is_file():
        known |= _read(folder / "experiment.json")
    try:
        return Experiment(**known)
    except TypeError as error:
        raise MaterialError(f"{folder / 'experiment.json'} has a key that no experiment has ({error}).") from error


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
