"""Frames on their way: what each of them is, and a queue between a camera that does not wait and whoever takes them."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionfront.core import UsageError

__all__ = ["Frame", "FrameQueue", "Recorder", "WhenLate"]

WhenLate = Literal["skip", "stop"]


class Frame(NamedTuple):
    """One image.

    Attributes:
        image: Grey values, shape (y, x).
        time_s: When it was taken.
        dose_e_nm2: Electrons for each nm^2 that it cost; None where nobody tells.
        missed: How many between the one before and this one were lost on the way, let go or could not be used.
    """

    image: NDArray[Any]
    time_s: float
    dose_e_nm2: float | None = None
    missed: int = 0


class Recorder(Protocol):
    """Keeps every frame, in the camera's thread: it must not take long."""

    def record(self, frame: Frame) -> None:
        """Keep a frame."""


class FrameQueue:
    """Frames from a camera's thread, taken one by one in another: iterate over it.

    Args:
        most: How many frames may wait.
        late: What happens when more do: "skip" lets the oldest go, "stop" raises in `put`.
        recorder: Is given every frame.
        idle_s: The iteration ends when no frame has come for so long; None waits for `end`.

    Raises:
        UsageError: `most` is less than 1.
    """

    def __init__(
        self, most: int = 4, *, late: WhenLate = "skip", recorder: Recorder | None = None, idle_s: float | None = None
    ) -> None:
        if most < 1:
            raise UsageError(f"{most} frames may wait; 1 or more are needed.")
        self._most, self._late, self._recorder, self._idle_s = most, late, recorder, idle_s
        self._waiting: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._taken = self._skipped = 0
        self._ended = False
        self._broken: BaseException | None = None

    @property
    def taken(self) -> int:
        """How many frames were put in."""
        return self._taken

    @property
    def skipped(self) -> int:
        """How many of them were let go."""
        return self._skipped

    def put(self, image: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0) -> None:
        """Hand over a frame; as `Frame` has it. It is copied, for cameras that use their memory again.

        Raises:
            UsageError: Too many wait, and that is to stop the acquisition; or it was ended.
            BaseException: What it was ended with.
        """
        frame = Frame(np.array(image), float(time_s), dose_e_nm2, missed)
        if self._recorder is not None:
            self._recorder.record(frame)
        with self._changed:
            if self._broken is not None:
                raise self._broken
            if self._ended:
                raise UsageError("this measurement was ended: begin a new one.")
            self._taken += 1
            if len(self._waiting) >= self._most:
                frame = self._made_room(frame)
            self._waiting.append(frame)
            self._changed.notify_all()

    def end(self, error: BaseException | None = None) -> None:
        """No frame comes any more; with an error, nor are those that wait taken."""
        with self._changed:
            self._ended, self._broken = True, self._broken or error
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, until it is ended.

        Raises:
            BaseException: What it was ended with.
        """
        while (frame := self._following()) is not None:
            yield frame

    def _following(self) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, self._idle_s)
            if self._broken is not None:
                raise self._broken
            return self._waiting.popleft() if self._waiting else None

    def _made_room(self, frame: Frame) -> Frame:
        """The new frame, once the oldest was let go; whichever follows that one tells of it."""
        if self._late == "stop":
            raise UsageError(
                f"{len(self._waiting)} frames wait already: the camera is faster than the processor. Take "
                "fewer frames a second, smaller ones, or let some be skipped."
            )
        lost = self._waiting.popleft().missed + 1
        self._skipped += 1
        if not self._waiting:
            return frame._replace(missed=frame.missed + lost)
        self._waiting[0] = self._waiting[0]._replace(missed=self._waiting[0].missed + lost)
        return frame
