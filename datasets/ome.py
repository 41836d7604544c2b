"""OME-Zarr (version 0.5) as IonFront writes it: axes t, y, x with units and scale, one frame a chunk, in tiles.

Movies that are written in one go have many chunks in a file, a shard: ten thousand frames need not be as many files.
"""

from typing import Any

import numpy as np
from ome_zarr_models.v05.axes import Axis
from ome_zarr_models.v05.image import ImageAttrs
from ome_zarr_models.v05.multiscales import Dataset, Multiscale

from ionfront.core import Calibration

__all__ = ["create_frames", "write_ome"]

_TILE = 1024
_SHARD = 2**26  # bytes, before compression


def create_frames(
    group: Any, shape: tuple[int, int, int], dtype: Any, *, name: str = "0", sharded: bool = False, **options: Any
) -> Any:
    """The array of frames (t, y, x) in a group, with what else `zarr.Group.create_array` may be told.

    Args:
        name: Of the array.
        sharded: Whether whole frames, as many as 64 MiB hold, share a file; they are then to be written together.
    """
    chunks = (1, min(_TILE, shape[1]), min(_TILE, shape[2]))
    sides = [-(-side // chunk) * chunk for side, chunk in zip(shape[1:], chunks[1:], strict=True)]
    fitting = _SHARD // (sides[0] * sides[1] * np.dtype(dtype).itemsize)
    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        **({"shards": (min(max(1, fitting), shape[0]), *sides)} if sharded else {}),
        dtype=dtype,
        dimension_names=("t", "y", "x"),
        config={"write_empty_chunks": True},  # so that a missing chunk is a lost one, never background
        **options,
    )


def write_ome(group: Any, calibration: Calibration, name: str) -> None:
    """What the standard wants to know of them; unknown scales have no unit, so that they are read as unknown."""
    second = None if calibration.frame_time_s is None else "second"
    nanometer = None if calibration.pixel_size_nm is None else "nanometer"
    axes = [Axis(name="t", type="time", unit=second), *(Axis(name=n, type="space", unit=nanometer) for n in "yx")]
    # The standard demands a scale: 1 without a unit says "one index a step", and is read back as unknown.
    scale = [calibration.frame_time_s or 1.0, *[calibration.pixel_size_nm or 1.0] * 2]
    dataset = Dataset.build(path="0", scale=scale, translation=None)
    image = ImageAttrs(version="0.5", multiscales=[Multiscale(axes=axes, datasets=(dataset,), name=name)])
    group.attrs["ome"] = image.model_dump(mode="json", exclude_none=True)
