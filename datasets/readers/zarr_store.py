"""Zarr arrays and OME-Zarr images, a frame at a time.

An array that is named as the first axis of the frames, and has a unit of time, holds their times, as xarray has it.
"""

import itertools
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ionfront.core import MovieError

from ..grey import check_dtype, describe_conversion, grey_dtype, to_grey
from ..recording import Clock, Recording, Scale, clock_from_interval, clock_from_stamps, lazy_frames, pixel_scale
from ..units import time_in_s
from .failures import reading

__all__ = ["StoredImage", "chunk_file", "is_zarr", "open_image", "read_stored_frame", "read_zarr", "stored_scale"]
__all__ += ["whole_by_times"]

_MARKS = ("zarr.json", ".zgroup", ".zarray")


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr store."""
    return path.is_dir() and any((path / mark).exists() for mark in _MARKS)


def read_zarr(path: Path) -> Recording:
    """The full-resolution image of an OME-Zarr, or the one image array of another Zarr store."""
    with reading(path, "a Zarr store"):
        image = open_image(path)
        return _recorded(image) if image.own.get("recorded") else _recording(image)


@dataclass(frozen=True)
class StoredImage:
    """An array of frames, and what is known of it.

    Attributes:
        array: The frames.
        axes: One letter an axis ("tcyx").
        steps: Scale and unit of each axis; empty where unknown.
        own: What IonFront itself wrote: see labelmovie.py and moviestore.py.
        beside: Arrays (n,) that lie with it, by name.
        times: The one of them that holds times; None where there is none.
    """

    array: Any
    axes: str
    steps: tuple[tuple[float, str], ...] = ()
    own: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    times: Any = None

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis, by its letter.

        Raises:
            MovieError: It is no image.
        """
        axes, shape = self.axes, self.array.shape
        if len(axes) != len(shape) or not {"y", "x"} <= set(axes):
            raise MovieError(f"its array has shape {shape} and axes {axes}; y and x are needed, and time if a movie.")
        return dict(zip(axes, shape, strict=True))

    def times_s(self, first: int = 0, last: int | None = None) -> NDArray[np.float64]:
        """Times of these frames, as far as there are any."""
        if self.times is None:
            return np.empty(0)
        return np.asarray(self.times[first:last], float) * float(time_in_s(self.times.attrs["units"]) or 1.0)

    @property
    def frame_axis(self) -> str:
        """The letter of the axis along which frames lie.

        Raises:
            MovieError: There are several.
        """
        long = [axis for axis, size in self.sizes.items() if axis not in "yxs" and size != 1]
        if len(long) > 1 or "c" in long:
            raise MovieError(
                f"it has axes {self.axes} of {self.array.shape}; one image a frame along one axis is needed."
            )
        return long[0] if long else "t"


def open_image(path: Path) -> StoredImage:
    """What `read_zarr` reads, as it is now."""
    if not is_zarr(path):
        raise MovieError(f"{path} is no Zarr store: it has none of {', '.join(_MARKS)}.")
    node = zarr.open(store=str(path), mode="r")
    if isinstance(node, zarr.Array):
        return StoredImage(node, _guess_axes(node.shape))
    attrs: dict[str, Any] = dict(node.attrs.asdict())
    multiscales = attrs.get("ome", attrs).get("multiscales")
    image = _from_multiscales(node, multiscales[0]) if multiscales else _only_array(node)
    beside = {name: array for name, array in node.arrays() if array.ndim == 1}
    times = beside.get(_first_axis(image.array))
    if times is not None and time_in_s(str(times.attrs.get("units", ""))) is None:
        times = None
    return replace(image, own=attrs.get("ionfront", {}), beside=beside, times=times)


def whole_by_times(image: StoredImage, first: int = 0) -> int:
    """How many frames have a time, which IonFront writes when the frame is there; the first ones are known to."""
    known = np.append(np.isfinite(image.times_s(first)), False)
    return min(first + int(known.argmin()), int(image.array.shape[0]))


def chunk_file(array: Any, place: tuple[int, ...]) -> Path:
    """Where a chunk, or a shard, lies, by its place among them."""
    return Path(array.store.root, array.path, array.metadata.encode_chunk_key(place))


def read_stored_frame(array: Any, axes: str, frame_axis: str, index: int) -> NDArray[Any]:
    """A frame (y, x)."""
    with reading(Path(str(array.store_path)), "a Zarr array"):
        key = tuple(slice(None) if axis in "yxs" else (index if axis == frame_axis else 0) for axis in axes)
        kept = "".join(axis for axis in axes if axis in "yxs")
        image = np.asarray(array[key])
        return to_grey(np.transpose(image, [kept.index(axis) for axis in "yxs" if axis in kept]))


