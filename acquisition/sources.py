"""Where frames come from: anything that gives a frame and its time, one after another."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import MovieError, UsageError
from ionfront.datasets import calibration_of, open_movie
from ionfront.datasets.readers import FRAME_SUFFIXES

from .frames import Frame

__all__ = ["Source", "replayed", "watched_folder"]

_LOOK_S = 0.2
_PATIENCE_LOOKS = 50  # for a file that cannot be read yet


@dataclass(frozen=True)
class Source:
    """Frames to come, and what is known of them beforehand.

    Attributes:
        name: For people.
        pixel_size_nm: Edge of a pixel; None where nobody knows.
        frames: In order, until there are no more.
        zero_s: What the camera's clock showed at the time 0; 0 where there is none.
    """

    name: str
    pixel_size_nm: float | None
    frames: Iterator[Frame]
    zero_s: float = 0.0


def replayed(
    movie_path: Path,
    *,
    speed: float | None = 1.0,
    first: int = 0,
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
) -> Source:
    """A movie as if it were being recorded.

    Args:
        movie_path: Anything `open_movie` reads.
        speed: How many times faster than it was recorded; None for no waiting at all.
        first: How many frames have gone by before, with those that the file says were lost.
        pixel_size_nm: In place of the file's.
        frame_time_s: Likewise.

    Raises:
        MovieError: The movie cannot be read.
        UsageError: A speed that is not above 0.
    """
    if speed is not None and not speed > 0:
        raise UsageError(f"speed is {speed}; a number above 0 is needed, 1 for the time that the movie took.")
    movie = open_movie(movie_path, pixel_size_nm=pixel_size_nm, frame_time_s=frame_time_s)

    def frames() -> Iterator[Frame]:
        times, begun = movie["time"].values, time.monotonic()
        doses = movie.coords.get("dose_e_nm2", np.full(times.size, np.nan))
        missed = np.asarray(movie.coords.get("missed", np.zeros(times.size, int)))
        start = int(np.searchsorted(np.arange(times.size) + np.cumsum(missed), first))
        for number in range(start, times.size):
            frame, time_s, dose = np.asarray(movie[number].values), float(times[number]), float(doses[number])
            if speed is not None:
                time.sleep(max(0.0, begun + (time_s - float(times[start])) / speed - time.monotonic()))
            yield Frame(frame, time_s, dose if math.isfinite(dose) else None, int(missed[number]))

    return Source(str(movie_path), calibration_of(movie).pixel_size_nm, frames())


def watched_folder(
    folder: Path,
    *,
    first: int = 0,
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
    idle_s: float = 60.0,
) -> Source:
    """Files of one frame each that another program writes into a folder, in the order of their names.

    A file is read once its size has stayed the same from one look to the next. It ends when no file has come for
    `idle_s`.

    Args:
        folder: It may be empty still.
        first: How many files were seen to before.
        pixel_size_nm: In place of the files'.
        frame_time_s: Time between frames; None takes the times at which files were written last.
        idle_s: How long to wait for the next.

    Raises:
        MovieError: It is no folder.
    """
    if not folder.is_dir():
        raise MovieError(f"{folder} is no folder that could be watched: name one, or a movie to be replayed.")

    def frames() -> Iterator[Frame]:
        begun_s: float | None = None
        for number, path in enumerate(_whole_files(folder, first, idle_s), first):
            begun_s = _frame_files(folder)[0].stat().st_mtime if begun_s is None else begun_s
            time_s = path.stat().st_mtime - begun_s if frame_time_s is None else number * frame_time_s
            yield Frame(_only_frame(path), time_s)

    return Source(str(folder), pixel_size_nm or _known_pixel_size(folder), frames())


def _whole_files(folder: Path, first: int, idle_s: float) -> Iterator[Path]:
    """Files as they are finished, without an end but that none has come for long."""
    done, sizes, last = first, dict[Path, int](), time.monotonic()
    while time.monotonic() - last < idle_s:
        files = _frame_files(folder)[done:]
        now = {path: path.stat().st_size for path in files}
        for path in files:
            if sizes.get(path) != now[path] or now[path] == 0:
                break  # and what comes after it waits
            yield path
            done, last = done + 1, time.monotonic()
        sizes = now
        time.sleep(_LOOK_S)


def _frame_files(folder: Path) -> list[Path]:
    known = (path for path in folder.iterdir() if path.suffix.lower() in FRAME_SUFFIXES)
    return sorted(path for path in known if not path.name.startswith("."))


def _only_frame(path: Path) -> NDArray[Any]:
    for look in range(_PATIENCE_LOOKS):
        try:
            return np.asarray(open_movie(path)[0].values)
        except MovieError:
            if look == _PATIENCE_LOOKS - 1:
                raise
            time.sleep(_LOOK_S)  # it may be being written after all
    raise AssertionError("not reached")


def _known_pixel_size(folder: Path) -> float | None:
    """What the first file says, if there is one."""
    files = _frame_files(folder)
    try:
        return calibration_of(open_movie(files[0])).pixel_size_nm if files else None
    except MovieError:
        return None
