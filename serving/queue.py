"""Work for the processor, one piece at a time, with a short line before it: who comes when it is full is told when to
come again, instead of making everyone wait."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .metrics import IN_LINE
from .problems import RequestError

__all__ = ["WorkQueue"]

Answer = TypeVar("Answer")

_REMEMBERED = 0.9  # of the mean time of a piece of work, when another comes


class WorkQueue:
    """A bounded queue before one thread; networks use all cores within a call.

    Args:
        waiting: How many may stand in line.
        timeout_s: How long an answer may take, waiting included.
        name: Of the line, for metrics.
    """

    def __init__(self, waiting: int = 16, timeout_s: float = 60.0, name: str = "work") -> None:
        self._most, self._timeout_s = waiting, timeout_s
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="work")
        self._inside, self._takes_s = 0, 0.1
        self._gauge = IN_LINE.labels(name)

    @property
    def inside(self) -> int:
        """Pieces of work that wait or are being done."""
        return self._inside

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """The answer of `work`. A caller that is cancelled leaves the line; what has begun is finished and dropped.

        Raises:
            RequestError: The line is full (503, with Retry-After), or it took too long (504).
        """
        if self._inside > self._most:
            again_s = max(1, math.ceil(self._inside * self._takes_s))
            raise RequestError(
                503,
                "busy",
                f"{self._inside} requests are in line already; come again in {again_s} s.",
                {"Retry-After": str(again_s)},
            )
        self._inside += 1
        self._gauge.inc()
        future = self._pool.submit(self._timed, work)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._left))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._timeout_s)
        except TimeoutError as error:
            raise RequestError(504, "too slow", f"there was no answer within {self._timeout_s:g} s.") from error

    def close(self) -> None:
        """Finish what has begun, and drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _timed(self, work: Callable[[], Answer]) -> Answer:
        start = time.perf_counter()
        try:
            return work()
        finally:
            took = time.perf_counter() - start
            self._takes_s = _REMEMBERED * self._takes_s + (1 - _REMEMBERED) * took

    def _left(self) -> None:
        self._inside -= 1
        self._gauge.dec()
