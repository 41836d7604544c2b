"""From phase probabilities, frame by frame, to the kinetics of every transition."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ionfront.core import Calibration, PhaseScheme, Transition

from .geometry import particles_of
from .kinetics import TransitionResult
from .label_errors import LabelErrors
from .particle import ParticleResult, Settings, measure_particle
from .recorder import Recorder
from .registration import DriftCorrector
from .series import Series
from .sight import Eye, Sight
from .turns import Direction, TurnWatch
from .ways import Span, Ways, find_ways

__all__ = ["FrontResult", "FrontTracker", "Recording", "TransitionMap"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MEASURED_SHARE = 0.8  # of the particle area: what the measured particles must hold for the others not to matter
_SMALLEST_TURN = 0.05  # of the whole order: what must go back for a reaction to have turned
_OPPOSITE: dict[Direction, Direction] = {"insertion": "extraction", "extraction": "insertion"}


@dataclass(frozen=True)
class TransitionMap:
    """When one transition reached each pixel of the particles that took it.

    Attributes:
        transition: What changes into what.
        arrival: Posterior mean, shape (y, x), in the time unit; infinite where never reached.
        arrival_std: Its standard error; NaN where never reached.
        speed_px: Speed of the front at each pixel [px per time unit]; NaN where it is not known.
        curvature_per_px: Its curvature there, positive where the front's middle leads; likewise.
        half_cycle: In which half cycle of the movie, from 1.
    """

    transition: Transition
    arrival: Floats
    arrival_std: Floats
    speed_px: Floats
    curvature_per_px: Floats
    half_cycle: int = 1


@dataclass(frozen=True)
class FrontResult:
    """What a movie says about its reaction.

    Attributes:
        particles: What was measured of each, the largest first.
        time: Frame times, shape (n,).
        areas_px: Area of every label id, shape (n, phase); NaN in frames that showed nothing.
        drift_px: Shape (n, 2), (y, x), against the first frames.
        drift_error_px: Standard errors of it, same shape; NaN in frames that showed nothing.
        shape: (y, x) of the frames.
        errors: What the labels were taken to have wrong.
        warnings: Sentences for the person who will use the numbers.
    """

    particles: tuple[ParticleResult, ...]
    time: Floats
    areas_px: Floats
    drift_px: Floats
    drift_error_px: Floats
    shape: tuple[int, int]
    errors: LabelErrors
    warnings: tuple[str, ...]

    @property
    def reaction_observed(self) -> bool:
        """Whether anything reacted at all."""
        return any(cycle.transitions for particle in self.particles for cycle in particle.cycles)

    @property
    def registered(self) -> bool:
        """Whether drift was looked for."""
        return bool(np.isfinite(self.drift_error_px).any())

    @property
    def transitions(self) -> tuple[TransitionResult, ...]:
        """Those of the largest particle that reacted, in its first half cycle that shows a front."""
        return next((particle.transitions for particle in self.particles if particle.transitions), ())

    @property
    def particle(self) -> Mask:
        """All particles, shape (y, x)."""
        return self._anywhere(particle.mask for particle in self.particles)

    @property
    def entry(self) -> Mask:
        """Where the ion entered them first, shape (y, x)."""
        return self._anywhere(particle.first.entry for particle in self.particles)

    @property
    def half_cycles(self) -> int:
        """How many there are in the movie."""
        return len(self.particles[0].cycles) if self.particles else 0

    @property
    def maps(self) -> tuple[TransitionMap, ...]:
        """One map for each transition that any particle took, by half cycle, those of the largest first."""
        return tuple(found for number in range(self.half_cycles) for found in self._maps_of(number))

    def _maps_of(self, number: int) -> Iterable[TransitionMap]:
        found: dict[Transition, TransitionMap] = {}
        for particle in self.particles:
            cycle = particle.cycles[number]
            for item, arrival, spread in zip(cycle.transitions, cycle.arrival, cycle.arrival_std, strict=True):
                planes = [arrival, spread, item.local.speed, item.local.curvature]
                old = found.get(item.transition)
                if old is not None:
                    before = (old.arrival, old.arrival_std, old.speed_px, old.curvature_per_px)
                    planes = [np.where(particle.mask, *pair) for pair in zip(planes, before, strict=True)]
                found[item.transition] = TransitionMap(
                    item.transition, planes[0], planes[1], planes[2], planes[3], number + 1
                )
        return found.values()

    def _anywhere(self, masks: Iterable[Mask]) -> Mask:
        return np.asarray(np.any([np.zeros(self.shape, bool), *masks], axis=0))


class Recording(Protocol):
    """What the frames of a half cycle say, kept here by a `Recorder` or elsewhere."""

    direction: Direction

    def push(self, time: float, evidence: Any) -> None:
        """Add what a frame says; None where it showed nothing."""

    def whole(self) -> Recorder:
        """All that was kept, here."""


class FrontTracker:
    """Takes frames in order and measures at the end, with memory that does not grow with their number.

    Where the reaction turns, insertion into extraction or back, a half cycle ends and the next one begins; memory grows
    with the number of half cycles.

    Args:
        scheme: Phases and reaction order.
        shape: (y, x) of the frames.
        register: Whether to take out the drift of the stage.
        tempering: Share of a frame's evidence that is new.
        errors: What the labels have wrong; None for nearly perfect ones.
        keep: What keeps the frames of a half cycle in place of its empty recorder; None for that itself.
    """

    def __init__(
        self,
        scheme: PhaseScheme,
        shape: tuple[int, int],
        *,
        register: bool = True,
        tempering: float = 0.5,
        errors: LabelErrors | None = None,
        keep: Callable[[Recorder], Recording] | None = None,
    ) -> None:
        self._scheme, self._shape, self._tempering = scheme, shape, tempering
        self._dissolves = 0 in scheme.order_ids  # the background is a phase of the reaction: it does not turn back
        self._drift = DriftCorrector(0 if register and not self._dissolves else None)
        self._errors = errors or LabelErrors()
        self._keep = keep
        self._areas = Series(scheme.count)
        self._times: list[float] = []
        self._watch = None if self._dissolves else TurnWatch(_SMALLEST_TURN)
        self._current: Recording = self._recorder("insertion")
        self._counter: Recording | None = None  # sees what may come after a turn
        self._turned_at: float | None = None  # when the current half cycle set in; None for the first
        self._finished: list[Span] = []

    def push(self, time: float, probabilities: NDArray[np.float32] | None) -> None:
        """Add a frame: phase probabilities, shape (phase, y, x), or None where it showed nothing."""
        self.take(time, None if probabilities is None else self.see(probabilities))

    def see(self, probabilities: NDArray[np.float32]) -> Sight:
        """What the next frame shows; phase probabilities, shape (phase, y, x)."""
        return self.eye.see(probabilities)

    def take(self, time: float, sight: Sight | None) -> None:
        """Add a frame as it was seen, or None where it showed nothing."""
        self._times.append(time)
        self._drift.note(None if sight is None else sight.match)
        self._areas.append(np.full(self._scheme.count, np.nan) if sight is None else sight.areas_px)
        evidence = None if sight is None else sight.evidence
        if self._watch is None:
            self._current.push(time, evidence)
        else:
            self._follow(self._watch, time, evidence)

    @property
    def eye(self) -> Eye:
        """What sees the next frame."""
        return Eye(self._scheme, self._drift.outline)

    @property
    def settled(self) -> bool:
        """Whether that sees all further frames too."""
        return self._drift.settled

    @property
    def half_cycle(self) -> int:
        """Number of the half cycle under way, from 1."""
        return len(self._finished) + 1

    @property
    def direction(self) -> Direction:
        """Whether that one is an insertion or an extraction; an insertion until it is known."""
        return self._current.direction

    @property
    def times(self) -> list[float]:
        """Of all frames so far."""
        return self._times

    @property
    def errors(self) -> LabelErrors:
        """What labels are taken to have wrong."""
        return self._errors

    @property
    def areas_px(self) -> Floats:
        """Area of every label id in the last frame, shape (phase,); NaN where it showed nothing."""
        return self._areas.last

    def reached(self, every: int = 1) -> NDArray[np.float32]:
        """Probability that each step of the half cycle under way has reached each pixel by now.

        Args:
            every: Only one in so many rows and columns.

        Returns:
            Shape (step, y, x), as `Step.index` counts them.
        """
        return self._current.whole().reached(every)

    def arrival(self) -> dict[Transition, NDArray[np.float32]]:
        """When each step of the half cycle under way reached each pixel, shape (y, x); NaN where it has not yet."""
        return self._current.whole().arrival()

    def thinning(self, side_px: int) -> int:
        """Which thinning makes frames no larger than this."""
        counted = self._current.whole().counted_every
        return counted * -(-max(self._shape) // (counted * side_px))

    def thinned(self, every: int) -> "FrontTracker":
        """A copy that knows one in `every` rows and columns, for a quick look; it can be measured, not pushed.

        Args:
            every: A result of `thinning`.
        """
        thin = copy.copy(self)
        thin._shape = (-(-self._shape[0] // every), -(-self._shape[1] // every))
        thin._errors = self._errors.thinned(every)
        thin._times, thin._areas = list(self._times), self._areas.divided(every**2)
        thin._drift = self._drift.thinned(every)
        thin._current = self._current.whole().thinned(every)
        thin._counter = None
        thin._finished = [span.thinned(every) for span in self._finished]
        return thin

    def ways(self) -> tuple[Ways, ...]:
        """How the fronts of the half cycle under way lie in each particle, the largest first; quicker than a result.

        Raises:
            FrontFitError: No particle is in sight.
            UsageError: No frame was pushed.
        """
        span = self._under_way()
        first = self._finished[0] if self._finished else span
        masks, _ = particles_of(first.arrivals.initial)
        return tuple(find_ways(mask, span, dissolves=self._dissolves) for mask in masks)

    def result(self, calibration: Calibration, *, seed: int = 0) -> FrontResult:
        """Measure every transition of every particle.

        Raises:
            FrontFitError: No particle is in sight.
            UsageError: No frame was pushed.
        """
        spans = [*self._finished, self._under_way()]
        masks, share = particles_of(spans[0].arrivals.initial)
        settings = Settings(
            pixel=calibration.pixel_size_nm or 1.0,
            errors=self._errors,
            dissolves=self._dissolves,
            seed=seed,
        )
        particles = tuple(measure_particle(mask, spans, settings) for mask in masks)
        warnings = list(_warnings(particles))
        if share < _MEASURED_SHARE:
            warnings.insert(0, _too_small(share))
        return replace(self.empty_result(), particles=particles, warnings=tuple(warnings))

    def empty_result(self) -> FrontResult:
        """What is left to say where no particle is in sight: times, areas and drift."""
        return FrontResult(
            particles=(),
            time=np.array(self._times),
            areas_px=self._areas.rows.copy(),
            drift_px=self._drift.drift_px.copy(),
            drift_error_px=self._drift.error_px.copy(),
            shape=self._shape,
            errors=self._errors,
            warnings=(),
        )

    def _follow(self, watch: TurnWatch, time: float, evidence: Any) -> None:
        """Keep apart what may come after a turn, and close the half cycle once it is certain that it does."""
        set_out = watch.direction is not None
        turned = watch.see(self._progress())
        other = watch.direction not in (None, self._current.direction)
        apart = other or watch.wavering
        if apart and self._counter is None and evidence is not None:
            self._counter = self._recorder(_OPPOSITE[self._current.direction])
        elif not apart and evidence is not None:
            self._counter = None
        if self._counter is not None:
            self._counter.push(time, evidence)
        # what may come after a turn is no evidence of what came before it
        self._current.push(time, None if set_out and apart else evidence)
        if not other or self._counter is None:
            return
        if turned:
            turn = self._times[watch.extreme_at]
            self._finished.append(self._span(end=turn))
            self._finished[-1].recorder.forget()
            self._turned_at = turn
        self._current, self._counter = self._counter, None  # without a turn, the movie began with it

    def _progress(self) -> float:
        """How far the particles have come along the order in the last frame, 0 to 1; NaN where it showed nothing."""
        areas = self._areas.last[list(self._scheme.order_ids)]
        total = areas.sum()
        return float(areas @ np.linspace(0, 1, areas.size) / total) if total > 0 else np.nan

    def _under_way(self) -> Span:
        return self._span(end=self._times[-1] if self._times else 0.0)

    def _span(self, end: float) -> Span:
        recorder = self._current.whole()
        arrivals = recorder.arrivals()
        start = self._times[0] if self._turned_at is None else self._turned_at
        return Span(recorder, arrivals, start, end, begins_the_movie=self._turned_at is None)

    def _recorder(self, direction: Direction) -> Recording:
        recorder = Recorder(self._scheme, direction, self._shape, self._tempering, self._errors.alike_frames)
        return recorder if self._keep is None else self._keep(recorder)


def _warnings(particles: Sequence[ParticleResult]) -> Iterator[str]:
    for number, particle in enumerate(particles, 1):
        for turn, cycle in enumerate(particle.cycles, 1):
            place = f"Particle {number}: " if len(particles) > 1 else ""
            place += f"Half cycle {turn}: " if len(particle.cycles) > 1 else ""
            yield from (place + sentence for sentence in cycle.warnings)


def _too_small(share: float) -> str:
    return (
        f"The particles that were measured hold {share:.0%} of the particle area in view; the others are too small "
        "beside the largest. Crop the movie to measure them."
    )
