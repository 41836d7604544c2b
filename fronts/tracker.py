"""From phase probabilities, frame by frame, to the kinetics of every transition."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import block_reduce

from ionfront.core import Calibration, PhaseScheme, Transition

from .arrival import ArrivalAccumulator
from .geometry import particles_of
from .kinetics import TransitionResult
from .particle import ParticleResult, Settings, Step, measure_particle
from .registration import DriftCorrector

__all__ = ["FrontResult", "FrontTracker", "TransitionMap"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MEASURED_SHARE = 0.8  # of the particle area: what the measured particles must hold for the others not to matter
_SMALLEST_PHASE = 0.04  # share of the particle that must pass through a phase for it to be a step of its own
_SHARE_OF_BEYOND = 0.5  # of what is in later phases: the same. Patches of a wrong phase are passed by a minority
_THICKEN_PX = 2  # what erosion a phase must survive: a band along a blurred front looks like a phase in between
_LASTING = 0.03  # share of the frames that a pixel must spend in a phase to have passed through it, and
_LASTING_FRAMES = (2, 10)  # how many frames that is at least and at most
_COUNTED_SIDE_PX = 512  # labels are thinned out to this for that count


@dataclass(frozen=True)
class TransitionMap:
    """When one transition reached each pixel of the particles that took it.

    Attributes:
        transition: What changes into what.
        arrival: Posterior mean, shape (y, x), in the time unit; infinite where never reached.
        arrival_std: Its posterior standard deviation; NaN where never reached.
    """

    transition: Transition
    arrival: Floats
    arrival_std: Floats


@dataclass(frozen=True)
class FrontResult:
    """What a movie says about its reaction.

    Attributes:
        particles: What was measured of each, the largest first.
        time: Frame times, shape (n,).
        areas_px: Area of every label id, shape (n, phase); NaN in frames that showed nothing.
        drift_px: Shape (n, 2), (y, x).
        shape: (y, x) of the frames.
        warnings: Sentences for the person who will use the numbers.
    """

    particles: tuple[ParticleResult, ...]
    time: Floats
    areas_px: Floats
    drift_px: Floats
    shape: tuple[int, int]
    warnings: tuple[str, ...]

    @property
    def reaction_observed(self) -> bool:
        """Whether anything reacted at all."""
        return any(particle.transitions for particle in self.particles)

    @property
    def transitions(self) -> tuple[TransitionResult, ...]:
        """Those of the largest particle that reacted."""
        return next((particle.transitions for particle in self.particles if particle.transitions), ())

    @property
    def particle(self) -> Mask:
        """All particles, shape (y, x)."""
        return self._anywhere(particle.mask for particle in self.particles)

    @property
    def entry(self) -> Mask:
        """Where the ion entered them, shape (y, x)."""
        return self._anywhere(particle.entry for particle in self.particles)

    @property
    def maps(self) -> tuple[TransitionMap, ...]:
        """One map for each transition that any particle took, those of the largest first."""
        found: dict[Transition, TransitionMap] = {}
        for particle in self.particles:
            for item, arrival, spread in zip(particle.transitions, particle.arrival, particle.arrival_std, strict=True):
                old = found.get(item.transition)
                if old is not None:
                    arrival = np.where(particle.mask, arrival, old.arrival)
                    spread = np.where(particle.mask, spread, old.arrival_std)
                found[item.transition] = TransitionMap(item.transition, arrival, spread)
        return tuple(found.values())

    def _anywhere(self, masks: Iterable[Mask]) -> Mask:
        return np.asarray(np.any([np.zeros(self.shape, bool), *masks], axis=0))


class FrontTracker:
    """Takes frames in order and measures at the end, with memory that does not grow with their number.

    Args:
        scheme: Phases and reaction order.
        shape: (y, x) of the frames.
        register: Whether to take out the drift of the stage.
        tempering: Share of a frame's evidence that is new.
        scale_error: Relative standard error of all positions together: swelling, blur of the outline, and what the
            labels have wrong in every frame. The default is that of nearly perfect labels (docs/uncertainty.md).
    """

    def __init__(
        self,
        scheme: PhaseScheme,
        shape: tuple[int, int],
        *,
        register: bool = True,
        tempering: float = 0.5,
        scale_error: float = 0.012,
    ) -> None:
        self._scheme = scheme
        self._arrival = ArrivalAccumulator(scheme, shape, tempering=tempering)
        self._dissolves = 0 in scheme.order_ids  # the background is a phase of the reaction
        self._drift = DriftCorrector(0 if register and not self._dissolves else None)
        self._scale_error = scale_error
        self._areas: list[Floats] = []
        self._thinning = max(1, -(-max(shape) // _COUNTED_SIDE_PX))
        thinned = (-(-length // self._thinning) for length in shape)
        self._thicken = max(1, round(_THICKEN_PX / self._thinning))
        self._frames_in = np.zeros((scheme.count, *thinned), np.uint32)
        self._frames_thick = np.zeros_like(self._frames_in)
        self._times: list[float] = []

    def push(self, time: float, probabilities: NDArray[np.float32] | None) -> None:
        """Add a frame: phase probabilities, shape (phase, y, x), or None where it showed nothing."""
        self._times.append(time)
        if probabilities is None:
            self._drift.skip()
            self._areas.append(np.full(self._scheme.count, np.nan))
            self._arrival.push(time, None)
            return
        aligned = self._drift.align(probabilities)
        labels = aligned.argmax(axis=0)
        self._areas.append(np.bincount(labels.ravel(), minlength=self._scheme.count).astype(float))
        self._count(labels)
        self._arrival.push(time, aligned)

    def result(self, calibration: Calibration, *, seed: int = 0) -> FrontResult:
        """Measure every transition of every particle.

        Raises:
            FrontFitError: No particle is in sight.
            UsageError: No frame was pushed.
        """
        arrivals = self._arrival.result()
        masks, share = particles_of(arrivals.initial)
        settings = Settings(
            times=np.array(self._times),
            first_change=self._first_change(),
            pixel=calibration.pixel_size_nm or 1.0,
            scale_error=self._scale_error,
            dissolves=self._dissolves,
            seed=seed,
        )
        particles = tuple(measure_particle(mask, self._steps(mask), arrivals, settings) for mask in masks)
        warnings = [
            sentence if len(particles) == 1 else f"Particle {number}: {sentence}"
            for number, particle in enumerate(particles, 1)
            for sentence in particle.warnings
        ]
        if share < _MEASURED_SHARE:
            warnings.insert(0, _too_small(share))
        return replace(self.empty_result(), particles=particles, warnings=tuple(warnings))

    def empty_result(self) -> FrontResult:
        """What is left to say where no particle is in sight: times, areas and drift."""
        return FrontResult(
            particles=(),
            time=np.array(self._times),
            areas_px=np.array(self._areas),
            drift_px=np.array(self._drift.drift_px),
            shape=self._arrival.shape,
            warnings=(),
        )

    def _count(self, labels: NDArray[np.intp]) -> None:
        """Count this frame wherever a phase is, and wherever it is thick enough to be one."""
        thinned = labels[:: self._thinning, :: self._thinning]
        for phase in self._scheme.order_ids[1:]:
            here = thinned == phase
            self._frames_in[phase] += here
            self._frames_thick[phase] += ndimage.binary_opening(here, iterations=self._thicken)

    def _steps(self, particle: Mask) -> list[Step]:
        """Steps between the phases that the particle really passed: index into the arrival map, and its name."""
        order, ids = self._scheme.reaction_order, self._scheme.order_ids
        thinned = np.asarray(block_reduce(particle, self._thinning, np.max))
        thick = 2 * ndimage.binary_opening(thinned, iterations=self._thicken).sum() > thinned.sum()
        frames_in = (self._frames_thick if thick else self._frames_in)[:, thinned]
        passed = frames_in >= np.clip(_LASTING * len(self._evident()), *_LASTING_FRAMES)
        present = [0]
        for i in range(1, len(order)):
            beyond = passed[list(ids[i + 1 :])].any(axis=0).mean()
            if passed[ids[i]].mean() > max(_SMALLEST_PHASE, _SHARE_OF_BEYOND * beyond):
                present.append(i)
        # A pixel has left phase a once it is in any later one: the step after a's own index tells.
        return [Step(a, Transition(order[a], order[b])) for a, b in itertools.pairwise(present)]

    def _evident(self) -> NDArray[np.intp]:
        """Numbers of the frames that showed something."""
        return np.flatnonzero(np.isfinite(np.array(self._areas)).all(axis=1))

    def _first_change(self) -> float:
        """Middle between the first two frames that showed something: what arrived before had reacted in the first."""
        evident = self._evident()
        return float(np.array(self._times)[evident[:2]].mean()) if evident.size > 1 else -np.inf


def _too_small(share: float) -> str:
    return (
        f"The particles that were measured hold {share:.0%} of the particle area in view; the others are too small "
        "beside the largest. Crop the movie to measure them."
    )
