"""When a front will reach a place, from what the kinetics head expects and from what has been seen of it so far.

A forecast starts from particles: courses of the front under draws of all that nobody knows, their mean speeds set to
the head's quantiles. Of a front that moves, the steps between evenly spaced places are compared with each particle's:

    log dT_m = a + log dtau_m + e_m,    a ~ N(0, kappa^2),    e ~ N(0, s^2 C)

with a particle's times tau, its pace a, and errors of pinning, position and frame time. Pace and s^2 are integrated out
in closed form (normal and inverse gamma), so that each particle has an evidence and a posterior of its pace, and what
was seen outweighs the prior as it comes in. That the front has not come farther by now counts as well: it is what tells
a front that stalls.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ionfront.core import UsageError
from ionfront.datasets import MaterialStep
from ionfront.physics import FrontCases, front_course

from .kinetics_head import SPEED_LEVELS, KineticsHead, KineticsPrediction
from .physical_mean import mean_log_speed
from .reaction import Experiment, drawn, front_cases, reactions, varied

__all__ = ["Forecast", "Forecaster"]

Floats = NDArray[np.float64]

_LN10 = float(np.log(10))
_NEVER = 1e60  # s: a front that stalls
_MOST_STEPS = 24
_FINEST = 1 / 64  # of the depth
_TILT = 0.15  # how far pace may go with a power of the depth, beyond the physics: breadth of the particle, entry
_STALLING = 1 / 4  # share of the particles whose fronts tire out somewhere, beyond the physics
_OWN = 0.6  # of the spread that the head expects of speeds, what is between particles; the rest is their pace's
_PINNING = 0.2  # of the logarithm of a step's time
_PINNING_SURE = 6.0  # degrees of freedom of what is thought of s^2
_NEW = 0.5  # share of a step's evidence that is new: neighbouring steps err alike
_DRAWS = 8  # of each particle's pace
_OUTERMOST = 2 * SPEED_LEVELS[-1] - 1
_LIKELY = np.array([0.5, 0.025, 0.975])


@dataclass(frozen=True)
class Forecast:
    """When a front reaches m places.

    Attributes:
        time_s: Median, low and high end at 95 %, for fronts that get there, shape (m, 3); NaN where none does.
        reached: Probability that it gets there, shape (m,).
    """

    time_s: Floats
    reached: Floats


class Forecaster:
    """Forecasts for one front of one particle.

    Args:
        head: What is expected before anything is seen.
        steps: The step that reacts, or all that it may be, equally likely.
        experiment: Its size is the way from the entry to the end of the particle.
        particles: Courses to compare with.
        seed: Of their draws.

    Attributes:
        depth_nm: The way from the entry to the end of the particle.

    Raises:
        UsageError: No step.
    """

    def __init__(
        self,
        head: KineticsHead,
        steps: Sequence[MaterialStep],
        experiment: Experiment,
        particles: int = 512,
        seed: int = 0,
    ) -> None:
        if not steps:
            raise UsageError("a forecast needs a step of a reaction: name a host and an ion that react.")
        rng = np.random.default_rng(seed)
        self.depth_nm = experiment.size_nm
        self._which = np.arange(particles) % len(steps)
        told = varied(reactions([steps[k % len(steps)] for k in range(particles)], [experiment] * particles), rng)
        said = head.predict(reactions(list(steps), [experiment] * len(steps)))
        self._free = np.ones(particles)  # kappa
        self._time = self._times(front_cases(told, drawn(particles, rng)), said, head.info.widen, rng)
        self._normal = special.ndtri((rng.permuted(np.tile(np.arange(_DRAWS), (particles, 1)), axis=1) + 0.5) / _DRAWS)
        self._chance = rng.standard_normal((particles, _DRAWS))

    def forecast(
        self, time_s: ArrayLike, position_nm: ArrayLike, places_nm: ArrayLike, *, error_nm: float, start_s: float = 0.0
    ) -> Forecast:
        """Forecast from what was seen so far; some milliseconds at most, however long that is.

        Args:
            time_s: Of the frames so far, rising, shape (n,); n may be 0. The last of them is now.
            position_nm: How far from the entry the front was, shape (n,); NaN where it was not seen.
            places_nm: Distances from the entry, shape (m,).
            error_nm: Standard error of a position.
            start_s: When the front set out or may have: the bias was on.

        Raises:
            UsageError: Times that do not rise or do not match the positions, or an error that is not above 0.
        """
        if not error_nm > 0:
            raise UsageError(f"error_nm is {error_nm}; it needs to be above 0.")
        share, error = np.asarray(position_nm, float) / self.depth_nm, error_nm / self.depth_nm
        seen = _Seen(np.asarray(time_s, float), share, error, start_s)
        places = np.atleast_1d(np.asarray(places_nm, float)) / self.depth_nm
        weight, pace, spread, noise = self._compared(seen)
        ahead = self._at(places) - self._at(seen.places[-1:])
        way = np.maximum(places - seen.places[-1], seen.step)
        wavers = np.sqrt(noise[:, None] ** 2 * seen.step / way + 2 * (seen.error / way) ** 2)
        factor = np.exp(pace[:, None] + spread[:, None] * self._normal)[:, :, None]
        factor = factor * np.exp(wavers[:, None, :] * self._chance[:, :, None])
        arriving = np.where(ahead < _NEVER / 10, weight[:, None], 0.0)
        when = np.maximum(seen.times[-1] + factor * ahead[:, None, :], seen.now_s)
        forecast = Forecast(np.empty((len(places), 3)), arriving.sum(axis=0))
        for k, place in enumerate(places):
            if place <= seen.farthest:
                forecast.time_s[k], forecast.reached[k] = seen.when(place), 1.0
            else:
                forecast.time_s[k] = _weighted(when[:, :, k].ravel(), np.repeat(arriving[:, k], _DRAWS))
        return forecast

    def _times(self, cases: FrontCases, said: KineticsPrediction, widen: float, rng: np.random.Generator) -> Floats:
        """Time to each edge of the layers, shape (particles, layers + 1), at the speeds that the head expects."""
        course = front_course(cases)
        layers = course.depth_nm.shape[1]
        slow = self.depth_nm / layers / np.maximum(course.speed_nm_s, 1 / _NEVER)
        place = (np.arange(layers) + 0.5) / layers
        slow = slow * place ** (_TILT * rng.standard_normal((len(slow), 1)))
        end = np.where(rng.random(len(slow)) < _STALLING, rng.uniform(0.1, 1.5, len(slow)), np.inf)[:, None]
        slow = slow / np.maximum(1 - place / end, 1e-12) ** rng.uniform(0, 1, (len(slow), 1))
        log_speed = mean_log_speed(course)
        for step, quantiles in enumerate(said.quantiles):
            mine = self._which == step
            rank = (np.argsort(np.argsort(log_speed[mine])) + 0.5) / mine.sum()
            middle = quantiles[len(quantiles) // 2]
            expected = _between_levels(rank, quantiles + widen * (2 * np.array(SPEED_LEVELS) - 1) / _OUTERMOST)
            slow[mine] *= 10 ** (log_speed[mine] - middle - _OWN * (expected - middle))[:, None]
            self._free[mine] = np.sqrt(1 - _OWN**2) * _LN10 * (expected - middle).std()
        slow = np.where(np.isfinite(course.time_s) & (place < end), slow, _NEVER)
        return np.concatenate([np.zeros((len(slow), 1)), np.cumsum(slow, axis=1)], axis=1)

    def _at(self, places: Floats) -> Floats:
        """Each particle's time to shares of the depth, shape (particles, m)."""
        edge = np.clip(places, 0.0, 1.0) * (self._time.shape[1] - 1)
        low = np.minimum(edge.astype(np.intp), self._time.shape[1] - 2)
        return np.asarray(self._time[:, low] + (edge - low) * (self._time[:, low + 1] - self._time[:, low]))

    def _compared(self, seen: "_Seen") -> tuple[Floats, Floats, Floats, Floats]:
        """Each particle's weight, mean and spread of its pace, and how much a step's time varies; shape (n,) each."""
        log_step = np.log(np.diff(self._at(seen.places), axis=1))
        off = np.log(seen.took) - log_step
        sure = np.linalg.inv(seen.covariance())
        told = sure.sum(axis=0)
        precision = told.sum() + 1 / self._free**2
        pace = off @ told / precision
        square = np.einsum("nm,mk,nk->n", off, sure, off) - precision * pace**2
        freedom = _PINNING_SURE + off.shape[1]
        evidence = -freedom / 2 * np.log1p(square / _PINNING_SURE) - np.log(precision * self._free**2) / 2
        scale = (_PINNING_SURE + square) / freedom
        spread = np.sqrt(scale / precision)
        noise = np.sqrt(scale / _NEW) * _PINNING
        following, waited = seen.farthest + seen.step, seen.now_s - seen.times[-1]
        if waited > 0 and following < 1:  # it has not come there yet
            takes = np.diff(self._at(np.array([seen.places[-1], following])), axis=1)[:, 0]
            margin = np.sqrt(spread**2 + noise**2 + scale * 2 * (seen.error / seen.step) ** 2)
            evidence = evidence + special.log_ndtr((pace + np.log(takes) - np.log(waited)) / margin)
        weights = np.exp(evidence - evidence.max())
        return weights / weights.sum(), pace, spread, noise