def stored_scale(image: StoredImage) -> Scale:
    """Its pixel size."""
    y, x = (_step(image, axis) for axis in "yx")
    return pixel_scale([y[0], x[0]], [y[1], x[1]], _origin(image.own.get("pixel_size_source")))


def _from_multiscales(group: Any, multiscale: dict[str, Any]) -> StoredImage:
    axes = multiscale.get("axes", [])
    # Before 0.4, axes were plain names, and before 0.3 they were always tczyx.
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in axes] or [{"name": n} for n in "tczyx"]
    dataset = multiscale["datasets"][0]
    factors = np.ones(len(axes))
    for owner in (dataset, multiscale):
        for transform in owner.get("coordinateTransformations", []):
            if transform["type"] == "scale":
                factors = factors * np.asarray(transform["scale"], float)
    names = "".join(str(axis["name"])[0].lower() for axis in axes)
    steps = zip(factors.tolist(), [str(axis.get("unit", "")) for axis in axes], strict=True)
    return StoredImage(group[dataset["path"]], names, tuple(steps))


def _only_array(group: Any) -> StoredImage:
    arrays = {name: array for name, array in group.arrays() if array.ndim >= 2}
    if len(arrays) != 1:
        raise MovieError(
            f"it holds {len(arrays)} image arrays ({', '.join(sorted(arrays)) or 'none'}) and no OME metadata; "
            "name the array itself (STORE.zarr/ARRAY)."
        )
    array = next(iter(arrays.values()))
    return StoredImage(array, _guess_axes(array.shape))


def _guess_axes(shape: tuple[int, ...]) -> str:
    return {2: "yx", 3: "tyx"}.get(len(shape), "?" * len(shape))


def _first_axis(array: Any) -> str:
    """Its name, in Zarr 3 or as xarray keeps it in Zarr 2."""
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    return str(names[0]) if names else ""


def _recording(image: StoredImage) -> Recording:
    array, axes, sizes, frame_axis = image.array, image.axes, image.sizes, image.frame_axis
    check_dtype(array.dtype)
    count = sizes.get(frame_axis, 1)
    if image.own:
        _check_chunks(array, count)
    read = partial(read_stored_frame, array, axes, frame_axis)
    frames = lazy_frames(read, count, (sizes["y"], sizes["x"]), grey_dtype(array.dtype))
    conversion = describe_conversion(array.dtype, sizes.get("s", 1))
    return Recording(frames, stored_scale(image), _clock(image, count), conversion)


def _recorded(image: StoredImage) -> Recording:
    """A movie that was recorded, or is being: frames that are whole, and whose times come after all before them."""
    array, count = image.array, whole_by_times(image)
    check_dtype(array.dtype)
    _check_chunks(array, count)
    times_s = image.times_s(0, count)
    read = partial(read_stored_frame, array, image.axes, "t")
    frames = lazy_frames(read, count, array.shape[1:], grey_dtype(array.dtype))
    kept = np.flatnonzero(times_s > np.maximum.accumulate(np.append(-np.inf, times_s))[:-1])
    left_out = count - kept.size
    dose, missed = (np.asarray(image.beside[name][:count]) for name in ("dose_e_nm2", "missed"))
    told = {"missed": np.diff(np.cumsum(missed)[kept], prepend=0) + np.diff(kept, prepend=-1) - 1}
    if np.isfinite(dose).any():
        told["dose_e_nm2"] = dose[kept]
    return Recording(
        frames[kept] if left_out else frames,
        stored_scale(image),
        clock_from_stamps(times_s[kept], "OME-Zarr"),
        describe_conversion(array.dtype, 1),
        notes=(f"{left_out} of {count} frames are left out: their times do not rise.",) if left_out else (),
        told=told,
    )


def _check_chunks(array: Any, count: int) -> None:
    """Zarr reads a missing chunk as zeros. IonFront writes every chunk, so in its own stores a missing one is lost."""
    files = array.shards or array.chunks
    shape = (count, *array.shape[1:])
    needed = list(itertools.product(*(range(-(-size // edge)) for size, edge in zip(shape, files, strict=True))))
    lost = sum(not chunk_file(array, place).exists() for place in needed)
    if lost:
        raise MovieError(f"{lost} of its {len(needed)} files are missing; copy the whole folder again.")


def _clock(image: StoredImage, count: int) -> Clock:
    origin = _origin(image.own.get("frame_time_source"))
    interval = clock_from_interval(*_step(image, "t"), origin)
    stamps = image.own.get("time_s", []) if image.times is None else image.times_s()
    return clock_from_stamps(stamps, origin, interval) if len(stamps) == count > 1 else interval


def _step(image: StoredImage, axis: str) -> tuple[float, str]:
    return dict(zip(image.axes, image.steps, strict=False)).get(axis, (0.0, ""))


def _origin(recorded: str | None) -> str:
    return f"OME-Zarr ({recorded})" if recorded else "OME-Zarr"
