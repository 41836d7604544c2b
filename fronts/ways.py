"""How the fronts of a half cycle lie in a particle: the steps it took, when, from where, and by which way."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .arrival import ArrivalMap
from .geometry import entry_boundary, geodesic_distance_px
from .recorder import Recorder, Step

__all__ = ["Span", "Ways", "find_ways"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SMALLEST_REACTION = 0.03  # share of the particle: less is what a segmenter gets wrong on a still movie
_RIM_PX = 2
_ALL_AROUND = 0.8  # share of the outline
_LEAST_SEEN = 0.2  # share of the particle that must be unreacted in the first frame to be measured by itself


@dataclass(frozen=True)
class Span:
    """A half cycle as it was recorded.

    Attributes:
        recorder: Its frames.
        arrivals: Its posterior.
        start: When it began.
        end: When it turned; its recorder may have seen a few frames more.
        begins_the_movie: Whether none came before it.
    """

    recorder: Recorder
    arrivals: ArrivalMap
    start: float
    end: float
    begins_the_movie: bool

    def thinned(self, every: int) -> "Span":
        """As one in `every` rows and columns show it."""
        return replace(self, recorder=self.recorder.thinned(every), arrivals=self.arrivals.thinned(every))


@dataclass(frozen=True)
class Ways:
    """The fronts of one half cycle in one particle.

    Attributes:
        steps: Those that enough of the particle was seen to take.
        inner: What of the particle is measured, shape (y, x).
        arrival: When each step reached each pixel, shape (step, y, x), in the time unit; infinite where it never did.
        early: Where that counts as reacted in the first frame, same shape.
        entry: Boundary pixels where the ion entered, shape (y, x).
        distance_px: Geodesic distance from the entry, shape (y, x); NaN outside the particle and on its rim.
        followed_px: The same for each step, shape (step, y, x); NaN where its front cannot be followed too.
        flashed: Whether a movie begins with an extraction, most of which was over before frames could show what it
            began from; it has no steps then.
    """

    steps: tuple[Step, ...]
    inner: Mask
    arrival: Floats
    early: NDArray[np.bool_]
    entry: Mask
    distance_px: Floats
    followed_px: Floats
    flashed: bool

    @property
    def closes_in(self) -> bool:
        """Whether the ion enters through nearly all of the outline."""
        outline = self.inner & ~ndimage.binary_erosion(self.inner)
        return bool((self.entry & outline).sum() > _ALL_AROUND * outline.sum())


def find_ways(mask: Mask, span: Span, *, dissolves: bool) -> Ways:
    """Find them in a particle, shape (y, x).

    Args:
        mask: The particle.
        span: The half cycle.
        dissolves: Whether the particle is what vanishes.
    """
    inner, rim_px = (mask, 0) if dissolves else _without_rim(mask)
    first_change = span.recorder.first_change()
    steps, times_of = _observed(span.recorder.steps(mask), span.arrivals, mask, inner, first_change)
    flashed = _flashed(times_of, inner, span)
    if flashed:
        steps, times_of = [], times_of[:0]
    early = times_of < first_change
    if len(early) and not span.begins_the_movie:  # what the half cycle before left out does not come back
        inner, rim_px = _seen_to_react(early[0], inner), 0
    entry, distance = _entry_and_distance(times_of, early, inner, rim_px)
    followed = np.array([np.where(_seen_to_react(before, inner), distance, np.nan) for before in early])
    return Ways(tuple(steps), inner, times_of, early, entry, distance, followed, flashed)


def _flashed(times_of: Floats, inner: Mask, span: Span) -> bool:
    if len(times_of) == 0 or not span.begins_the_movie or span.recorder.direction == "insertion":
        return False
    first = times_of[0, inner & np.isfinite(times_of[0])]
    return bool(np.median(first) < span.recorder.lasting_since_start())


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
