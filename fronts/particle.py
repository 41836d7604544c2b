"""Everything that is measured of one particle: its half cycles, the entry and the steps of each, and their fronts."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .arrival import ArrivalMap
from .doubts import doubts_about
from .geometry import entry_boundary, geodesic_distance_px
from .kinetics import TransitionResult, measure_transition
from .label_errors import LabelErrors
from .recorder import Recorder, Step
from .turns import Direction

__all__ = ["HalfCycle", "ParticleResult", "Settings", "Span", "measure_particle"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SMALLEST_REACTION = 0.03  # share of the particle: less is what a segmenter gets wrong on a still movie
_RIM_PX = 2
_ALL_AROUND = 0.8  # share of the outline
_FLASHED = (
    "The first frames show the particle in a later phase, and it is back within a few: taken for an error of the "
    "labels, not for an extraction. Look at them."
)
_LEAST_SEEN = 0.2  # share of the particle that must be unreacted in the first frame to be measured by itself


@dataclass(frozen=True)
class HalfCycle:
    """Insertion or extraction in one particle, between two turns of the reaction.

    Attributes:
        direction: Which of the two.
        start: When it set in, or the movie did, in the time unit.
        end: When it turned, or the movie ended.
        transitions: One result for each step that was seen, in the order in which they follow.
        arrival: Posterior mean, shape (transition, y, x), in the time unit; infinite where never reached.
        arrival_std: Its standard error; NaN where never reached.
        entry: Boundary pixels where the ion entered, shape (y, x).
        distance_px: Geodesic distance from the entry, shape (y, x); NaN outside the particle and on its rim.
        warnings: Sentences for the person who will use the numbers.
    """

    direction: Direction
    start: float
    end: float
    transitions: tuple[TransitionResult, ...]
    arrival: Floats
    arrival_std: Floats
    entry: Mask
    distance_px: Floats
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ParticleResult:
    """One particle of a movie.

    Attributes:
        mask: Shape (y, x).
        cycles: Its half cycles, those without a front too; at least one.
    """

    mask: Mask
    cycles: tuple[HalfCycle, ...]

    @property
    def area_px(self) -> int:
        """Area before the reaction."""
        return int(self.mask.sum())

    @property
    def centre_px(self) -> tuple[float, float]:
        """Centre of mass (y, x)."""
        y, x = np.argwhere(self.mask).mean(axis=0)
        return float(y), float(x)

    @property
    def first(self) -> HalfCycle:
        """The first half cycle that shows a front, or the first of all where none does."""
        return next((cycle for cycle in self.cycles if cycle.transitions), self.cycles[0])

    @property
    def transitions(self) -> tuple[TransitionResult, ...]:
        """Those of the first half cycle that shows a front."""
        return self.first.transitions


@dataclass(frozen=True)
class Settings:
    """What all particles of a movie are measured with.

    Attributes:
        pixel: Length of a pixel in the unit wanted.
        errors: What the labels have wrong.
        dissolves: Whether the particle is what vanishes.
        seed: Of every resampling.
    """

    pixel: float
    errors: LabelErrors
    dissolves: bool
    seed: int


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


def measure_particle(mask: Mask, spans: Sequence[Span], settings: Settings) -> ParticleResult:
    """Measure every half cycle of a particle, shape (y, x)."""
    return ParticleResult(mask, tuple(_half_cycle(mask, span, settings) for span in spans))


def _half_cycle(mask: Mask, span: Span, settings: Settings) -> HalfCycle:
    """Measure the front of every step that enough of a particle was seen to take."""
    inner, rim_px = (mask, 0) if settings.dissolves else _without_rim(mask)
    first_change = span.recorder.first_change()
    steps, times_of = _observed(span.recorder.steps(mask), span.arrivals, mask, inner, first_change)
    flashed = _flashed(times_of, inner, span)
    if flashed:
        steps, times_of = [], times_of[:0]
    early = times_of < first_change
    if len(early) and not span.begins_the_movie:  # what the half cycle before left out does not come back
        inner, rim_px = _seen_to_react(early[0], inner), 0
    entry, distance = _entry_and_distance(times_of, early, inner, rim_px)
    times = np.array([time for time in span.recorder.times if time <= span.end])
    transitions = tuple(
        measure_transition(
            step.transition,
            arrival,
            inner,
            np.where(_seen_to_react(before, inner), distance, np.nan),
            times,
            pixel=settings.pixel,
            errors=settings.errors,
            closes_in=_all_around(entry, inner),
            seed=settings.seed,
        )
        for step, arrival, before in zip(steps, times_of, early, strict=True)
    )
    transitions = (
        *transitions[:1],
        *(item.after(before) for before, item in itertools.pairwise(transitions)),
    )
    return HalfCycle(
        direction=span.recorder.direction,
        start=span.start,
        end=span.end,
        transitions=transitions,
        arrival=times_of,
        arrival_std=settings.errors.spread
        * np.where(np.isfinite(times_of), span.arrivals.spread[[step.index for step in steps]], np.nan),
        entry=entry,
        distance_px=distance,
        warnings=(
            *((_FLASHED,) if flashed else ()),
            *doubts_about(transitions, times_of, early, distance, pixel=settings.pixel, begins=span.begins_the_movie),
        ),
    )


def _flashed(times_of: Floats, inner: Mask, span: Span) -> bool:
    """Whether a movie begins with an extraction, most of which was over before frames could show what it began from."""
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


def _all_around(entry: Mask, inner: Mask) -> bool:
    """Whether the ion enters through nearly all of the outline."""
    outline = inner & ~ndimage.binary_erosion(inner)
    return bool((entry & outline).sum() > _ALL_AROUND * outline.sum())


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
