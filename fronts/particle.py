"""Everything that is measured of one particle: its half cycles, the entry and the steps of each, and their fronts."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .doubts import doubts_about
from .kinetics import TransitionResult, measure_transition
from .label_errors import LabelErrors
from .turns import Direction
from .ways import Span, find_ways

__all__ = ["HalfCycle", "ParticleResult", "Settings", "measure_particle"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FLASHED = (
    "The first frames show the particle in a later phase, and it is back within a few: taken for an error of the "
    "labels, not for an extraction. Look at them."
)


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


def measure_particle(mask: Mask, spans: Sequence[Span], settings: Settings) -> ParticleResult:
    """Measure every half cycle of a particle, shape (y, x)."""
    return ParticleResult(mask, tuple(_half_cycle(mask, span, settings) for span in spans))


def _half_cycle(mask: Mask, span: Span, settings: Settings) -> HalfCycle:
    """Measure the front of every step that enough of a particle was seen to take."""
    ways = find_ways(mask, span, dissolves=settings.dissolves)
    times = np.array([time for time in span.recorder.times if time <= span.end])
    transitions = tuple(
        measure_transition(
            step.transition,
            arrival,
            ways.inner,
            followed,
            times,
            pixel=settings.pixel,
            errors=settings.errors,
            closes_in=ways.closes_in,
            seed=settings.seed,
        )
        for step, arrival, followed in zip(ways.steps, ways.arrival, ways.followed_px, strict=True)
    )
    transitions = (
        *transitions[:1],
        *(item.after(before) for before, item in itertools.pairwise(transitions)),
    )
    spread = span.arrivals.spread[[step.index for step in ways.steps]]
    doubts = doubts_about(
        transitions, ways.arrival, ways.early, ways.distance_px, pixel=settings.pixel, begins=span.begins_the_movie
    )
    return HalfCycle(
        direction=span.recorder.direction,
        start=span.start,
        end=span.end,
        transitions=transitions,
        arrival=ways.arrival,
        arrival_std=settings.errors.spread * np.where(np.isfinite(ways.arrival), spread, np.nan),
        entry=ways.entry,
        distance_px=ways.distance_px,
        warnings=(*((_FLASHED,) if ways.flashed else ()), *doubts),
    )
