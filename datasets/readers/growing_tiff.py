"""A TIFF of many pages that another program is writing, through tifffile."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from ..grey import check_dtype, to_grey
from .failures import reading
from .growing import Found, Untouched
from .tiff import logged_errors
from .tiff_calibration import tiff_calibration

__all__ = ["GrowingTiff"]

_MOST_TAGS = 4096  # in a directory of a page; more are bytes of something else


class GrowingTiff:
    """Pages as far as their chain reaches and their pixels are there.

    A page is whole when another one follows, or when the file has been left alone from one look to the next.

    Attributes:
        pixel_size_nm: As its first page has it.
        timed: Whether it holds times.
    """

    timed = False

    def __init__(self, path: Path) -> None:
        self._path, self._untouched = path, Untouched()
        with self._opened() as tiff:
            first = tiff.pages.first
            check_dtype(first.dtype)
            self._offsets: list[int] = [first.offset]  # of the pages' directories
            self.pixel_size_nm = _stated_nm(tiff)

    def begin_after(self, passed: int) -> int:
        """The number of the first frame to take, when so many have gone by."""
        return passed

    def whole(self) -> int:
        """How many frames are whole."""
        untouched = self._untouched.since_last([self._path])
        with self._opened() as tiff:
            while _has_pixels(tiff, self._offsets[-1]) and (following := _following(tiff, self._offsets[-1])):
                self._offsets.append(following)
            last = untouched and _has_pixels(tiff, self._offsets[-1])
        return len(self._offsets) - 1 + last

    def frame(self, number: int) -> Found:
        """One of them."""
        with self._opened() as tiff:
            page = _page(tiff, self._offsets[number])
            image = np.asarray(page.asarray())
            return Found(to_grey(np.moveaxis(image, 0, -1) if page.axes == "SYX" else image))

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Anew each time: what was read of it may have been written since."""
        with reading(self._path, "a TIFF file"), logged_errors(), tifffile.TiffFile(self._path) as tiff:
            yield tiff


def _following(tiff: Any, offset: int) -> int:
    """Where the directory of the next page lies; 0 where it is not whole yet."""
    pointer = _pointer(tiff, offset)
    return pointer if pointer and _pointer(tiff, pointer) is not None else 0


def _pointer(tiff: Any, offset: int) -> int | None:
    """What a directory ends with: where the next one lies; None where it is not whole yet."""
    file, form = tiff.filehandle, tiff.tiff
    file.seek(offset)
    count = file.read(form.tagnosize)
    tags = struct.unpack(form.tagnoformat, count)[0] if len(count) == form.tagnosize else 0
    if not 0 < tags < _MOST_TAGS:
        return None
    file.seek(offset + form.tagnosize + tags * form.tagsize)
    pointer = file.read(form.offsetsize)
    return int(struct.unpack(form.offsetformat, pointer)[0]) if len(pointer) == form.offsetsize else None


def _has_pixels(tiff: Any, offset: int) -> bool:
    try:
        page = _page(tiff, offset)
    except Exception:  # tifffile raises anything at all on a directory that is being written
        return False
    ends = [start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=False) if count]
    return len(ends) == len(page.dataoffsets) > 0 and max(ends) <= tiff.filehandle.size


def _page(tiff: Any, offset: int) -> Any:
    tiff.filehandle.seek(offset)
    return tifffile.TiffPage(tiff, index=0)


def _stated_nm(tiff: Any) -> float | None:
    try:
        return tiff_calibration(tiff, 0, None, 1)[0].nm
    except Exception:  # what is told of all pages is often written last
        return None
