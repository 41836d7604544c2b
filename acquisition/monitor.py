"""Between a camera that does not wait and a network that takes its time.

Every frame is recorded if that is asked for, the newest is analysed, and what was skipped is counted and said.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionfront.core import IonFrontError, UsageError

from .live import LiveFront
from .state import FrontState
from .triggers import Decision, Triggers

__all__ = ["Counts", "Monitor", "Recorder"]

WhenLate = Literal["skip", "stop"]


class Recorder(Protocol):
    """Keeps every frame, in the camera's thread: it must not take long."""

    def record(self, frame: NDArray[Any], time_s: float) -> None:
        """Keep a frame."""


@dataclass(frozen=True)
class Counts:
    """What became of the frames.

    Attributes:
        taken: Handed over by the camera.
        analysed: Of them.
        skipped: The camera was too fast for the processor.
        refused: They could not be used: another size, a time that does not rise.
        last_refusal: Why the last of those was.
    """

    taken: int = 0
    analysed: int = 0
    skipped: int = 0
    refused: int = 0
    last_refusal: str = ""


@dataclass(frozen=True)
class _Frame:
    image: NDArray[Any]
    time_s: float
    dose_e_nm2: float | None


class Monitor:
    """Analyses frames in a thread of its own, so that `take` returns at once.

    Args:
        live: Takes the frames.
        triggers: See every state.
        act: Called with each decision, in that thread: `Actions`, or any other callable.
        tell: Called with each state, likewise.
        recorder: Keeps every frame.
        waiting: How many frames may wait.
        late: What happens when more do: "skip" lets the oldest go, "stop" raises in `take`.

    Raises:
        UsageError: `waiting` is less than 1.
    """

    def __init__(
        self,
        live: LiveFront,
        *,
        triggers: Triggers | None = None,
        act: Callable[[Decision], None] = lambda decision: None,
        tell: Callable[[FrontState, Sequence[Decision]], None] = lambda state, decisions: None,
        recorder: Recorder | None = None,
        waiting: int = 4,
        late: WhenLate = "skip",
    ) -> None:
        if waiting < 1:
            raise UsageError(f"{waiting} frames may wait; 1 or more are needed.")
        self._live, self._triggers, self._act, self._tell = live, triggers or Triggers([]), act, tell
        self._recorder, self._most, self._late = recorder, waiting, late
        self._waiting: deque[_Frame] = deque()
        self._changed = threading.Condition()
        self._taken = self._analysed = self._skipped = self._refused = 0
        self._refusal, self._ended = "", False
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="monitor", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """What became of the frames so far."""
        with self._changed:
            return Counts(self._taken, self._analysed, self._skipped, self._refused, self._refusal)

    def take(self, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None) -> None:
        """Hand over a frame; as for `LiveFront.push`. It is copied, for cameras that use their memory again.

        Raises:
            UsageError: Too many wait, and that is to stop the acquisition (`late="stop"`); or it was ended.
            BaseException: What ended the analysis.
        """
        image = np.array(frame)
        if self._recorder is not None:
            self._recorder.record(image, time_s)
        with self._changed:
            self._refuse_ended()
            self._taken += 1
            if len(self._waiting) >= self._most:
                if self._late == "stop":
                    raise UsageError(
                        f"{len(self._waiting)} frames wait already: the camera is faster than the processor. Take "
                        "fewer frames a second, smaller ones, or let some be skipped."
                    )
                self._waiting.popleft()
                self._skipped += 1
            self._waiting.append(_Frame(image, time_s, dose_e_nm2))
            self._changed.notify_all()

    def finish(self) -> Counts:
        """Analyse what waits, and end; what became of all frames.

        Raises:
            BaseException: What ended the analysis.
        """
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()
        if self._broken is not None:
            raise self._broken
        self._live.finish()
        return self.counts

    def _refuse_ended(self) -> None:
        if self._broken is not None:
            raise self._broken
        if self._ended:
            raise UsageError("this measurement was ended: begin a new one.")

    def _work(self) -> None:
        try:
            while (frame := self._following()) is not None:
                self._analyse(frame)
        except BaseException as error:  # raised where frames are handed over
            with self._changed:
                self._broken = error

    def _following(self) -> _Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            return self._waiting.popleft() if self._waiting else None

    def _analyse(self, frame: _Frame) -> None:
        try:
            state = self._live.push(frame.image, frame.time_s, dose_e_nm2=frame.dose_e_nm2)
        except IonFrontError as error:
            with self._changed:
                self._refused += 1
                self._refusal = str(error)
            return
        decisions = self._triggers.see(state)
        for decision in decisions:
            self._act(decision)
        self._tell(state, decisions)
        with self._changed:
            self._analysed += 1