class _Seen:
    """A track as shares of the depth, that never goes back.

    Attributes:
        error: Of a position.
        step: Distance between places: more than positions err, and no finer than a layer.
        places, times: Evenly spaced places that were passed, and when; the first is where the front came in sight, or
            where it set out.
        farthest: How far the front is.
        now_s: Time of the last frame.
        frame_s: Time between frames.
    """

    places: Floats
    times: Floats

    def __init__(self, time: Floats, share: Floats, error: float, start_s: float) -> None:
        if time.shape != share.shape or time.ndim != 1:
            raise UsageError(f"{time.shape} times and {share.shape} positions: one position for each time is needed.")
        if not (np.isfinite(time).all() and (np.diff(time) > 0).all()):
            raise UsageError("times of a forecast need to be finite and rising.")
        told = np.isfinite(share) & (share > 0)
        self._time, self._share = time[told], np.maximum.accumulate(np.clip(share[told], 0.0, 1.0))
        self.error = error
        self.now_s = float(time[-1]) if time.size else start_s
        self.frame_s = float(np.median(np.diff(time))) if time.size > 1 else 0.0
        if not self._time.size:
            self.farthest, self.step = 0.0, max(_FINEST, 2 * error)
            self.places = np.zeros(1)
            self.times = np.array([start_s])
            return
        first, self.farthest = float(self._share[0]), float(self._share[-1])
        self.step = max(_FINEST, 2 * error, (self.farthest - first) / _MOST_STEPS)
        count = int((self.farthest - first) / self.step + 1e-9)
        self.places = np.asarray(first + self.step * np.arange(count + 1))
        self.times = np.array([self.when(place) for place in self.places])

    @property
    def took(self) -> Floats:
        """Time between places."""
        return np.maximum(np.diff(self.times), 1e-3 * self.frame_s)

    def covariance(self) -> Floats:
        """Of the errors of the logarithms of these times: pinning, and errors at places that neighbours share."""
        if not (took := self.took).size:
            return np.zeros((0, 0))
        slow = np.concatenate([took[:1], (took[1:] + took[:-1]) / 2, took[-1:]]) / self.step
        at_place = (self.error * slow) ** 2 + self.frame_s**2 / 12
        between = np.diff(np.eye(len(at_place)), axis=0) / took[:, None]
        return np.asarray(_PINNING**2 / _NEW * np.eye(len(took)) + between * at_place @ between.T)

    def when(self, place: float) -> float:
        """When the front came to a place that it has passed."""
        k = int(np.searchsorted(self._share, place))
        if k == 0:
            return float(self._time[0])
        k = min(k, len(self._share) - 1)
        part = min((place - self._share[k - 1]) / max(self._share[k] - self._share[k - 1], 1e-12), 1.0)
        return float(self._time[k - 1] + part * (self._time[k] - self._time[k - 1]))


def _between_levels(rank: Floats, quantiles: Floats) -> Floats:
    """Quantiles at any rank; beyond the outermost they go on as a normal distribution's would."""
    z, levels = special.ndtri(rank), special.ndtri(np.array(SPEED_LEVELS))
    inner = np.interp(z, levels, quantiles)
    slopes = np.diff(quantiles)[[0, -1]] / np.diff(levels)[[0, -1]]
    return np.asarray(inner + np.minimum(z - levels[0], 0) * slopes[0] + np.maximum(z - levels[-1], 0) * slopes[1])


def _weighted(values: Floats, weights: Floats) -> Floats:
    if not weights.sum() > 0:
        return np.full(len(_LIKELY), np.nan)
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return np.asarray(values[order][np.searchsorted(share, _LIKELY * share[-1])])
