"""What a live measurement said of each frame, as columns."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Column", "Courses", "FrontKey", "courses"]

_INTERVAL = ("value", "low", "high")


@dataclass(frozen=True)
class FrontKey:
    """Which front.

    Attributes:
        half_cycle, particle: Their numbers, from 1.
        before, after: The phases on its two sides.
    """

    half_cycle: int
    particle: int
    before: str
    after: str


@dataclass
class Column:
    """Values (n,) of one kind, NaN where there is none.

    Attributes:
        unit: Theirs; "" for a plain number.
    """

    unit: str
    values: NDArray[np.float64]


@dataclass
class Courses:
    """Columns by name, one value a frame.

    Attributes:
        frames: Of all of it: time, dose, missed.
        areas: Of each phase.
        fronts: Of each front: position, depth, speed, completion and their intervals (`_low`, `_high`).
    """

    frames: dict[str, Column] = field(default_factory=dict)
    areas: dict[str, Column] = field(default_factory=dict)
    fronts: dict[FrontKey, dict[str, Column]] = field(default_factory=dict)


def courses(answers: Iterable[dict[str, Any]], count: int) -> Courses:
    """Columns of so many answers, as `Session.push` gives them."""
    found = Courses()
    for row, answer in enumerate(answers):
        state = answer["state"]
        unit = "px" if "area_px2" in state else "nm"
        _put(found.frames, "time", "s", answer["time_s"], row, count)
        _put(found.frames, "dose", "1/nm^2", answer["dose_e_nm2"], row, count)
        _put(found.frames, "missed", "", answer["missed"], row, count)
        for phase, area in state[f"area_{unit}2"].items():
            _put(found.areas, phase, f"{unit}^2", area, row, count)
        for front in state["fronts"]:
            key = FrontKey(state["half_cycle"], front["particle"], front["from"], front["to"])
            _put_front(found.fronts.setdefault(key, {}), front, unit, row, count)
    return found


def _put_front(columns: dict[str, Column], front: dict[str, Any], unit: str, row: int, count: int) -> None:
    for name, key, its_unit in (
        ("position", f"position_{unit}", unit),
        ("speed", f"speed_{unit}_s", f"{unit}/s"),
        ("completion", "completion_s", "s"),
    ):
        quantity = front[key] or {}
        for part in _INTERVAL:
            _put(columns, name if part == "value" else f"{name}_{part}", its_unit, quantity.get(part), row, count)
    _put(columns, "depth", unit, front[f"depth_{unit}"], row, count)
    for name in ("law_probability", "completion_probability"):
        _put(columns, name, "", front[name], row, count)


def _put(columns: dict[str, Column], name: str, unit: str, value: float | None, row: int, count: int) -> None:
    column = columns.setdefault(name, Column(unit, np.full(count, np.nan)))
    column.values[row] = np.nan if value is None else value
