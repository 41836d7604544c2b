"""From phase probabilities, frame by frame, to the kinetics of every transition."""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import block_reduce

from ionfront.core import Calibration, PhaseScheme, Transition

from .arrival import ArrivalAccumulator, ArrivalMap
from .doubts import doubts_about
from .geometry import entry_boundary, geodesic_distance_px, largest_particle
from .kinetics import TransitionResult, measure_transition
from .registration import DriftCorrector

__all__ = ["FrontResult", "FrontTracker"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SMALLEST_REACTION = 0.03  # share of the particle: less is what a segmenter gets wrong on a still movie
_RIM_PX = 2
_LION_SHARE = 0.8  # of the particle area: what the largest particle must hold for the others not to matter
_SMALLEST_PHASE = 0.04  # share of the particle that must pass through a phase for it to be a step of its own
_SHARE_OF_BEYOND = 0.5  # of what is in later phases: the same. Patches of a wrong phase are passed by a minority
_THICKEN_PX = 2  # what erosion a phase must survive: a band along a blurred front looks like a phase in between
_LASTING = 0.03  # share of the frames that a pixel must spend in a phase to have passed through it, and
_LASTING_FRAMES = (2, 10)  # how many frames that is at least and at most
_LEAST_SEEN = 0.2  # share of the particle that must be unreacted in the first frame to be measured by itself
_COUNTED_SIDE_PX = 512  # labels are thinned out to this for that count


@dataclass(frozen=True)
class FrontResult:
    """What a movie says about its reaction.

    Attributes:
        reaction_observed: Whether anything reacted at all.
        transitions: One result for each step that was seen, in reaction order.
        arrival: Posterior mean, shape (transition, y, x), in the time unit; infinite where never reached.
        arrival_std: Its posterior standard deviation; NaN where never reached.
        particle: Shape (y, x).
        entry: Boundary pixels where the ion entered, shape (y, x).
        distance_px: Geodesic distance from the entry, shape (y, x); NaN outside the particle and on its rim.
        time: Frame times, shape (n,).
        areas_px: Area of every label id, shape (n, phase); NaN in frames that showed nothing.
        drift_px: Shape (n, 2), (y, x).
        warnings: Sentences for the person who will use the numbers.
    """

    reaction_observed: bool
    transitions: tuple[TransitionResult, ...]
    arrival: Floats
    arrival_std: Floats
    particle: Mask
    entry: Mask
    distance_px: Floats
    time: Floats
    areas_px: Floats
    drift_px: Floats
    warnings: tuple[str, ...]


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
        """Measure every transition.

        Raises:
            FrontFitError: No particle is in sight.
            UsageError: No frame was pushed.
        """
        arrivals = self._arrival.result()
        particle, share = largest_particle(arrivals.initial)
        inner, rim_px = (particle, 0) if self._dissolves else _without_rim(particle)
        pixel, times = calibration.pixel_size_nm or 1.0, np.array(self._times)
        first_change = self._first_change()
        steps, times_of = _observed(self._steps(particle), arrivals, particle, inner, first_change)
        early = times_of < first_change
        entry, distance = _entry_and_distance(times_of, early, inner, rim_px)
        transitions = tuple(
            measure_transition(
                transition,
                arrival,
                inner,
                np.where(_seen_to_react(before, inner), distance, np.nan),
                times,
                pixel=pixel,
                scale_error=self._scale_error,
                seed=seed,
            )
            for (_, transition), arrival, before in zip(steps, times_of, early, strict=True)
        )
        warnings = [] if share > _LION_SHARE else [_other_particles(share)]
        warnings += doubts_about(transitions, times_of, early, distance, pixel=pixel)
        return replace(
            self.empty_result(),
            reaction_observed=bool(transitions),
            transitions=transitions,
            arrival=times_of,
            arrival_std=_spreads(arrivals, [index for index, _ in steps], times_of),
            particle=particle,
            entry=entry,
            distance_px=distance,
            warnings=tuple(warnings),
        )

    def empty_result(self) -> FrontResult:
        """What is left to say where no particle is in sight: times, areas and drift."""
        shape = self._arrival.shape
        return FrontResult(
            reaction_observed=False,
            transitions=(),
            arrival=np.zeros((0, *shape)),
            arrival_std=np.zeros((0, *shape)),
            particle=np.zeros(shape, bool),
            entry=np.zeros(shape, bool),
            distance_px=np.full(shape, np.nan),
            time=np.array(self._times),
            areas_px=np.array(self._areas),
            drift_px=np.array(self._drift.drift_px),
            warnings=(),
        )

    def _count(self, labels: NDArray[np.intp]) -> None:
        """Count this frame wherever a phase is, and wherever it is thick enough to be one."""
        thinned = labels[:: self._thinning, :: self._thinning]
        for phase in self._scheme.order_ids[1:]:
            here = thinned == phase
            self._frames_in[phase] += here
            self._frames_thick[phase] += ndimage.binary_opening(here, iterations=self._thicken)

    def _steps(self, particle: Mask) -> list[tuple[int, Transition]]:
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
        return [(a, Transition(order[a], order[b])) for a, b in itertools.pairwise(present)]

    def _evident(self) -> NDArray[np.intp]:
        """Numbers of the frames that showed something."""
        return np.flatnonzero(np.isfinite(np.array(self._areas)).all(axis=1))

    def _first_change(self) -> float:
        """Middle between the first two frames that showed something: what arrived before had reacted in the first."""
        evident = self._evident()
        return float(np.array(self._times)[evident[:2]].mean()) if evident.size > 1 else -np.inf


def _observed(
    steps: list[tuple[int, Transition]], arrivals: ArrivalMap, particle: Mask, inner: Mask, first_change: float
) -> tuple[list[tuple[int, Transition]], Floats]:
    """The steps that enough of the particle was seen to take, and their arrival times, shape (step, y, x)."""
    times_of = _reached_times(arrivals, [index for index, _ in steps], particle)
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


def _spreads(arrivals: ArrivalMap, steps: list[int], times_of: Floats) -> Floats:
    return np.where(np.isfinite(times_of), arrivals.spread[steps], np.nan)


def _other_particles(share: float) -> str:
    return (
        f"Only the largest particle was measured; it holds {share:.0%} of the particle area in view. "
        "Crop the movie to measure the others."
    )
