"""Movies written while they are recorded: an OME-Zarr that grows, and that `open_movie` reads at any moment.

    0             frames (t, y, x)
    t             their times [s]
    dose_e_nm2    electrons for each nm^2 that each cost, NaN where nobody told
    missed        how many were lost before each

The time of a frame is written when all else of it is there: a frame without one does not count.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray
from zarr.codecs import BloscCodec

from ionfront.core import Calibration, MovieError, atomic_output

from .ome import create_frames, write_ome
from .readers import reading
from .readers.zarr_store import open_image, whole_by_times

__all__ = ["MovieStore"]

_BESIDE = {"dose_e_nm2": ("float64", "nm^-2"), "missed": ("int64", "1"), "t": ("float64", "s")}  # times last
_VALUES = 1024  # in a chunk of each of these
_COMPRESSOR = BloscCodec(cname="lz4", clevel=1, shuffle="shuffle")  # half the size for a tenth of the copying time


class MovieStore:
    """Takes frames in order.

    Args:
        path: New, or one that was not finished, which is then gone on with.
        shape: Of a frame (y, x).
        dtype: Of its pixels.

    Attributes:
        count: How many frames are in it.

    Raises:
        MovieError: What is there holds other frames, or none; or a frame is no grey image.
        OSError: It cannot be written.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.count = 0
        if path.exists():
            self.count = _count(path, shape, dtype)
        else:
            _create(path, shape, dtype)
        self._group = zarr.open_group(str(path), mode="r+")
        # zarr leaves frames of zeros out, and one that is missing is a lost one
        self._frames: Any = self._array("0").with_config({"write_empty_chunks": True})
        self._beside: dict[str, Any] = {name: self._array(name) for name in _BESIDE}

    def fits(self, image: NDArray[Any]) -> bool:
        """Whether it is of the right size and type."""
        return bool(image.shape == self._frames.shape[1:] and image.dtype.newbyteorder("=") == self._frames.dtype)

    def append(
        self, images: Sequence[NDArray[Any]], times_s: ArrayLike, doses_e_nm2: ArrayLike, missed: ArrayLike
    ) -> None:
        """Write some frames; all of them or, where that fails, none.

        Args:
            images: Of its shape and type, n of them.
            times_s, doses_e_nm2, missed: Shape (n,); doses are NaN where they are not known.

        Raises:
            OSError: They could not be written. Others may be tried.
        """
        first, last = self.count, self.count + len(images)
        _grow(self._frames, last)
        for number, image in enumerate(images, first):
            self._frames[number] = image
        values = {"dose_e_nm2": doses_e_nm2, "missed": missed, "t": times_s}
        for name, array in self._beside.items():
            _grow(array, last)
            array[first:last] = np.asarray(values[name])
        self.count = last

    def _array(self, name: str) -> Any:
        return self._group[name]

    def describe(self, pixel_size_nm: float | None, zero_s: float) -> None:
        """Write down what holds for all frames.

        Args:
            pixel_size_nm: Edge of a pixel; None where nobody knows.
            zero_s: What the camera's clock showed at the time 0.
        """
        times = np.asarray(self._beside["t"][: self.count])
        interval_s = float(np.median(np.diff(times))) if self.count > 1 else 0.0
        _describe(self._group, Calibration(pixel_size_nm, interval_s if interval_s > 0 else None), zero_s)

    def close(self) -> None:
        """Cut off what was begun and not finished."""
        for array in (self._frames, *self._beside.values()):
            array.resize((self.count, *array.shape[1:]))


def _create(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if len(shape) != 2 or dtype.kind not in "biuf":
        raise MovieError(f"a frame has shape {shape} and type {dtype}; a grey image (y, x) of numbers is needed.")
    with atomic_output(path) as draft:
        group = zarr.open_group(str(draft), mode="w", zarr_format=3)
        create_frames(group, (0, shape[0], shape[1]), dtype.newbyteorder("="), compressors=_COMPRESSOR)
        for name, (kind, unit) in _BESIDE.items():
            group.create_array(
                name,
                shape=(0,),
                chunks=(_VALUES,),
                dtype=kind,
                fill_value=np.nan if kind == "float64" else 0,
                dimension_names=("t",),
                attributes={"units": unit},
                compressors=None,
            )
        _describe(group, Calibration(), 0.0)


def _describe(group: Any, calibration: Calibration, zero_s: float) -> None:
    write_ome(group, calibration, "movie")
    group.attrs["ionfront"] = {"recorded": True, "zero_s": zero_s}


def _count(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    with reading(path, "a movie to go on with"):
        image = open_image(path)
        array = image.array
        if not image.own.get("recorded") or array.shape[1:] != shape or array.dtype != dtype.newbyteorder("="):
            raise MovieError(
                f"{path} holds frames of {array.shape[1:]} pixels of {array.dtype}, and {shape} of {dtype} come: "
                "choose another place for them."
            )
        return whole_by_times(image)


def _grow(array: Any, count: int) -> None:
    if array.shape[0] < count:
        array.resize((count, *array.shape[1:]))
