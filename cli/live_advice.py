"""Advice on the dose of a live measurement, worked out beside its frames once a minute."""

import time
from concurrent.futures import Future, ThreadPoolExecutor

from ionfront.acquisition import DoseAdvisor, Frame, FrontState, Session
from ionfront.core import UsageError

__all__ = ["LiveAdvice"]

_EVERY_S = 60.0


class LiveAdvice:
    """What dose still gives the speed of a front.

    Args:
        session: Whose frames it is about.
        wanted: As `DoseAdvisor.advise` has it.

    Attributes:
        sentence: The newest; empty before the first.
    """

    def __init__(self, session: Session, wanted: float) -> None:
        settings, self._session, self._wanted = session.settings, session, wanted
        self._advisor = DoseAdvisor(
            session.live.segmenter, pixel_size_nm=settings.pixel_size_nm, binning=settings.binning
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="advice")
        self._asked: Future[str] | None = None
        self._due_s = time.monotonic() + _EVERY_S
        self.sentence = ""

    def see(self, frame: Frame) -> None:
        """A frame that the session has just measured."""
        state = self._session.live.state
        if state is None:
            return
        self._advisor.push(frame.image, frame.time_s)
        if self._asked is not None and self._asked.done():
            self.sentence, self._asked = self._asked.result(), None
        if self._asked is None and time.monotonic() > self._due_s:
            self._due_s = time.monotonic() + _EVERY_S
            self._asked = self._thread.submit(self._advised, state)

    def close(self) -> None:
        """No more advice; one that is being worked out is waited for."""
        self._thread.shutdown()

    def _advised(self, state: FrontState) -> str:
        try:
            return self._advisor.advise(self._wanted, state).sentence
        except UsageError as error:
            return str(error)
