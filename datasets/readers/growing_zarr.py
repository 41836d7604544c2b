"""A Zarr store, OME or other, that another program is writing."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from ionfront.core import MovieError

from ..grey import check_dtype
from .failures import reading
from .growing import Found, Untouched
from .zarr_store import StoredImage, chunk_file, open_image, read_stored_frame, stored_scale, whole_by_times

__all__ = ["GrowingZarr"]

_AHEAD = 1000  # chunks along time that are looked at in one look


class GrowingZarr:
    """Frames along the first axis of an array, however far that was sized beforehand.

    In a store that IonFront records, a frame is whole when it has a time. In others, when a chunk of a later one is
    there, or all of its own are and have been left alone from one look to the next: they need to be written in order.

    Attributes:
        pixel_size_nm: As its metadata have it.
        timed: Whether it holds times.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._untouched, self._whole = path, Untouched(), 0
        with reading(path, "a Zarr store"):
            self._image = image = open_image(path)
            check_dtype(image.array.dtype)
            others = {axis: size for axis, size in image.sizes.items() if axis not in "yxs" and axis != image.axes[0]}
            if image.axes[0] in "yxs" or any(size != 1 for size in others.values()):
                raise MovieError(f"it has axes {image.axes}; to be followed, frames need to lie along the first.")
            self.pixel_size_nm = stored_scale(image).nm
            self.timed = image.times is not None

    def begin_after(self, passed: int) -> int:
        """The number of the first frame to take, when so many have gone by with those that were lost."""
        if "missed" not in self._image.beside:
            return passed
        missed = np.asarray(self._image.beside["missed"][: self.whole()])
        return int(np.searchsorted(np.arange(missed.size) + np.cumsum(missed), passed))

    def whole(self) -> int:
        """How many frames are whole."""
        try:
            self._image = image = open_image(self._path)
            recorded = image.own.get("recorded")
            self._whole = whole_by_times(image, self._whole) if recorded else self._whole_by_chunks(image)
        except (OSError, ValueError, KeyError, MovieError):
            pass  # it is being written this very moment
        return self._whole

    def frame(self, number: int) -> Found:
        """One of them."""
        image = self._image
        pixels = read_stored_frame(image.array, image.axes, image.axes[0], number)
        times_s = image.times_s(number, number + 1)
        dose = float(image.beside["dose_e_nm2"][number]) if "dose_e_nm2" in image.beside else np.nan
        missed = int(image.beside["missed"][number]) if "missed" in image.beside else 0
        return Found(
            pixels,
            float(times_s[0]) if times_s.size else None,
            dose if np.isfinite(dose) else None,
            missed,
        )

    def _whole_by_chunks(self, image: StoredImage) -> int:
        array = image.array
        chunks = array.shards or array.chunks
        count, each = int(array.shape[0]), int(chunks[0])
        first = self._whole // each
        places = range(first, min(-(-count // each), first + _AHEAD))
        begun = [place for place in places if any(file.exists() for file in _files(array, chunks, place))]
        if not begun:
            return self._whole
        newest = _files(array, chunks, begun[-1])
        done = all(file.exists() for file in newest) and self._untouched.since_last(newest)
        whole = min(count, (begun[-1] + done) * each)
        return min(whole, whole_by_times(image, self._whole)) if self.timed else max(whole, self._whole)


def _files(array: Any, chunks: tuple[int, ...], place: int) -> list[Path]:
    """All that hold a stretch of time."""
    grid = [range(-(-size // chunk)) for size, chunk in zip(array.shape[1:], chunks[1:], strict=True)]
    return [chunk_file(array, (place, *others)) for others in itertools.product(*grid)]
