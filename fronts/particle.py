"""Everything that is measured of one particle: its entry, its steps, and the front of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.core import Transition

from .arrival import ArrivalMap
from .doubts import doubts_about
from .geometry import entry_boundary, geodesic_distance_px
from .kinetics import TransitionResult, measure_transition

__all__ = ["ParticleResult", "Settings", "Step", "measure_particle"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SMALLEST_REACTION = 0.03  # share of the particle: less is what a segmenter gets wrong on a still movie
_RIM_PX = 2
_LEAST_SEEN = 0.2  # share of the particle that must be unreacted in the first frame to be measured by itself


@dataclass(frozen=True)
class ParticleResult:
    """One particle of a movie.

    Attributes:
        mask: Shape (y, x).
        transitions: One result for each step that was seen, in reaction order.
        arrival: Posterior mean, shape (transition, y, x), in the time unit; infinite where never reached.
        arrival_std: Its posterior standard deviation; NaN where never reached.
        entry: Boundary pixels where the ion entered, shape (y, x).
        distance_px: Geodesic distance from the entry, shape (y, x); NaN outside the particle and on its rim.
        warnings: Sentences for the person who will use the numbers.
    """

    mask: Mask
    transitions: tuple[TransitionResult, ...]
    arrival: Floats
    arrival_std: Floats
    entry: Mask
    distance_px: Floats
    warnings: tuple[str, ...]

    @property
    def area_px(self) -> int:
        """Area before the reaction."""
        return int(self.mask.sum())

    @property
    def centre_px(self) -> tuple[float, float]:
        """Centre of mass (y, x)."""
        y, x = np.argwhere(self.mask).mean(axis=0)
        return float(y), float(x)


@dataclass(frozen=True)
class Step:
    """A step that a particle took: its index in the arrival map, and its name."""

    index: int
    transition: Transition


@dataclass(frozen=True)
class Settings:
    """What all particles of a movie are measured with.

    Attributes:
        times: Frame times, shape (n,).
        first_change: What arrived before had reacted in the first frame.
        pixel: Length of a pixel in the unit wanted.
        scale_error: Relative standard error of all positions together.
        dissolves: Whether the particle is what vanishes.
        seed: Of every resampling.
    """

    times: Floats
    first_change: float
    pixel: float
    scale_error: float
    dissolves: bool
    seed: int


def measure_particle(mask: Mask, steps: list[Step], arrivals: ArrivalMap, settings: Settings) -> ParticleResult:
    """Measure the front of every step that enough of a particle, shape (y, x), was seen to take."""
    inner, rim_px = (mask, 0) if settings.dissolves else _without_rim(mask)
    steps, times_of = _observed(steps, arrivals, mask, inner, settings.first_change)
    early = times_of < settings.first_change
    entry, distance = _entry_and_distance(times_of, early, inner, rim_px)
    transitions = tuple(
        measure_transition(
            step.transition,
            arrival,
            inner,
            np.where(_seen_to_react(before, inner), distance, np.nan),
            settings.times,
            pixel=settings.pixel,
            scale_error=settings.scale_error,
            seed=settings.seed,
        )
        for step, arrival, before in zip(steps, times_of, early, strict=True)
    )
    return ParticleResult(
        mask=mask,
        transitions=transitions,
        arrival=times_of,
        arrival_std=np.where(np.isfinite(times_of), arrivals.spread[[step.index for step in steps]], np.nan),
        entry=entry,
        distance_px=distance,
        warnings=tuple(doubts_about(transitions, times_of, early, distance, pixel=settings.pixel)),
    )


def _observed(
    steps: list[Step], arrivals: ArrivalMap, particle: Mask, inner: Mask, first_change: float
) -> tuple[list[Step], Floats]:
    """The steps that enough of the particle was seen to take, and their arrival times, shape (step, y, x)."""
    times_of = _reached_times(arrivals, [step.index for step in steps], particle)
    in_sight = np.isfinite(times_of) & (times_of >= first_change)
    seen = np.flatnonzero(in_sight[:, inner].mean(axis=1) >= _SMALLEST_REACTION)
    return [steps[i] for i in seen], times_of[seen]


def _entry_and_distance(times_of: Floats, early: NDArray[np.bool_], inner: Mask, rim_px: int) -> tuple[Mask, Floats]:
    """Entry of the first front, and the distance from it that all fronts are measured by; empty without a front.

    Both leave the rim out; distance still counts from the outline, which runs a rim's width before the entry.
    """
    if len(times_of) == 0:
        return np.zeros_like(inner), np.full(inner.shape, np.nan)
    entry = entry_boundary(times_of[0], inner, _seen_to_react(early[0], inner))
    return entry, geodesic_distance_px(inner, entry) + rim_px


def _seen_to_react(early: Mask, inner: Mask) -> Mask:
    """Pixels that a front may pass within the movie.

    What counts as reacted in the first frame, whether it is or the segmenter errs there, tells nothing of when
    the front came by; where nearly all of a particle does, there is nothing else to go by.
    """
    later = inner & ~early
    return later if later.sum() > _LEAST_SEEN * inner.sum() else inner


def _reached_times(arrivals: ArrivalMap, steps: list[int], particle: Mask) -> Floats:
    """Arrival times of steps, shape (step, y, x); infinite where never reached, and outside the particle."""
    chosen = np.where(arrivals.reached[steps] > 0.5, arrivals.arrival[steps], np.inf)
    return np.where(particle, chosen, np.inf).astype(float)


def _without_rim(particle: Mask) -> tuple[Mask, int]:
    """The particle without its rim, and how wide that was [px].

    Pixels on the outline are part support, and are taken for a product from the first frame on more often than
    for what they are. Where most of the particle is rim, there is nothing better than the rim; and where a particle
    dissolves, its outline is what is measured, and stays in.
    """
    inner = ndimage.binary_erosion(particle, iterations=_RIM_PX)
    return (inner, _RIM_PX) if 2 * inner.sum() > particle.sum() else (particle, 0)
