"""An MRC stack that another program is writing."""

import warnings
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np

from ionfront.core import MovieError

from ..grey import check_dtype
from .failures import reading
from .growing import Found
from .mrc import mrc_scale, read_section

__all__ = ["GrowingMrc"]

_HEADER_BYTES = 1024


class GrowingMrc:
    """Sections as far as the file reaches; its header may say less until it is finished.

    Attributes:
        pixel_size_nm: As its header has it.
        timed: Whether it holds times.
    """

    timed = False

    def __init__(self, path: Path) -> None:
        self._path = path
        with reading(path, "an MRC file"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of the length, which is not yet what the header says
            with mrcfile.open(path, header_only=True, permissive=True) as mrc:
                header = mrc.header
                self._dtype: np.dtype[Any] = mrcfile.utils.data_dtype_from_header(header)
                self._shape = (int(header.ny), int(header.nx))
                self._offset = _HEADER_BYTES + int(header.nsymbt)
                self.pixel_size_nm = mrc_scale(mrc).nm
        check_dtype(self._dtype)
        if min(self._shape) < 1:
            raise MovieError(f"{path} has frames of {self._shape} pixels: its header is not written yet.")

    def begin_after(self, passed: int) -> int:
        """The number of the first frame to take, when so many have gone by."""
        return passed

    def whole(self) -> int:
        """How many frames are whole."""
        each = self._shape[0] * self._shape[1] * self._dtype.itemsize
        with reading(self._path, "an MRC file"):
            return max(0, self._path.stat().st_size - self._offset) // each

    def frame(self, number: int) -> Found:
        """One of them."""
        return Found(read_section(self._path, self._dtype, self._offset, self._shape, number))
