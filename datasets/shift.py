"""Images moved by parts of a pixel, between their pixels' values."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["shifted"]

Floats = NDArray[np.float32]


def shifted(images: NDArray[Any], shift_px: ArrayLike) -> Floats:
    """Images moved by (y, x), bilinear; what comes in from outside is as the pixels at the border.

    It gives what `scipy.ndimage.shift(order=1, mode="nearest")` does, several times faster: all pixels lie equally far
    between two along each axis.

    Args:
        images: Shape (..., y, x).
        shift_px: (y, x).
    """
    moved = np.asarray(images, np.float32)
    for axis, way_px in zip((-2, -1), np.asarray(shift_px, float), strict=True):
        if way_px:
            moved = _along(moved, axis, float(way_px))
    return moved


def _along(images: Floats, axis: int, way_px: float) -> Floats:
    whole = math.floor(-way_px)
    part = np.float32(-way_px - whole)
    moved = np.empty_like(images)
    old, new = np.moveaxis(images, axis, 0), np.moveaxis(moved, axis, 0)
    last = len(old) - 1
    first = min(max(0, -whole), last + 1)  # from here to there both neighbours are inside
    end = max(first, min(last + 1, last - whole))
    low, high = old[first + whole : end + whole], old[first + whole + 1 : end + whole + 1]
    np.subtract(high, low, out=new[first:end])
    new[first:end] *= part
    new[first:end] += low
    new[:first], new[end:] = old[0], old[last]
    return moved
