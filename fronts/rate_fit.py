"""Positions of a front over time become a rate law, its parameters, and how sure we are of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from ionfront.core import FrontFitError
from ionfront.physics import LawName, Linear, Mixed, Parabolic, RateLaw, SelfLimiting

from .correlation import independent_values, lag_one
from .least_squares import least_squares
from .position import FrontTrack

__all__ = [
    "FAMILIES",
    "OUTLINE_PX",
    "ROBUST",
    "LawFamily",
    "LawFit",
    "fit_exponent",
    "fit_law",
    "fit_power",
    "information_criteria",
    "law_probabilities",
]
__all__ += ["mean_velocity", "usable"]

Floats = NDArray[np.float64]
Name = TypeVar("Name", bound=str)

OUTLINE_PX = 0.7
"""How well the outline, and so the start of the sweep, is known [px]."""

ROBUST = {"loss": "soft_l1", "f_scale": 0.02}
"""Of least squares: a few positions that are far off, in units of the distance that a track reaches, count for less."""

_FLOOR = 0.12  # px: what segmentation and pixel grid leave even in a perfect track
_FEWEST = 6


@dataclass(frozen=True)
class LawFit:
    """A law fitted to a track.

    Attributes:
        law: With its parameters, in the length and time units of the track.
        onset: When the front set out.
        offset: Distance by which the track starts beside zero.
        residuals: Measured minus fitted position, shape (n_usable,).
        solution: The solver's own parameters, from which a fit to similar points sets out.
    """

    law: RateLaw
    onset: float
    offset: float
    residuals: Floats
    solution: Floats

    def position(self, time: Floats) -> Floats:
        """Fitted position at each time."""
        return self.law.position_nm(time - self.onset) + self.offset


@dataclass(frozen=True)
class LawFamily:
    """All laws of one form.

    Attributes:
        starts: Dimensionless parameters from which a fit may set out, logarithms where nothing else is said.
        build: From them, with the time that the track spans and the distance that it reaches, to the law.
    """

    starts: tuple[tuple[float, ...], ...]
    build: Callable[[Floats, float, float], RateLaw]


FAMILIES: dict[LawName, LawFamily] = {
    "linear": LawFamily(((0.0,),), lambda q, span, reach: Linear(_exp(q[0]) * reach / span)),
    "parabolic": LawFamily(((0.0,),), lambda q, span, reach: Parabolic(_exp(q[0]) * reach**2 / span)),
    "mixed": LawFamily(
        ((0.7, 0.7), (0.1, 2.0), (2.0, 0.1)),
        lambda q, span, reach: Mixed(_exp(q[0]) * reach / span, _exp(q[1]) * reach**2 / span),
    ),
    "self_limiting": LawFamily(
        ((0.0, -1.2), (0.5, 0.0)), lambda q, span, reach: SelfLimiting(_exp(q[0]) * reach, _exp(q[1]) * span)
    ),
}


def usable(track: FrontTrack) -> NDArray[np.bool_]:
    """Which moments show a moving front, shape (n,): after it came in sight and before it ran out of particle.

    Raises:
        FrontFitError: There are too few of them.
    """
    ended = track.position >= 0.97 * track.depth
    use = track.in_sight & ~ended
    if (n := int(use.sum())) < _FEWEST:
        raise FrontFitError(
            f"the front moves inside the particle in {n} frames; a rate law needs {_FEWEST}. "
            "Use a faster camera, or a movie that shows more of the reaction."
        )
    return use


def fit_law(
    law: LawName | LawFamily, time: Floats, position: Floats, pixel: float = 1.0, near: LawFit | None = None
) -> LawFit:
    """Least squares for one law; the onset is free and the start may lie beside zero by about a pixel.

    Args:
        law: Which law.
        time: Shape (n,), increasing.
        position: Shape (n,), above zero.
        pixel: Length of a pixel in the unit of `position`.
        near: A fit of the same law to similar points, to set out from.
    """
    span, reach = float(np.ptp(time)), float(position.max())
    # In these units every parameter is near one, whatever the movie's.
    t, x, hair = (time - time[0]) / span, position / reach, OUTLINE_PX * pixel / reach
    family = law if isinstance(law, LawFamily) else FAMILIES[law]
    starts = [near.solution] if near else [np.array([*start, -0.02, 0.0]) for start in family.starts]
    best = min((_solve(family, t, x, hair, start) for start in starts), key=lambda solution: float(solution.cost))
    found = family.build(best.x, span, reach)
    onset, offset = time[0] + best.x[-2] * span, best.x[-1] * hair * reach
    residuals = position - found.position_nm(time - onset) - offset
    return LawFit(found, float(onset), float(offset), residuals, best.x)


def law_probabilities(fits: Mapping[Name, LawFit], pixel: float = 1.0, evidence: float = 1.0) -> dict[Name, float]:
    """Posterior probabilities of the laws, from BIC on residuals whitened as a first-order autoregression.

    Args:
        fits: All laws, fitted to the same points.
        pixel: Length of a pixel in the unit of the fits.
        evidence: Share of the evidence that counts.
    """
    bic = information_criteria(
        {name: fit.residuals for name, fit in fits.items()},
        {name: fit.solution.size for name, fit in fits.items()},
        pixel,
    )
    least = min(bic.values())
    weights = {name: float(np.exp(-evidence * (value - least) / 2)) for name, value in bic.items()}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


def information_criteria(
    residuals: Mapping[Name, Floats], parameters: Mapping[Name, int], pixel: float = 1.0
) -> dict[Name, float]:
    """BIC of models of the same points, on residuals whitened as a first-order autoregression.

    Args:
        residuals: Of each model, shape (n,).
        parameters: How many each has.
        pixel: Length of a pixel in the unit of the residuals.
    """
    closest = min(residuals.values(), key=lambda left: float(np.sum(left**2)))
    correlation = lag_one(closest)
    white = {name: _whitened(left, correlation) for name, left in residuals.items()}
    n = closest.size
    floor = _FLOOR * pixel * np.sqrt(1 - correlation**2)
    noise2 = max(float(np.sum(_whitened(closest, correlation) ** 2)) / max(n - 4, 1), floor**2)
    effective = max(2.0, independent_values(n, correlation))
    return {
        name: float(np.sum(left**2) / noise2 + parameters[name] * np.log(effective)) for name, left in white.items()
    }


def mean_velocity(fit: LawFit, end: float, depth: float) -> float:
    """0.8 X / (t90 - t10) along a fitted law, with X the distance swept by `end`; NaN where nothing moved."""
    swept = min(float(fit.position(np.array([end]))[0]), depth)
    t10, t90 = fit.law.time_s(np.maximum(np.array([0.1, 0.9]) * swept - fit.offset, 0.0))
    return float(0.8 * swept / (t90 - t10)) if t90 > t10 else float("nan")


def fit_exponent(time: Floats, position: Floats, pixel: float = 1.0) -> float:
    """p of x = C (t - t0)^p, with t0 free: 1 for an interface-limited front, 1/2 for a diffusion-limited one."""
    return float(fit_power(time, position, pixel)[0])


def fit_power(time: Floats, position: Floats, pixel: float = 1.0, near: Floats | None = None) -> Floats:
    """p, t0, C and the offset of x = C (t - t0)^p, in units of the track, shape (4,).

    Args:
        time: Shape (n,), increasing.
        position: Shape (n,), above zero.
        pixel: Length of a pixel in the unit of `position`.
        near: What was found for similar points, to set out from.
    """
    span, reach = float(np.ptp(time)), float(position.max())
    t, x, hair = (time - time[0]) / span, position / reach, OUTLINE_PX * pixel / reach

    def residuals(q: Floats) -> Floats:
        predicted = q[2] * np.maximum(t - q[1], 1e-9) ** q[0] + q[3] * hair
        return np.append(predicted - x, q[3] * hair / np.sqrt(t.size))

    low, high = np.array([0.02, -3.0, 0.0, -3.0]), np.array([4.0, t[1], np.inf, 3.0])
    start = np.array([0.8, -0.02, 1.0, 0.0]) if near is None else near
    return np.asarray(least_squares(residuals, start, low, high, **ROBUST).x)


def _solve(family: LawFamily, t: Floats, x: Floats, hair: float, start: Floats) -> optimize.OptimizeResult:
    def residuals(q: Floats) -> Floats:
        predicted = family.build(q, 1.0, 1.0).position_nm(t - q[-2]) + q[-1] * hair
        prior = q[-1] * hair / np.sqrt(t.size)  # the offset is a nuisance of known size, not a free fit
        return np.append(predicted - x, prior)

    n_law = len(start) - 2
    low = np.array([*([-12.0] * n_law), -2.0, -3.0])
    high = np.array([*([12.0] * n_law), float(t[min(3, t.size - 1)]), 3.0])
    return least_squares(residuals, start, low, high, **ROBUST)


def _exp(value: float) -> float:
    return float(np.exp(value))


def _whitened(residuals: Floats, correlation: float) -> Floats:
    rest = residuals[1:] - correlation * residuals[:-1]
    return np.concatenate([[np.sqrt(1 - correlation**2) * residuals[0]], rest])
