"""A movie that another program is still writing, frame by frame as they become whole."""

import time
from collections.abc import Iterator
from pathlib import Path

from ionfront.core import MovieError
from ionfront.datasets.readers import Growing, open_growing

from .frames import Frame
from .sources import Source

__all__ = ["followed"]

_LOOK_S = 0.2


def followed(
    path: Path,
    *,
    first: int = 0,
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
    zero_s: float | None = None,
    idle_s: float = 60.0,
) -> Source:
    """Frames of a Zarr store, a TIFF or an MRC stack that grows, until none has come for `idle_s`.

    Times are those of the file. Where it holds none, they are when frames came, by this computer's clock: those that
    came between two looks are taken to have come evenly.

    Args:
        path: It may not be there yet.
        first: How many frames have gone by before, with those that were lost.
        pixel_size_nm: In place of the file's.
        frame_time_s: Time between frames, in place of the file's.
        zero_s: What the clock shows at the time 0, for times of that kind; None takes now.
        idle_s: How long to wait for the beginning, and for the next frame.

    Raises:
        UsageError: Its format cannot be followed.
        MovieError: It did not begin. When frames are taken: several were there already, and nobody knows their times.
    """
    file = _begun(path, idle_s)
    by_arrival = frame_time_s is None and not file.timed
    began_s = (time.time() if zero_s is None else zero_s) if by_arrival else 0.0

    def frames() -> Iterator[Frame]:
        for number, came_s in _as_they_come(file, file.begin_after(first), idle_s):
            found = file.frame(number)
            if frame_time_s is not None:
                time_s = number * frame_time_s
            elif found.time_s is not None:
                time_s = found.time_s
            elif came_s is not None:
                time_s = came_s - began_s
            else:
                raise MovieError(
                    f"{path} held frames already, and does not tell when they were taken: give the time between "
                    "frames (--frame-time-s), or begin to follow before it is written."
                )
            yield Frame(found.image, time_s, found.dose_e_nm2, found.missed)

    return Source(str(path), pixel_size_nm or file.pixel_size_nm, frames(), began_s)


def _begun(path: Path, idle_s: float) -> Growing:
    """The file, once its beginning is there."""
    last = time.monotonic()
    while True:
        try:
            return open_growing(path)
        except MovieError:
            if time.monotonic() - last > idle_s:
                raise
            time.sleep(_LOOK_S)


def _as_they_come(file: Growing, first: int, idle_s: float) -> Iterator[tuple[int, float | None]]:
    """Numbers of frames and when they came, by the clock; None for those that were there at the first look."""
    done, last, since_s = first, time.monotonic(), None
    while time.monotonic() - last < idle_s:
        count, now_s = file.whole(), time.time()
        for number in range(done, count):
            if since_s is None:
                yield number, now_s if count - done == 1 else None
            else:
                yield number, since_s + (now_s - since_s) * (number + 1 - done) / (count - done)
            last = time.monotonic()
        done, since_s = max(done, count), now_s
        time.sleep(_LOOK_S)
