"""The physical mean of a front's speed, and what each part of the physics makes of it on a logarithmic scale.

Parts are switched on one after another, and each gets what the logarithm changes by; together they are exact.
"""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from ionfront.physics import FrontCases, FrontCourse, front_course

from .reaction import Reactions, Unknowns, front_cases

__all__ = ["PARTS", "contributions", "mean_log_speed", "swept_speed_nm_s"]

Floats = NDArray[np.float64]

PARTS: tuple[str, ...] = (
    "prefactor",
    "barrier",
    "driving force",
    "resistance",
    "interface strain",
    "geometry and stress",
)
_SLOWEST_NM_S = 1e-9  # a front that never sets out


def contributions(reactions: Reactions, unknowns: Unknowns = Unknowns()) -> Floats:
    """log10 of the mean speed [nm/s] by `PARTS`, shape (n, 6).

    The prefactor is the exchange speed of a hop without barrier. Interface strain is what the layer that has just
    reacted costs where its particle is free above and below (c = 1/3); geometry and stress is all that the shape of
    front and particle add to it.
    """
    whole = front_cases(reactions, unknowns)
    barrierless = front_cases(replace(reactions, barrier_ev=np.zeros(len(reactions))), unknowns)
    free = replace(whole, contact_ohm_m2=0.0, conductivity_s_m=np.inf, yield_gpa=0.0, dimension=1)
    flat = replace(whole, yield_gpa=0.0, dimension=1)
    strained = replace(whole, layer=1 / 3, hoop=0.0, dimension=1)
    prefactor, exchange = (np.log10(np.asarray(c.exchange_nm_s)) for c in (barrierless, whole))
    courses = mean_log_speed(front_course(_one_after_another([free, flat, strained, whole], len(reactions))))
    steps = [prefactor, exchange, *courses.reshape(4, -1)]
    return np.diff(np.column_stack([np.zeros(len(reactions)), *steps]), axis=1)


def _one_after_another(cases: Sequence[FrontCases], count: int) -> FrontCases:
    names = [field.name for field in fields(FrontCases)]
    return FrontCases(
        **{name: np.concatenate([np.broadcast_to(getattr(case, name), count) for case in cases]) for name in names}
    )


def mean_log_speed(course: FrontCourse) -> Floats:
    """log10 of the mean speed [nm/s] between a tenth and nine tenths of what is swept, shape (n,)."""
    return np.asarray(np.log10(np.maximum(swept_speed_nm_s(course), _SLOWEST_NM_S)))


def swept_speed_nm_s(course: FrontCourse) -> Floats:
    """0.8 X/(t90 - t10), X the depth that the front reaches, shape (n,); 0 where it never sets out."""
    reached = np.isfinite(course.time_s).sum(axis=1)
    step = course.depth_nm[:, 1] - course.depth_nm[:, 0]
    tenths = [np.clip(share * reached - 0.5, 0, np.maximum(reached - 1, 0)) for share in (0.1, 0.9)]
    time = np.maximum.accumulate(np.where(np.isfinite(course.time_s), course.time_s, 0.0), axis=1)
    early, late = (_between(time, place) for place in tenths)
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = step * (tenths[1] - tenths[0]) / (late - early)
    return np.where(reached > 1, speed, 0.0)


def _between(values: Floats, place: Floats) -> Floats:
    low = np.minimum(np.floor(place).astype(np.intp), values.shape[1] - 2)
    rows = np.arange(len(values))
    return np.asarray(values[rows, low] + (place - low) * (values[rows, low + 1] - values[rows, low]))
