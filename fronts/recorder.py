"""What frames say of one half cycle, kept with memory that does not grow with their number."""

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from skimage.measure import block_reduce

from ionfront.core import PhaseScheme, Transition

from .arrival import ArrivalAccumulator, ArrivalMap
from .opening import opened
from .sight import Evidence, counted_every, thickened
from .turns import Direction

__all__ = ["Recorder", "Step"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SMALLEST_PHASE = 0.04  # share of the particle that must pass through a phase for it to be a step of its own
_SHARE_OF_BEYOND = 0.5  # of what is in later phases: the same. Patches of a wrong phase are passed by a minority
_LASTING = 0.03  # share of the frames that a pixel must spend in a phase to have passed through it, and
_LASTING_FRAMES = (2, 10)  # how many frames that is at least and at most


@dataclass(frozen=True)
class Step:
    """A step that a particle took: its index in the arrival map, and its name."""

    index: int
    transition: Transition


class Recorder:
    """Takes the frames of one half cycle.

    Args:
        scheme: Phases, in the order of insertion.
        direction: In extraction the order is followed backwards.
        shape: (y, x) of the frames.
        tempering: Share of a frame's evidence that is new.
        alike_frames: How many frames in a row count as one look.

    Attributes:
        direction: As given.
        times: Of all frames, those that showed nothing included.
    """

    def __init__(
        self,
        scheme: PhaseScheme,
        direction: Direction,
        shape: tuple[int, int],
        tempering: float,
        alike_frames: int = 1,
    ) -> None:
        self.direction: Direction = direction
        self._alike_frames = alike_frames
        order = scheme.reaction_order if direction == "insertion" else scheme.reaction_order[::-1]
        self._scheme = replace(scheme, reaction_order=order)
        self._arrival: ArrivalAccumulator | None = ArrivalAccumulator(self._scheme, shape, tempering=tempering)
        self._thinning = counted_every(shape)
        thinned = (-(-length // self._thinning) for length in shape)
        self._thicken = thickened(self._thinning)
        self._frames_in = np.zeros((scheme.count, *thinned), np.uint32)
        self._frames_thick = np.zeros_like(self._frames_in)
        self.times: list[float] = []
        self._evident: list[float] = []  # times of the frames that showed something

    def push(self, time: float, evidence: Evidence | None) -> None:
        """Add what a frame says, or None where it showed nothing."""
        if self._arrival is None:
            raise RuntimeError("this half cycle is over")
        self.times.append(time)
        if evidence is None:
            self._arrival.push(time, None)
            return
        self._arrival.push(time, evidence.probabilities)
        self._evident.append(time)
        for phase in self._scheme.order_ids[1:]:
            self._frames_in[phase] += evidence.labels == phase
            self._frames_thick[phase] += evidence.thick == phase

    def whole(self) -> "Recorder":
        """Itself."""
        return self

    def arrivals(self) -> ArrivalMap:
        """The posterior over all frames so far."""
        if self._arrival is None:
            raise RuntimeError("this half cycle is over, and its posterior was handed out")
        return self._arrival.result()

    def arrival(self) -> dict[Transition, NDArray[np.float32]]:
        """When each step reached each pixel, shape (y, x); NaN where it has not yet."""
        found, order = self.arrivals(), self._scheme.reaction_order
        planes = np.where(found.reached > 0.5, found.arrival, np.float32("nan"))
        return {Transition(*pair): plane for pair, plane in zip(itertools.pairwise(order), planes, strict=True)}

    def forget(self) -> None:
        """Let go of what further frames would need: the half cycle is over, and its posterior was handed out."""
        self._arrival = None

    def reached(self, every: int = 1) -> NDArray[np.float32]:
        """As `ArrivalAccumulator.reached`."""
        if self._arrival is None:
            raise RuntimeError("this half cycle is over")
        return self._arrival.reached(every)

    def thinned(self, every: int) -> "Recorder":
        """A copy that knows one in `every` rows and columns; a multiple of `counted_every`."""
        thin = copy.copy(self)
        thin._arrival = None if self._arrival is None else self._arrival.thinned(every)
        step = every // self.counted_every
        thin._frames_in, thin._frames_thick = (
            frames[:, ::step, ::step].copy() for frames in (self._frames_in, self._frames_thick)
        )
        thin._thinning, thin._thicken = 1, thickened(every)
        thin.times, thin._evident = list(self.times), list(self._evident)
        return thin

    def band(self, rows: slice) -> "Recorder":
        """A copy that knows some rows, which begin at a multiple of `counted_every`, and may be pushed theirs."""
        part = copy.copy(self)
        part._arrival = None if self._arrival is None else self._arrival.band(rows)
        thinned = slice(rows.start // self._thinning, -(-rows.stop // self._thinning))
        part._frames_in, part._frames_thick = self._frames_in[:, thinned].copy(), self._frames_thick[:, thinned].copy()
        part.times, part._evident = list(self.times), list(self._evident)
        return part

    @staticmethod
    def joined(bands: Sequence["Recorder"]) -> "Recorder":
        """The whole again, of all bands from the top down, each of which was pushed its part of every frame."""
        whole = copy.copy(bands[0])
        whole._arrival = ArrivalAccumulator.joined([band._arrival for band in bands if band._arrival is not None])
        whole._frames_in = np.concatenate([band._frames_in for band in bands], axis=1)
        whole._frames_thick = np.concatenate([band._frames_thick for band in bands], axis=1)
        return whole

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) of the frames, while it takes any."""
        if self._arrival is None:
            raise RuntimeError("this half cycle is over")
        return self._arrival.shape

    @property
    def counted_every(self) -> int:
        """One in how many rows and columns is looked at to find the steps that a particle takes."""
        return self._thinning

    @property
    def lasting_frames(self) -> float:
        """In how many frames a pixel must be seen in a phase to have been in it."""
        least, most = _LASTING_FRAMES
        return float(np.clip(_LASTING * len(self._evident), max(least, self._alike_frames), most))

    def lasting_since_start(self) -> float:
        """When that many frames had shown something; infinite where fewer did."""
        index = int(np.ceil(self.lasting_frames))
        return self._evident[index] if index < len(self._evident) else np.inf

    def steps(self, particle: Mask) -> list[Step]:
        """Steps between the phases that a particle, shape (y, x), really passed."""
        order, ids = self._scheme.reaction_order, self._scheme.order_ids
        thinned = np.asarray(block_reduce(particle, self._thinning, np.max))
        thick = 2 * opened(thinned, self._thicken).sum() > thinned.sum()
        frames_in = (self._frames_thick if thick else self._frames_in)[:, thinned]
        passed = frames_in >= self.lasting_frames
        present = [0]
        for i in range(1, len(order)):
            beyond = passed[list(ids[i + 1 :])].any(axis=0).mean()
            if passed[ids[i]].mean() > max(_SMALLEST_PHASE, _SHARE_OF_BEYOND * beyond):
                present.append(i)
        # A pixel has left phase a once it is in any later one: the step after a's own index tells.
        return [Step(a, Transition(order[a], order[b])) for a, b in itertools.pairwise(present)]

    def first_change(self) -> float:
        """Middle between the first two frames that showed something: what arrived before had reacted in the first."""
        return float(np.mean(self._evident[:2])) if len(self._evident) > 1 else -np.inf
