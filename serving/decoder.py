"""Decoders of PNG and TIFF in a process of their own: what a body makes crash, hang or leak there is lost with it."""

import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from numpy.typing import NDArray

from .bodies import Limits, decoded_picture
from .problems import RequestError

__all__ = ["Decoder"]

_FRAMES = 500  # that one process decodes
_SLOWEST_S = 60.0


class Decoder:
    """Decodes as `decoded_picture` does, elsewhere. Safe to use from several threads."""

    def __init__(self) -> None:
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self._lock = threading.Lock()
        self._pool = self._new()

    def __call__(self, body: bytes, limits: Limits) -> NDArray[Any]:
        """Pixels of a PNG or TIFF.

        Raises:
            RequestError: It cannot be decoded, or the decoder did not outlive it.
        """
        pool = self._pool
        try:
            return pool.submit(decoded_picture, body, limits).result(_SLOWEST_S)
        except (BrokenProcessPool, TimeoutError) as error:
            self._renew(pool)
            broken = "the decoder broke down on this body; is it whole? Send NPY, or raw bytes, if it is."
            raise RequestError(422, "unreadable image", broken) from error

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=self._context, max_tasks_per_child=_FRAMES)

    def _renew(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = self._new()
        for process in list((broken._processes or {}).values()):
            process.kill()
        broken.shutdown(wait=False, cancel_futures=True)
