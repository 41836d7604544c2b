"""Every frame of a stream kept on disk, without the camera waiting for the disk."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ionfront.core import OutputExistsError

from .frame_writer import FrameWriter
from .frames import Frame

__all__ = ["Recorded", "StoreRecorder"]

_AT_ONCE = 16  # frames, which are written together or not at all


@dataclass(frozen=True)
class Recorded:
    """What became of the frames.

    Attributes:
        kept: On disk.
        lost: The disk was too slow or refused them, or they are unlike the first.
        last_loss: Why the last of those was.
    """

    kept: int = 0
    lost: int = 0
    last_loss: str = ""


class StoreRecorder:
    """Writes frames, in a thread of its own, into an OME-Zarr that grows; `open_movie` reads it at any moment.

    Args:
        path: Such as movie.ome.zarr.
        pixel_size_nm: Edge of a pixel, where that is known already.
        most_bytes: How much memory frames may take that are not written yet; one may always wait.
        go_on: Whether to go on with what is there.
        tell: Called with a sentence, in that thread, when frames begin to be lost.

    Raises:
        OutputExistsError: Something is there, and is not to be gone on with.
    """

    def __init__(
        self,
        path: Path,
        *,
        pixel_size_nm: float | None = None,
        most_bytes: int = 1 << 29,
        go_on: bool = False,
        tell: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        if path.exists() and not go_on:
            raise OutputExistsError(f"{path} exists already; recordings are never overwritten: choose another place.")
        self._path, self._most, self._tell = path, most_bytes, tell
        self._writer = FrameWriter(path, pixel_size_nm)
        self._waiting: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._bytes = self._let_go = 0
        self._missed = 0  # let go since the last that waits
        self._closed = self._losing = False
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Recorded:
        """What became of the frames so far; those that wait are not in it yet."""
        writer, let_go = self._writer, self._let_go
        why = f"more than {self._most / 1e6:.0f} MB waited: the disk is too slow" if let_go else ""
        return Recorded(writer.kept, writer.lost + let_go, writer.last_loss or why)

    def describe(self, pixel_size_nm: float | None, zero_s: float) -> None:
        """Tell, at any time, what holds for all frames: as `Source` has it."""
        self._writer.describe(pixel_size_nm, zero_s)

    def record(self, frame: Frame) -> None:
        """Keep a frame; its image must not change any more. None is kept once it is closed."""
        with self._changed:
            if self._closed or (self._bytes and self._bytes + frame.image.nbytes > self._most):
                self._let_go += 1
                self._missed += frame.missed + 1
                return
            self._waiting.append(frame._replace(missed=frame.missed + self._missed))
            self._bytes += frame.image.nbytes
            self._missed = 0
            self._changed.notify_all()

    def close(self) -> Recorded:
        """Write what waits, and end; what became of all frames."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        return self.counts

    def _work(self) -> None:
        while frames := self._following():
            lost = self.counts.lost
            self._writer.write(frames)
            with self._changed:
                self._bytes -= sum(frame.image.nbytes for frame in frames)
            self._tell_of_losses(self.counts.lost > lost)
        self._writer.close()

    def _following(self) -> list[Frame]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]

    def _tell_of_losses(self, losing: bool) -> None:
        """Once for each time that they begin."""
        if losing and not self._losing:
            self._tell(f"Frames are lost to {self._path}: {self.counts.last_loss}.")
        self._losing = losing
