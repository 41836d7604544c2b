"""What a reader finds in a file: lazy frames, and what the file says of its scale and its clock."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from ionfront.core import MovieError

from .units import length_in_nm, time_in_s

__all__ = ["Clock", "Recording", "Scale", "clock_from_interval", "clock_from_stamps", "lazy_frames", "pixel_scale"]

_LONGEST_EDGE = 1 << 18  # beyond the largest mosaics; a damaged header would otherwise ask for all the memory there is
_NO_ORDER = (
    0.25  # share of the steps that run backwards in frames without any order; a counter is set back now and then
)
_TICKS = 0.5  # of the mean: frames that lie out of order in a file were not taken at intervals much shorter than it
_SQUARE = 0.01  # edges that differ by less are one pixel size; rounding in file headers is far below this


@dataclass(frozen=True)
class Scale:
    """Edge of a square pixel [nm], None where unknown, and where that came from."""

    nm: float | None = None
    source: str = "unknown"


@dataclass(frozen=True)
class Clock:
    """When frames were taken.

    Attributes:
        interval_s: Time between frames [s] (the median where stamps exist); None where unknown.
        stamps_s: Time of each frame [s], shape (n,), none twice; None where only the interval is known. They increase,
            unless frames lie out of their order in the file.
        source: Where that came from.
    """

    interval_s: float | None = None
    stamps_s: NDArray[np.float64] | None = None
    source: str = "unknown"


@dataclass(frozen=True)
class Recording:
    """Frames of a file, shape (time, y, x), one a chunk, with what the file says of them.

    Attributes:
        conversion: How pixels differ from what was recorded (colour to grey); None where they are the same.
        notes: Sentences that a user should see (which of several images was taken, a movie cut short).
        told: Further values of each frame (n,), by name with its unit.
    """

    frames: Any  # dask.array.Array, which has no type hints
    scale: Scale = field(default_factory=Scale)
    clock: Clock = field(default_factory=Clock)
    conversion: str | None = None
    notes: tuple[str, ...] = ()
    told: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def lazy_frames(read: Callable[[int], NDArray[Any]], count: int, shape: tuple[int, int], dtype: np.dtype[Any]) -> Any:
    """A dask array (count, y, x) whose chunk i is `read(i)`; `read` is called when frame i is needed, never before."""
    if count < 1 or min(shape) < 1:
        raise MovieError(
            f"it holds {count} frames of {shape[0]} x {shape[1]} pixels; one pixel in one frame is needed."
        )
    if max(shape) > _LONGEST_EDGE:
        raise MovieError(f"its header promises frames of {shape[0]} x {shape[1]} pixels: a damaged header.")
    native = np.dtype(dtype).newbyteorder("=")
    source = _FrameSource(read, (count, *shape), native)
    return da.from_array(source, chunks=(1, *shape), name=False, asarray=False)


@dataclass(frozen=True)
class _FrameSource:
    """The little that dask asks of an array it reads chunk by chunk."""

    read: Callable[[int], NDArray[Any]]
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    ndim: int = 3

    def __getitem__(self, key: tuple[Any, Any, Any]) -> NDArray[Any]:
        time, y, x = key
        picked = np.arange(self.shape[0])[time]  # dask folds later slices into its keys: an integer, a slice or a list
        if picked.ndim == 0:
            return np.asarray(self._frame(int(picked))[y, x])
        frames = [self._frame(int(index))[y, x] for index in picked]
        return np.stack(frames) if frames else np.empty((0, *self.shape[1:]), self.dtype)[:, y, x]

    def _frame(self, index: int) -> NDArray[Any]:
        frame = np.asarray(self.read(index), self.dtype)
        if frame.shape != self.shape[1:]:
            raise MovieError(f"frame {index} has shape {frame.shape}, but the movie {self.shape[1:]}: damaged file?")
        return frame


def pixel_scale(sizes: Sequence[float], units: Sequence[str], origin: str) -> Scale:
    """Pixel size from a file's two values (y, x); unknown, saying why, unless both are one real-space length."""
    source = f"file: {origin}"
    if not any(unit.strip() for unit in units):
        return Scale()
    factors = [length_in_nm(unit) for unit in units]
    if None in factors:
        stated = " x ".join(f"{size:g} {unit or 'no unit'}" for size, unit in zip(sizes, units, strict=True))
        return Scale(None, f"unknown ({source} states {stated}, which is no length in real space)")
    y_nm, x_nm = (float(size) * float(factor or 0) for size, factor in zip(sizes, factors, strict=True))
    if not (math.isfinite(y_nm) and math.isfinite(x_nm) and min(y_nm, x_nm) > 0):
        return Scale(None, f"unknown ({source} states {y_nm:g} x {x_nm:g} nm)")
    if abs(y_nm - x_nm) > _SQUARE * max(y_nm, x_nm):
        # One number would be wrong along one axis, and every length after it.
        return Scale(None, f"unknown ({source} states {y_nm:g} (y) x {x_nm:g} (x) nm, pixels that are not square)")
    return Scale(x_nm, source)


def clock_from_interval(interval: float, unit: str, origin: str) -> Clock:
    """A clock that ticks evenly; unknown where the unit is no time or the interval is not positive."""
    factor = time_in_s(unit)
    interval_s = float(interval) * factor if factor else math.nan
    if not (math.isfinite(interval_s) and interval_s > 0):
        stated = f"{interval:g} {unit}".strip()
        return Clock() if not unit.strip() else Clock(source=f"unknown (file: {origin} states {stated})")
    return Clock(interval_s, None, f"file: {origin}")


def clock_from_stamps(stamps_s: Sequence[float] | NDArray[Any], origin: str, otherwise: Clock | None = None) -> Clock:
    """A clock from one time stamp a frame [s]; `otherwise` where stamps are missing or cannot be times.

    Frames may lie in a file as chunks, or anyhow, out of their order; a counter that was set back is no clock.
    """
    stamps = np.asarray(stamps_s, float)
    if stamps.size < 2:
        return otherwise or Clock()
    if np.isfinite(stamps).all() and ((np.diff(stamps) > 0).all() or _only_shuffled(stamps)):
        return Clock(float(np.median(np.diff(np.sort(stamps)))), stamps, f"file: {origin}")
    rest = otherwise or Clock()
    return Clock(rest.interval_s, rest.stamps_s, f"{rest.source} (time stamps in {origin} do not increase: not used)")


def _only_shuffled(stamps: NDArray[np.float64]) -> bool:
    """Whether stamps tick once they are sorted, and lie in the file as whole chunks or without any order."""
    steps, falls = np.diff(np.sort(stamps)), np.flatnonzero(np.diff(stamps) < 0)
    if steps.min() <= _TICKS * steps.mean() or falls.size == stamps.size - 1:
        return False
    chunks = sorted(np.split(stamps, falls + 1), key=lambda chunk: float(chunk[0]))
    apart = all(before[-1] < after[0] for before, after in itertools.pairwise(chunks))
    return apart or falls.size > _NO_ORDER * stamps.size
