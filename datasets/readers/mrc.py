"""MRC stacks, through mrcfile, memory mapped."""

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from numpy.typing import NDArray

from ionfront.core import MovieError

from ..grey import check_dtype
from ..recording import Clock, Recording, Scale, clock_from_stamps, lazy_frames, pixel_scale
from .failures import reading

__all__ = ["mrc_scale", "read_mrc", "read_section"]

_S_PER_DAY = 86400.0


def read_mrc(path: Path) -> Recording:
    """A stack of sections as a movie.

    MRC says nothing of time, except in FEI extended headers, which hold one time stamp a frame.
    """
    with reading(path, "an MRC file"), _opened(path) as mrc:
        if mrc.data is None:
            raise MovieError(f"{path} is no MRC file, or its header is damaged.")
        stack = _as_stack(mrc.data)
        check_dtype(stack.dtype)
        if stack.size == 0:
            raise MovieError(f"{path} is empty: {stack.shape} pixels.")
        shape = (stack.shape[1], stack.shape[2])
        read = partial(read_section, path, stack.dtype, mrc.data.offset, shape)
        frames = lazy_frames(read, stack.shape[0], shape, stack.dtype)
        return Recording(frames, mrc_scale(mrc), _clock(mrc, stack.shape[0]))


def _opened(path: Path) -> Any:
    with warnings.catch_warnings():
        # Permissive mode warns of every header that bends the standard; Direct Electron's lack the "MAP " id.
        warnings.simplefilter("ignore", RuntimeWarning)
        return mrcfile.mmap(path, mode="r", permissive=True)


def read_section(path: Path, dtype: np.dtype[Any], offset: int, shape: tuple[int, int], index: int) -> NDArray[Any]:
    """One section (y, x) of those that begin at `offset`."""
    # mrcfile has said where the pixels lie. Opening it anew for each frame would also change the warning filters of
    # the process, which threads share.
    with reading(path, "an MRC file"):
        start = offset + index * shape[0] * shape[1] * dtype.itemsize
        return np.array(np.memmap(path, dtype, "r", start, shape))


def _as_stack(data: NDArray[Any]) -> NDArray[Any]:
    match data.ndim:
        case 2:
            return data[np.newaxis]
        case 3:
            return data
        case _:
            raise MovieError(f"it is a stack of volumes, shape {data.shape}; a stack of images is needed.")


def mrc_scale(mrc: Any) -> Scale:
    """What an open file says of its pixel size."""
    voxel = mrc.voxel_size
    sizes = [float(voxel.y), float(voxel.x)]
    if min(sizes) <= 0:  # 0 is the standard's "unknown"; Direct Electron writes -10
        return Scale(None, f"unknown (file: MRC header states {sizes[1]:g} Å)")
    if sizes == [1.0, 1.0]:
        # Programs that know no pixel size write a cell as large as the grid, which reads as 1 Å exactly.
        return Scale(
            None, "unknown (file: MRC header states exactly 1 Å, which is what is written when nothing is known)"
        )
    return pixel_scale(sizes, ["Å", "Å"], "MRC header")


def _clock(mrc: Any, count: int) -> Clock:
    if mrc.header.exttyp not in (b"FEI1", b"FEI2"):
        return Clock()
    header = mrc.indexed_extended_header
    if header is None or len(header) < count or "Timestamp" not in (header.dtype.names or ()):
        return Clock()
    days = header["Timestamp"][:count].astype(float)  # OLE automation date: days, so frames start at zero here
    return clock_from_stamps((days - days[0]) * _S_PER_DAY, "FEI extended header")
