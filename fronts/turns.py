"""When a reaction turns back: insertion becomes extraction, or the other way round, decided by evidence as frames come.

Progress is how far the particles have come along the reaction order, from 0 to 1. It has turned where it went back from
its extreme by more than a reaction must go to count, and by more than its scatter from frame to frame explains.
"""

from typing import Literal

import numpy as np

__all__ = ["Direction", "TurnWatch"]

Direction = Literal["insertion", "extraction"]

_SCATTERS = 6.0  # how many standard deviations of the scatter from frame to frame a way must be to count
_WAVERING = 4.0  # and one frame, to be kept apart until it is known; the extreme of many lies 2 above their mean
_AGREEING = 3  # frames in a row that must lie beyond it
_REMEMBERED = 50  # frames that the scatter is read from
_UNSURE = 40
_AROUND = 5  # frames whose median may be an extreme: two of them that go wrong are none


class TurnWatch:
    """Follows progress frame by frame, with memory that does not grow.

    Args:
        smallest: Way that a reaction must go to count, as a share of the whole.

    Attributes:
        direction: In which direction the reaction goes; None until it has gone far enough to tell.
        extreme_at: Number of the frame in which it was farthest in that direction since it last turned.
    """

    def __init__(self, smallest: float) -> None:
        self._smallest = smallest
        self.direction: Direction | None = None
        self.extreme_at = 0
        self._frame = -1
        self._recent: list[float] = []
        self._last: list[tuple[float, int]] = []  # the last five frames
        # extremes since the last turn: median of five frames, progress in the middle one of them, its number
        self._low, self._high = (np.inf, np.inf, 0), (-np.inf, -np.inf, 0)
        self._risen = self._fallen = 0  # frames in a row that lie far above the lowest, or below the highest

    def see(self, progress: float) -> bool:
        """Take the progress of the next frame, NaN where it showed nothing.

        Returns:
            Whether it is certain now that the reaction has turned. That it sets out for the first time is no turn.
            `extreme_at` is where it turned until the next frame is seen.
        """
        self._frame += 1
        if not np.isfinite(progress):
            return False
        self._recent = [*self._recent[1 - _REMEMBERED :], progress]
        self._last = [*self._last[1 - _AROUND :], (progress, self._frame)]
        if len(self._last) == _AROUND:
            raw, frame = self._last[_AROUND // 2]
            middle = (sorted(self._last)[_AROUND // 2][0], raw, frame)
            self._low, self._high = min(self._low, middle), max(self._high, middle)
        way = max(self._smallest, _SCATTERS * self._scatter())
        self._risen = self._risen + 1 if progress > self._low[0] + way else 0
        self._fallen = self._fallen + 1 if progress < self._high[0] - way else 0
        if self.direction != "insertion" and self._risen >= _AGREEING:
            return self._turn("insertion", self._low[-1], progress)
        if self.direction != "extraction" and self._fallen >= _AGREEING:
            return self._turn("extraction", self._high[-1], progress)
        if self.direction is not None:
            self.extreme_at = (self._high if self.direction == "insertion" else self._low)[-1]
        return False

    @property
    def wavering(self) -> bool:
        """Whether the last frame may come after a turn: it lies beyond the scatter about the extreme."""
        if self.direction is None:
            return max(self._recent, default=0.0) > self._smallest  # else there is nothing to extract
        back = self._high[0] - self._recent[-1] if self.direction == "insertion" else self._recent[-1] - self._low[0]
        return back > _WAVERING * self._scatter()

    def _turn(self, direction: Direction, at: int, progress: float) -> bool:
        first, self.direction, self.extreme_at = self.direction is None, direction, at
        self._low = self._high = (progress, progress, self._frame)
        self._risen = self._fallen = 0
        return not first

    def _scatter(self) -> float:
        """Standard deviation of one frame by noise alone, from second differences: steady progress has none.

        A few differences may be small by chance, so the fewer they are, the larger it is taken to be.
        """
        bends = np.abs(np.diff(self._recent, 2))
        if bends.size == 0:
            return np.inf
        return float(1.4826 * np.median(bends) / np.sqrt(6)) * (1 + _UNSURE / bends.size)
