"""NumPy arrays on disk, memory mapped."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import MovieError

from ..grey import check_dtype, describe_conversion, grey_dtype, to_grey
from ..recording import Recording, lazy_frames
from .failures import reading

__all__ = ["read_npy"]


def read_npy(path: Path) -> Recording:
    """An array (y, x), (time, y, x), or with RGB or RGBA last; NumPy files carry no calibration."""
    with reading(path, "a NumPy array"):
        stack = _as_stack(_open(path))
        check_dtype(stack.dtype)
        if stack.size == 0:
            raise MovieError(f"{path} is empty: its array has shape {stack.shape}.")
        shape = (stack.shape[1], stack.shape[2])
        frames = lazy_frames(partial(_read_frame, path), stack.shape[0], shape, grey_dtype(stack.dtype))
        return Recording(frames, conversion=describe_conversion(stack.dtype, stack.shape[3] if stack.ndim == 4 else 1))


def _read_frame(path: Path, index: int) -> NDArray[Any]:
    with reading(path, "a NumPy array"):
        return to_grey(np.array(_as_stack(_open(path))[index]))


def _open(path: Path) -> NDArray[Any]:
    # Pickled objects can run any code when they are loaded: never.
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _as_stack(array: NDArray[Any]) -> NDArray[Any]:
    """The array as (time, y, x) or (time, y, x, channels)."""
    is_colour = array.ndim >= 3 and array.shape[-1] in (3, 4) and array.dtype == np.uint8
    match array.ndim - is_colour:
        case 2:
            return array[np.newaxis]
        case 3:
            return array
        case _:
            raise MovieError(f"its array has shape {array.shape}; (y, x) or (time, y, x) is needed.")
