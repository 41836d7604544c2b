"""The newest frames of a stream in memory, written down when something worth keeping has happened."""

import threading
from collections import deque
from pathlib import Path

from ionfront.core import OutputExistsError, UsageError

from .actions import Action
from .frame_writer import FrameWriter
from .frames import Frame
from .triggers import Decision

__all__ = ["RecentFrames"]

_AT_ONCE = 16


class RecentFrames:
    """Keeps the newest frames, as a recorder; the oldest are let go.

        recent = RecentFrames(last_s=60.0)
        actions = Actions({"keep": recent.keep_in(Path("kept"))})
        Monitor(live, recorder=recent, act=actions, ...)

    Args:
        most_bytes: How much memory they may take; while they are written, those that are let go meanwhile take more.
        last_s: For how long each is kept, by the frames' own times; None as long as there is memory.
        pixel_size_nm: Edge of a pixel, where it is known.

    Raises:
        UsageError: There would be no room or no time for any.
    """

    def __init__(
        self, most_bytes: int = 1 << 30, *, last_s: float | None = None, pixel_size_nm: float | None = None
    ) -> None:
        if most_bytes < 1 or (last_s is not None and not last_s > 0):
            raise UsageError(f"{most_bytes} bytes for {last_s} s keep no frame; numbers above 0 are needed.")
        self._most, self._last_s = most_bytes, last_s
        self._told: tuple[float | None, float] = (pixel_size_nm, 0.0)
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def describe(self, pixel_size_nm: float | None, zero_s: float) -> None:
        """Tell, at any time, what holds for all frames: as `Source` has it."""
        self._told = (pixel_size_nm, zero_s)

    def record(self, frame: Frame) -> None:
        """Keep a frame; its image must not change any more."""
        with self._lock:
            self._frames.append(frame)
            self._bytes += frame.image.nbytes
            while self._frames and (self._bytes > self._most or self._is_old(self._frames[0], frame)):
                self._bytes -= self._frames.popleft().image.nbytes

    def save(self, path: Path) -> int:
        """Write what there is now as an OME-Zarr; how many frames that is.

        Raises:
            OutputExistsError: `path` exists.
            UsageError: No frame was kept, or some could not be written.
        """
        if path.exists():
            raise OutputExistsError(f"{path} exists already; recordings are never overwritten: choose another place.")
        with self._lock:
            frames = list(self._frames)
        writer = FrameWriter(path, *self._told)
        for first in range(0, len(frames), _AT_ONCE):
            writer.write(frames[first : first + _AT_ONCE])
        writer.close()
        if writer.lost or not writer.kept:
            raise UsageError(
                f"{writer.kept} of {len(frames)} frames were written to {path}. {writer.last_loss}".strip()
            )
        return writer.kept

    def keep_in(self, folder: Path) -> Action:
        """An action that saves what there is as RULE-FRAME.ome.zarr in a folder."""

        def keep(decision: Decision) -> None:
            self.save(folder / f"{decision.rule}-{decision.frame}.ome.zarr")

        return keep

    def _is_old(self, frame: Frame, newest: Frame) -> bool:
        return self._last_s is not None and newest.time_s - frame.time_s > self._last_s
