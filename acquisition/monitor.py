"""Between a camera that does not wait and a network that takes its time.

Every frame is recorded if that is asked for, the newest is analysed, and what was skipped is counted and said.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from ionfront.core import IonFrontError

from .frames import Frame, FrameQueue, Recorder, WhenLate
from .live import LiveFront
from .state import FrontState
from .triggers import Decision, Triggers

__all__ = ["Counts", "Monitor"]


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
        self._live, self._triggers, self._act, self._tell = live, triggers or Triggers([]), act, tell
        self._queue = FrameQueue(waiting, late=late, recorder=recorder)
        self._analysed = self._refused = self._unseen = 0
        self._refusal = ""
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="monitor", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """What became of the frames so far."""
        return Counts(self._queue.taken, self._analysed, self._queue.skipped, self._refused, self._refusal)

    def take(self, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0) -> None:
        """Hand over a frame; as for `LiveFront.push`. It is copied, for cameras that use their memory again.

        Raises:
            UsageError: Too many wait, and that is to stop the acquisition (`late="stop"`); or it was ended.
            BaseException: What ended the analysis.
        """
        self._queue.put(frame, time_s, dose_e_nm2=dose_e_nm2, missed=missed)

    def finish(self) -> Counts:
        """Analyse what waits, and end; what became of all frames.

        Raises:
            BaseException: What ended the analysis.
        """
        self._queue.end()
        self._thread.join()
        if self._broken is not None:
            raise self._broken
        self._live.finish()
        return self.counts

    def _work(self) -> None:
        try:
            for frame in self._queue:
                self._analyse(frame)
        except BaseException as error:  # raised where frames are handed over
            self._broken = error
            self._queue.end(error)

    def _analyse(self, frame: Frame) -> None:
        try:
            state = self._live.push(
                frame.image, frame.time_s, dose_e_nm2=frame.dose_e_nm2, missed=self._unseen + frame.missed
            )
        except IonFrontError as error:
            self._refused, self._refusal = self._refused + 1, str(error)
            self._unseen += frame.missed + 1
            return
        self._unseen = 0
        decisions = self._triggers.see(state)
        for decision in decisions:
            self._act(decision)
        self._tell(state, decisions)
        self._analysed += 1
