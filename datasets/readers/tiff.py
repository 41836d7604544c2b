"""TIFF stacks (OME, ImageJ, DigitalMicrograph, Olympus, plain), through tifffile, a page at a time."""

import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ionfront.core import MovieError

from ..grey import check_dtype, describe_conversion, grey_dtype, to_grey
from ..recording import Recording, lazy_frames
from .failures import reading
from .tiff_calibration import tiff_calibration

__all__ = ["logged_errors", "read_tiff"]

# What tifffile logs when it loses the chain of pages, or finds fewer than the file says it has.
_BROKEN = ("invalid page offset", "corrupted", "failed to reshape")
_MOST_CHANNELS = 4


def read_tiff(path: Path) -> Recording:
    """The images of a TIFF file as a movie, with the calibration that its dialect of TIFF holds."""
    with reading(path, "a TIFF file"), _opened(path) as tiff:
        index, note = _choose_series(tiff.series)
        series = tiff.series[index]
        count, frame_axis, channels = _layout(series)
        check_dtype(series.dtype)
        _check_whole(series, path)
        height, width = (series.shape[series.axes.index(axis)] for axis in "YX")
        frames = lazy_frames(_Pages(path, index), count, (height, width), grey_dtype(series.dtype))
        scale, clock = tiff_calibration(tiff, index, frame_axis, count)
        if frame_axis == "C" and count > 1:
            note = (*note, f"its {count} channels were taken as frames")
        return Recording(frames, scale, clock, describe_conversion(series.dtype, channels), note)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An open TiffFile whose chain of pages is known to be whole: tifffile logs a broken one and reads on."""
    with logged_errors() as errors, tifffile.TiffFile(path) as tiff:
        if not tiff.series:
            raise MovieError(f"{path} holds no image.")
        len(tiff.pages)  # walks the chain of pages to its end
        if any(sign in error for error in errors for sign in _BROKEN):
            raise MovieError(
                f"{path} is cut short or damaged: {len(tiff.pages)} pages can be found, and then the chain breaks. "
                "Copy it again from the microscope; if the recording broke off, save what is left as a new stack."
            )
        yield tiff


@contextmanager
def logged_errors() -> Iterator[list[str]]:
    """What tifffile logs as an error in this thread, collected."""
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    thread = threading.get_ident()

    def collect(record: logging.LogRecord) -> None:
        if record.thread == thread:
            errors.append(record.getMessage())

    handler.emit = collect  # type: ignore[method-assign]
    logger = tifffile.logger()
    logger.addHandler(handler)
    try:
        yield errors
    finally:
        logger.removeHandler(handler)


def _choose_series(all_series: list[Any]) -> tuple[int, tuple[str, ...]]:
    """The images that are data: grey before colour (Olympus puts a coloured preview first), then the most pixels."""
    ranks = [("S" not in series.axes, int(np.prod(series.shape)), -i) for i, series in enumerate(all_series)]
    best = max(range(len(ranks)), key=ranks.__getitem__)
    if len(all_series) == 1:
        return best, ()
    return best, (f"image series {best + 1} of {len(all_series)} was taken: the largest that is not a colour preview",)


def _layout(series: Any) -> tuple[int, str | None, int]:
    """How many frames, along which axis, and how many channels each pixel has."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    if not {"Y", "X"} <= sizes.keys():
        raise MovieError(f"its axes are {series.axes}; an image needs Y and X.")
    channels = int(sizes.pop("S", 1))
    long = {axis: int(n) for axis, n in sizes.items() if axis not in "YX" and n > 1}
    if len(long) > 1 or 1 < long.get("C", 1) <= _MOST_CHANNELS:
        raise MovieError(
            f"it has axes {series.axes} of {series.shape}; IonFront reads one image a frame along one axis. "
            "Save the one channel, plane or series to analyse as a stack of its own."
        )
    if not long:
        return 1, next((axis for axis in "TZ" if axis in sizes), None), channels
    # A long axis of "channels" is a movie saved without naming its axes: ImageJ and tifffile then say C.
    axis, count = next(iter(long.items()))
    return count, axis, channels


def _check_whole(series: Any, path: Path) -> None:
    size = path.stat().st_size
    offset = series.dataoffset
    if offset is not None:
        if offset + series.nbytes > size:
            raise MovieError(_cut_short(path, offset + series.nbytes, size))
        return
    if any(page is None for page in series.pages):
        raise MovieError(f"{path} lacks pages that its metadata promises; it may be one of several files, or damaged.")
    for page in (series.pages[0], series.pages[len(series.pages) - 1]):
        _check_page(page, path, size)


def _check_page(page: Any, path: Path, size: int) -> None:
    # tifffile fills segments that are missing with zeros, which would pass for a dark frame.
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if min(page.databytecounts, default=0) == 0 or max(ends) > size:
        raise MovieError(_cut_short(path, max(ends, default=0), size))


def _cut_short(path: Path, needed: int, size: int) -> str:
    return (
        f"{path} is cut short or has empty pages: its frames reach to byte {needed}, and it has {size}. "
        "Copy it again from the microscope, or save what is left as a new stack."
    )


class _Pages:
    """Reads frame i of a TIFF file; keeps it open, and opens it anew in every process."""

    def __init__(self, path: Path, series: int) -> None:
        self._path, self._index = path, series
        self._lock = threading.Lock()
        self._series: Any = None

    def __reduce__(self) -> tuple[type["_Pages"], tuple[Path, int]]:
        return _Pages, (self._path, self._index)

    def __call__(self, index: int) -> NDArray[Any]:
        with reading(self._path, "a TIFF file"):
            # tifffile's page cache and file position are shared: one frame at a time.
            with self._lock:
                image, axes = self._read(index)
            return to_grey(np.moveaxis(image, axes.index("S"), -1) if "S" in axes else image)

    def _read(self, index: int) -> tuple[NDArray[Any], str]:
        """Frame `index` and its axes: YX, YXS or SYX."""
        series = self._opened_series()
        page = series.keyframe
        axes = "".join(axis for axis in page.axes if axis in "YXS")
        shape = tuple(n for axis, n in zip(page.axes, page.shape, strict=True) if axis in "YXS")
        if series.dataoffset is not None:
            dtype = series.dtype.newbyteorder(series.parent.byteorder)
            offset = series.dataoffset + index * int(np.prod(shape)) * dtype.itemsize
            return np.array(np.memmap(self._path, dtype, "r", offset, shape)), axes
        page = series.pages[index]
        _check_page(page, self._path, self._path.stat().st_size)
        return page.asarray().reshape(shape), axes

    def _opened_series(self) -> Any:
        if self._series is None:
            with logged_errors():  # what tifffile says of odd tags has been judged when the movie was opened
                tiff = tifffile.TiffFile(self._path)
                weakref.finalize(self, tiff.close)
                self._series = tiff.series[self._index]
        return self._series
