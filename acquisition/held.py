"""What a network is to be shown of frames that come one by one, the same as of a movie on disk."""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.datasets import Averager, Reference, is_blanked, mean_frame

__all__ = ["Held"]

Frame = NDArray[Any]


class Held:
    """Holds frames back for as long as what they are averaged or compared with has not come.

    Args:
        averaged: How many frames around each one are averaged, an odd number.
        references: Of how many first frames the reference is the mean; 0 where a network does not compare.
    """

    def __init__(self, averaged: int, references: int) -> None:
        self._averager = Averager(averaged)
        self._wanted = references
        self._first: list[Frame] = []
        self._reference: Reference | None = None
        self._times: deque[float] = deque()  # of frames that wait for their mean
        self._ready: deque[tuple[float, Frame | None]] = deque()  # means that wait for the reference, or their turn

    @property
    def unmatched(self) -> int:
        """How many frames went without the reference, as too little of it was to be seen in them."""
        return 0 if self._reference is None else self._reference.unmatched

    @property
    def waiting(self) -> int:
        """Frames that the network has not been shown."""
        return len(self._times) + len(self._ready)

    def push(self, time_s: float, frame: Frame) -> None:
        """Take a frame (y, x)."""
        image = None if is_blanked(frame) else np.array(frame)
        if image is not None and len(self._first) < self._wanted and self._reference is None:
            self._first.append(image)
            if len(self._first) == self._wanted:
                self._compare()
        self._times.append(time_s)
        self._answered(self._averager.push(image))

    def finish(self) -> None:
        """No frame comes any more: what is held is ready."""
        if self._first:
            self._compare()
        self._wanted = 0
        self._answered(self._averager.flush())

    def ready(self) -> tuple[float, Frame | None] | None:
        """Time and image of the next frame, None in place of a blanked one; nothing where it must wait."""
        return self._ready.popleft() if self._ready and (self._wanted == 0 or self._reference is not None) else None

    def behind(self, image: Frame) -> Frame:
        """The image as the network sees it: with the reference behind it, where there is one."""
        return image if self._reference is None else self._reference.behind(image)

    def _compare(self) -> None:
        self._reference, self._first = Reference(mean_frame(self._first)), []

    def _answered(self, means: list[Frame | None]) -> None:
        self._ready.extend((self._times.popleft(), mean) for mean in means)
