"""A movie in place of a camera, so that a plan can be tried before the beam time."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from bluesky.protocols import Triggerable
from numpy.typing import NDArray
from ophyd_async.core import (
    AsyncStatus,
    StandardReadable,
    StandardReadableFormat,
    soft_signal_r_and_setter,
    soft_signal_rw,
)

__all__ = ["MovieDetector"]


class MovieDetector(StandardReadable, Triggerable):
    """Shows what a movie shows one period after the frame before; the first frame is its beginning.

    Args:
        frame_at: The image (y, x) at a time [s].
        period_s: From frame to frame, until `period` is set.
        speed: How many times faster than the movie's own time it goes; None for no waiting.
        name: Of the device; its image is NAME-image, the movie's time NAME-time.
    """

    def __init__(
        self,
        frame_at: Callable[[float], NDArray[Any]],
        *,
        period_s: float = 1.0,
        speed: float | None = 1.0,
        name: str = "camera",
    ) -> None:
        self._frame_at, self._speed = frame_at, speed
        self._now_s: float | None = None  # in the movie
        with self.add_children_as_readables(StandardReadableFormat.CONFIG_SIGNAL):
            self.period = soft_signal_rw(float, period_s, units="s")
        with self.add_children_as_readables():
            self.image, self._show = soft_signal_r_and_setter(np.ndarray)
            self.time, self._tell = soft_signal_r_and_setter(float, units="s")
        super().__init__(name=name)

    @AsyncStatus.wrap
    async def trigger(self) -> None:
        """Take the next frame."""
        period_s = 0.0 if self._now_s is None else await self.period.get_value()
        if self._speed is not None:
            await asyncio.sleep(period_s / self._speed)
        self._now_s = (self._now_s or 0.0) + period_s
        self._show(await asyncio.to_thread(self._frame_at, self._now_s))
        self._tell(self._now_s)
