"""Zarr arrays and OME-Zarr images, a frame at a time."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from ionfront.core import MovieError

from ..grey import check_dtype, describe_conversion, grey_dtype, to_grey
from ..recording import Clock, Recording, Scale, clock_from_interval, clock_from_stamps, lazy_frames, pixel_scale
from .failures import reading

__all__ = ["is_zarr", "read_zarr"]

_MARKS = ("zarr.json", ".zgroup", ".zarray")


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr store."""
    return path.is_dir() and any((path / mark).exists() for mark in _MARKS)


def read_zarr(path: Path) -> Recording:
    """The full-resolution image of an OME-Zarr, or the one image array of another Zarr store."""
    with reading(path, "a Zarr store"):
        if not is_zarr(path):
            raise MovieError(f"{path} is no Zarr store: it has none of {', '.join(_MARKS)}.")
        node = zarr.open(store=str(path), mode="r")
        if isinstance(node, zarr.Array):
            return _recording(_Image(node, "", ()), {})
        attrs: dict[str, Any] = dict(node.attrs.asdict())
        multiscales = attrs.get("ome", attrs).get("multiscales")
        image = _from_multiscales(node, multiscales[0]) if multiscales else _only_array(node)
        if "ionfront" in attrs:
            _check_chunks(image.array)
        return _recording(image, attrs)


def _check_chunks(array: Any) -> None:
    """Zarr reads a missing chunk as zeros. IonFront writes every chunk, so in its own stores a missing one is lost."""
    lost = array.nchunks - array.nchunks_initialized
    if lost:
        raise MovieError(f"{lost} of its {array.nchunks} chunks are missing; copy the whole folder again.")


@dataclass(frozen=True)
class _Image:
    """An array, one letter an axis ("tcyx"; "" unknown), and scale and unit of each axis."""

    array: Any
    axes: str
    steps: tuple[tuple[float, str], ...]


def _from_multiscales(group: Any, multiscale: dict[str, Any]) -> _Image:
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
    return _Image(group[dataset["path"]], names, tuple(steps))


def _only_array(group: Any) -> _Image:
    arrays = {name: array for name, array in group.arrays() if array.ndim >= 2}
    if len(arrays) != 1:
        raise MovieError(
            f"it holds {len(arrays)} image arrays ({', '.join(sorted(arrays)) or 'none'}) and no OME metadata; "
            "name the array itself (STORE.zarr/ARRAY)."
        )
    return _Image(next(iter(arrays.values())), "", ())


def _recording(image: _Image, attrs: dict[str, Any]) -> Recording:
    array = image.array
    check_dtype(array.dtype)
    axes = image.axes or _guess_axes(array.shape)
    if len(axes) != array.ndim or not {"y", "x"} <= set(axes):
        raise MovieError(f"its array has shape {array.shape} and axes {axes}; y and x are needed, and time if a movie.")
    sizes = dict(zip(axes, array.shape, strict=True))
    channels = sizes.get("s", 1)
    long = [axis for axis, size in sizes.items() if axis not in "yxs" and size != 1]
    if len(long) > 1 or "c" in long:
        raise MovieError(f"it has axes {axes} of {array.shape}; one image a frame along one axis is needed.")
    frame_axis = long[0] if long else "t"
    count = sizes.get(frame_axis, 1)
    read = partial(_read_frame, array, axes, frame_axis)
    frames = lazy_frames(read, count, (sizes["y"], sizes["x"]), grey_dtype(array.dtype))
    scale, clock = _calibration(image, axes, attrs, count)
    return Recording(frames, scale, clock, describe_conversion(array.dtype, channels))


def _guess_axes(shape: tuple[int, ...]) -> str:
    return {2: "yx", 3: "tyx"}.get(len(shape), "?" * len(shape))


def _calibration(image: _Image, axes: str, attrs: dict[str, Any], count: int) -> tuple[Scale, Clock]:
    steps = dict(zip(axes, image.steps, strict=False))
    y, x, t = (steps.get(axis, (0.0, "")) for axis in "yxt")
    own = attrs.get("ionfront", {})  # what IonFront itself wrote: see labelmovie.py
    scale = pixel_scale([y[0], x[0]], [y[1], x[1]], _origin(own.get("pixel_size_source")))
    origin = _origin(own.get("frame_time_source"))
    interval = clock_from_interval(t[0], t[1], origin)
    stamps = own.get("time_s", [])
    return scale, clock_from_stamps(stamps, origin, interval) if len(stamps) == count > 1 else interval


def _origin(recorded: str | None) -> str:
    return f"OME-Zarr ({recorded})" if recorded else "OME-Zarr"


def _read_frame(array: Any, axes: str, frame_axis: str, index: int) -> NDArray[Any]:
    with reading(Path(str(array.store_path)), "a Zarr array"):
        key = tuple(slice(None) if axis in "yxs" else (index if axis == frame_axis else 0) for axis in axes)
        kept = "".join(axis for axis in axes if axis in "yxs")
        image = np.asarray(array[key])
        return to_grey(np.transpose(image, [kept.index(axis) for axis in "yxs" if axis in kept]))
