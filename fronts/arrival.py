"""When the reaction reached each pixel: a change point, inferred in one pass with constant memory.

A pixel that changes phase once, between frames k-1 and k, has the log-likelihood L - S_(k-1), where S_t is
the running sum of the network's log-odds (after against before) and L its total, the same for every k. So
the posterior of the change time is exp(-S), and its normaliser and first two moments can be kept up to date
frame by frame. A frame that was blanked or lost adds zero evidence and only widens the interval around it;
a change after the last frame that showed anything cannot be told from none, and counts as none.
Network errors are alike from one frame to the next, so the evidence is tempered before it is summed.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionfront.core import PhaseScheme, UsageError, side_by_side

__all__ = ["ArrivalAccumulator", "ArrivalMap"]

Floats = NDArray[np.float32]

_STRIP = 1 << 15  # pixels taken at a time: what is worked out on the way stays in the processor's cache
_PLANES = ("_evidence", "_peak", "_weight", "_mean", "_scatter", "_initial")  # what is known of each pixel
_LARGEST_LOG_ODDS = 4.0  # a network that says 0.9999 is still wrong more often than once in ten thousand


@dataclass(frozen=True)
class ArrivalMap:
    """Arrival times of every step of a reaction order; step j is "has reached phase j+1 of the order or beyond".

    Attributes:
        arrival: Posterior mean given that the pixel was reached, shape (step, y, x), in the unit of the times pushed.
        spread: Posterior standard deviation, same shape and unit.
        reached: Posterior probability that the pixel was reached at all, same shape.
        initial: Mean probability of lying in the particle over the first frames, shape (y, x).
    """

    arrival: Floats
    spread: Floats
    reached: Floats
    initial: Floats

    def thinned(self, every: int) -> "ArrivalMap":
        """One in `every` rows and columns."""
        return ArrivalMap(*(plane[..., ::every, ::every] for plane in vars(self).values()))


class ArrivalAccumulator:
    """Takes phase probabilities frame by frame and always knows the posterior so far.

    Args:
        scheme: Phases and reaction order. Id 0 is outside the particle unless the order names it.
        shape: (y, x) of the frames.
        tempering: Share of a frame's evidence that is new; 1 where errors are independent between frames.
        initial_frames: How many frames show the particle before the reaction.

    Raises:
        UsageError: The scheme has no reaction order of at least two phases, or the tempering is not in (0, 1].
    """

    def __init__(
        self, scheme: PhaseScheme, shape: tuple[int, int], *, tempering: float = 0.5, initial_frames: int = 5
    ) -> None:
        if len(scheme.reaction_order) < 2:
            raise UsageError(
                f"phases {list(scheme.names)} have no reaction order, so no front can be followed. "
                "Name the phases in the order of the reaction (`reaction_order`, or --order)."
            )
        if not 0 < tempering <= 1:
            raise UsageError(f"tempering is {tempering}; it must be above 0 and at most 1.")
        self._order = list(scheme.order_ids)
        # Id 0 as a later phase is what a dissolving particle leaves behind: the particle is what is not id 0, and
        # only the first frame shows all of it.
        self._vanishing = 0 in self._order[1:]
        self._tempering = tempering
        self._initial_frames = 1 if self._vanishing else initial_frames
        steps = (len(self._order) - 1, *shape)
        self._evidence = np.zeros(steps, np.float32)  # S
        self._peak = np.full(steps, -np.inf, np.float32)  # largest exponent so far: keeps exp in range
        self._weight = np.zeros(steps, np.float32)
        self._mean = np.zeros(steps, np.float32)  # since the first frame
        self._scatter = np.zeros(steps, np.float32)  # weighted squares about the mean: exact in movies of any length
        self._initial = np.zeros(shape, np.float32)
        self._strips = _strips(shape)
        self._times: list[float] = []
        self._evident = 0
        self._last_evident = -1  # its number among the frames

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) of the frames."""
        height, width = self._initial.shape
        return height, width

    @property
    def frames(self) -> int:
        """How many frames were pushed, blanked ones included."""
        return len(self._times)

    def push(self, time: float, probabilities: Floats | None) -> None:
        """Add a frame.

        Args:
            time: Later than every time before.
            probabilities: Shape (phase, y, x), summing to one, or to zero at pixels that nobody judged; None for a
                frame that shows nothing.

        Raises:
            UsageError: The time does not advance.
        """
        if self._times and time <= self._times[-1]:
            raise UsageError(f"frame time {time} does not follow {self._times[-1]}; times must increase.")
        self._times.append(float(time))
        if probabilities is None:
            return

        def take(rows: slice) -> None:
            self._admit_change(rows)
            self._add_evidence(rows, probabilities[:, rows])

        side_by_side(take, self._strips)
        self._evident += 1
        self._last_evident = len(self._times) - 1

    def result(self) -> ArrivalMap:
        """The posterior over all frames so far.

        Raises:
            UsageError: No frame has been pushed.
        """
        if not self._times:
            raise UsageError("no frame was pushed, so nothing is known; push at least one.")
        variance = self._scatter / np.maximum(self._weight, np.finfo(np.float32).tiny)
        return ArrivalMap(
            arrival=self._mean + np.float32(self._times[0]),
            spread=np.sqrt(variance),
            reached=self.reached(),
            initial=self._initial / np.float32(max(1, min(self._evident, self._initial_frames))),
        )

    def reached(self, every: int = 1) -> Floats:
        """Probability that each step has reached each pixel by now, shape (step, y, x), one in `every` pixels."""
        part = np.s_[:, ::every, ::every]
        exponent = -self._evidence[part]
        peak = np.maximum(self._peak[part], exponent)
        weight = self._weight[part] * np.exp(self._peak[part] - peak)
        return np.asarray(weight / (weight + np.exp(exponent - peak)))

    def thinned(self, every: int) -> "ArrivalAccumulator":
        """A copy that knows one in `every` rows and columns, and may be pushed further frames of that size."""
        return self._with(lambda plane: plane[..., ::every, ::every].copy())

    def band(self, rows: slice) -> "ArrivalAccumulator":
        """A copy that knows some rows, and may be pushed further frames of that size."""
        return self._with(lambda plane: plane[..., rows, :].copy())

    @staticmethod
    def joined(bands: Sequence["ArrivalAccumulator"]) -> "ArrivalAccumulator":
        """The whole of all bands from the top down, which were pushed their parts of the same frames."""
        whole = copy.copy(bands[0])
        for name in _PLANES:
            setattr(whole, name, np.concatenate([getattr(band, name) for band in bands], axis=-2))
        whole._strips = _strips(whole.shape)
        return whole

    def _with(self, part: Callable[[Floats], Floats]) -> "ArrivalAccumulator":
        """A copy that knows a part of each plane."""
        other = copy.copy(self)
        for name in _PLANES:
            setattr(other, name, part(getattr(self, name)))
        other._times, other._strips = list(self._times), _strips(other.shape)
        return other

    def _admit_change(self, rows: slice) -> None:
        """Admit a change since the frame before that showed anything (for the first frame: before the movie)."""
        start, time, previous = self._times[0], self._times[-1], self._times[max(self._last_evident, 0)]
        middle, width = (time + previous) / 2 - start, time - previous
        intervals = len(self._times) - 1 - self._last_evident
        weight, mean, scatter = self._weight[:, rows], self._mean[:, rows], self._scatter[:, rows]
        exponent = -self._evidence[:, rows]
        peak = np.maximum(self._peak[:, rows], exponent)
        scale, new = np.exp(self._peak[:, rows] - peak), intervals * np.exp(exponent - peak)
        weight *= scale
        share, away = new / (weight + new), middle - mean
        scatter *= scale
        scatter += new * (width**2 / 12) + weight * share * away**2
        mean += share * away
        weight += new
        self._peak[:, rows] = peak

    def _add_evidence(self, rows: slice, probabilities: Floats) -> None:
        """Add what a frame says of each step; probabilities of these rows, shape (phase, rows, x)."""
        inside = probabilities[self._order].sum(axis=0)
        if self._evident < self._initial_frames:
            self._initial[rows] += inside - probabilities[0] if self._vanishing else inside
        after = np.zeros_like(inside)
        for step in reversed(range(len(self._order) - 1)):
            after += probabilities[self._order[step + 1]]
            log_odds = np.log(np.maximum(after, 1e-6) / np.maximum(inside - after, 1e-6))
            np.clip(log_odds, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS, out=log_odds)
            log_odds *= inside
            log_odds *= self._tempering
            self._evidence[step, rows] += log_odds


def _strips(shape: tuple[int, int]) -> list[slice]:
    rows = max(1, _STRIP // shape[1])
    return [slice(first, first + rows) for first in range(0, shape[0], rows)]
