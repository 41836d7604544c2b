"""kinetics.json: what a run found, for programs. Every quantity is {value, low, high} at 95 %.

The unit is part of a quantity's name (`velocity_nm_s`). A movie without calibration gives `velocity_px_frame`
instead, so that a program that asked for nanometres finds nothing rather than a wrong number. The schema is
`analysis/kinetics.schema.json`.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypedDict

import jsonschema
import numpy as np

from ionfront.core import Calibration, Quantity
from ionfront.datasets import ElectrochemicalLog
from ionfront.fronts import (
    Anisotropy,
    AreaGrowth,
    FrontResult,
    HalfCycle,
    LawTurn,
    ParticleResult,
    RateResult,
    TransitionResult,
)

from .record import Json, number

__all__ = ["SCHEMA_VERSION", "ModelCard", "kinetics_record", "kinetics_schema"]

SCHEMA_VERSION = 1


class ModelCard(TypedDict):
    """Which model labelled the frames, and of how many frames the means were that it saw."""

    name: str
    version: str
    sha256: str
    averaged_frames: int


def kinetics_record(
    result: FrontResult,
    calibration: Calibration,
    *,
    source: str,
    model: ModelCard | None,
    material: dict[str, str] | None = None,
    warnings: tuple[str, ...] = (),
    foreign_frames: list[int] | None = None,
    log: ElectrochemicalLog | None = None,
    log_offset: Quantity | None = None,
) -> Json:
    """The content of kinetics.json, checked against its schema.

    Args:
        result: What was measured.
        calibration: Scales, and so the units.
        source: The movie.
        model: What labelled the frames; None when labels came from elsewhere.
        material: `host` and `ion`, where the user named them.
        warnings: Sentences beside those of the result.
        foreign_frames: Indices of frames unlike anything that the model was trained on; None when nobody knows.
        log: Of the potentiostat, on the movie's clock.
        log_offset: What that clock showed when the log's own showed zero, where it was found; None where it was given.
    """
    length, time = calibration.length_unit, calibration.time_unit
    particles = [_particle(particle, calibration, log) for particle in result.particles]
    record: Json = {
        "schema_version": SCHEMA_VERSION,
        "source": source,
        "material": material or {},
        "units": {"length": length, "time": time},
        "calibration": {
            "pixel_size_nm": calibration.pixel_size_nm,
            "frame_time_s": calibration.frame_time_s,
            "provenance": {
                "pixel_size": calibration.pixel_size_source,
                "frame_time": calibration.frame_time_source,
            },
        },
        "model": model,
        "foreign_frames": foreign_frames,
        "electrochemistry": None if log is None else _log_span(log, log_offset),
        "frame_of_reference": f"laboratory, {'aligned with the first frames' if result.registered else 'as recorded'}",
        "reaction_observed": result.reaction_observed,
        "cycles": next((particle["cycles"] for particle in particles if particle["cycles"]), []),
        "particles": particles,
        "warnings": [*calibration.warnings, *warnings, *result.warnings],
    }
    jsonschema.validate(record, kinetics_schema())
    return record


@cache
def kinetics_schema() -> Json:
    """JSON Schema of the record."""
    text = Path(__file__).with_name("kinetics.schema.json").read_text(encoding="utf-8")
    schema: Json = json.loads(text)
    return schema


def _particle(particle: ParticleResult, calibration: Calibration, log: ElectrochemicalLog | None) -> Json:
    length, pixel = calibration.length_unit, calibration.pixel_size_nm or 1.0
    y, x = particle.centre_px
    return {
        f"area_{length}2": number(particle.area_px * pixel**2),
        f"centre_x_{length}": number((x + 0.5) * pixel),
        f"centre_y_{length}": number((y + 0.5) * pixel),
        "cycles": _cycles(particle, calibration, log),
    }


def _cycles(particle: ParticleResult, calibration: Calibration, log: ElectrochemicalLog | None) -> list[Json]:
    """Half cycles up to the last that shows a front; those without one before it stay, so that numbers agree."""
    last = max((number for number, cycle in enumerate(particle.cycles, 1) if cycle.transitions), default=0)
    cycles = enumerate(particle.cycles[:last])
    return [_cycle(cycle, calibration) | _electrochemistry(cycle, turn > 0, log) for turn, cycle in cycles]


def _cycle(cycle: HalfCycle, calibration: Calibration) -> Json:
    time = calibration.time_unit
    return {
        "direction": cycle.direction,
        f"start_{time}": number(cycle.start),
        f"end_{time}": number(cycle.end),
        "transitions": [_transition(item, calibration) for item in cycle.transitions],
    }


def _electrochemistry(cycle: HalfCycle, turned: bool, log: ElectrochemicalLog | None) -> Json:
    """Charge that passed in a half cycle, and the mean potential; null where the log does not cover it.

    For one that the reaction turned into: how long after the nearest reversal of the current; null without one.
    """
    if log is None:
        return {}
    if not log.covers(cycle.start, cycle.end):
        return {"charge_C": None, "potential_V": None, "behind_reversal_s": None}
    before, after = log.charge_at([cycle.start, cycle.end])
    behind = cycle.start - log.reversals_s if turned else np.empty(0)
    return {
        "charge_C": number(after - before),
        "potential_V": number(log.mean_potential_v(cycle.start, cycle.end)),
        "behind_reversal_s": number(behind[np.abs(behind).argmin()]) if behind.size else None,
    }


def _log_span(log: ElectrochemicalLog, offset: Quantity | None) -> Json:
    found = None if offset is None else _quantity(offset)
    ends = {"start_s": number(log.time_s[0]), "end_s": number(log.time_s[-1])}
    return {"source": log.source, "offset_found_s": found} | ends


def _transition(item: TransitionResult, calibration: Calibration) -> Json:
    length, time = calibration.length_unit, calibration.time_unit
    rate, pixel = item.rate, calibration.pixel_size_nm or 1.0
    curvature = None if item.shape is None else _quantity(item.shape.curvature_per_px, 1 / pixel)
    return {
        "from": item.transition.before,
        "to": item.transition.after,
        f"onset_{time}": None if rate is None else _quantity(rate.onset),
        "completed_fraction": _quantity(item.completed_fraction),
        f"swept_{length}": number(item.track.swept),
        "law": None if rate is None else rate.law,
        "law_probabilities": {} if rate is None else dict(rate.probabilities),
        "parameters": {} if rate is None else _parameters(rate.parameters, length, time),
        "all_laws": None if rate is None else _all_laws(rate, length, time),
        "law_change": None if rate is None or rate.turn is None else _law_change(rate.turn, length, time),
        f"lag_{time}": None if item.lag is None else _quantity(item.lag),
        f"velocity_{length}_{time}": None if rate is None else _quantity(rate.velocity),
        "exponent": None if rate is None else _quantity(rate.exponent),
        "avrami": None if item.growth is None else _avrami(item.growth, time),
        "anisotropy": None if item.anisotropy is None else _quantity(item.anisotropy.ratio),
        "anisotropy_form": None if item.anisotropy is None else item.anisotropy.form,
        "fastest_direction_deg": _fastest_direction(item.anisotropy),
        "shape": None if item.shape is None else item.shape.word,
        f"curvature_per_{length}": curvature,
    }


def _fastest_direction(anisotropy: Anisotropy | None) -> Json | None:
    if anisotropy is None or anisotropy.fastest_deg is None:
        return None
    return _quantity(anisotropy.fastest_deg)


def _parameters(parameters: Mapping[str, Quantity], length: str, time: str) -> Json:
    names = {
        "rate_nm_s": f"rate_{length}_{time}",
        "B_nm2_s": f"B_{length}2_{time}",
        "length_nm": f"length_{length}",
        "tau_s": f"tau_{time}",
        "D_nm2_s": f"D_{length}2_{time}",
        "stress": "stress",
    }
    return {names[name]: _quantity(value) for name, value in parameters.items()}


def _all_laws(rate: RateResult, length: str, time: str) -> Json:
    further = rate.further
    return {
        "law": max(further.probabilities, key=lambda name: further.probabilities[name]),
        "probabilities": dict(further.probabilities),
        "parameters": _parameters(further.parameters or rate.parameters, length, time),
    }


def _law_change(turn: LawTurn, length: str, time: str) -> Json:
    return {
        f"time_{time}": _quantity(turn.time),
        "before": turn.before,
        "after": turn.after,
        f"speed_before_{length}_{time}": _quantity(turn.speed_before),
        f"speed_after_{length}_{time}": _quantity(turn.speed_after),
    }


def _avrami(growth: AreaGrowth, time: str) -> Json:
    return {
        "exponent": _quantity(growth.exponent),
        f"rate_per_{time}": _quantity(growth.rate),
        f"onset_{time}": _quantity(growth.onset),
    }


def _quantity(quantity: Quantity, scale: float = 1.0) -> Json | None:
    values = {name: number(getattr(quantity, name) * scale) for name in ("value", "low", "high")}
    return None if values["value"] is None else values
