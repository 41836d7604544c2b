"""Synthetic movies on disk: the movie, its exact labels, arrival times and rate laws, side by side."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ionfront.core import DEFAULT_SCHEME, Calibration, atomic_output

from ..labelmovie import write_label_zarr
from .scene import Scene

__all__ = ["write_synthetic"]


def write_synthetic(scene: Scene, folder: Path, name: str, *, overwrite: bool = False) -> Path:
    """Write one experiment into a folder of its own, `folder/name`, and return the movie's path.

    The folder holds `movie.ome.tif` (with pixel size and frame times), `labels.zarr` (OME-Zarr),
    `arrival.tif` (float32, one page a front, s; NaN where never reached; in the frame of the unreacted particle)
    and `truth.json`.

    Raises:
        OutputExistsError: The folder exists and `overwrite` was not asked for.
    """
    place = folder / name
    with atomic_output(place, overwrite=overwrite) as draft:
        draft.mkdir()
        _write_frames(scene, draft)
        if scene.fronts:
            arrivals = np.stack([front.arrival_s for front in scene.fronts])
            arrivals = np.where(np.isfinite(arrivals), arrivals, np.nan).astype(np.float32)
            tifffile.imwrite(draft / "arrival.tif", arrivals, compression="zlib", photometric="minisblack")
        (draft / "truth.json").write_text(json.dumps(scene.truth(), indent=2) + "\n", encoding="utf-8")
    return place / "movie.ome.tif"


def _write_frames(scene: Scene, folder: Path) -> None:
    shape = (len(scene), *scene.inside.shape)
    interval = float(scene.time_s[1] - scene.time_s[0]) if len(scene) > 1 else None
    calibration = Calibration(scene.pixel_size_nm, interval, "synthetic", "synthetic")
    with write_label_zarr(folder / "labels.zarr", shape, DEFAULT_SCHEME, calibration, scene.time_s) as labels:

        def images() -> Iterator[NDArray[Any]]:
            for index in range(len(scene)):
                image, label = scene.frame(index)
                labels.append(label)
                yield image

        tifffile.imwrite(
            folder / "movie.ome.tif",
            images(),
            shape=shape,
            dtype=scene.camera.detector.dtype,
            ome=True,
            metadata=_ome_metadata(scene, interval),
            photometric="minisblack",
        )


def _ome_metadata(scene: Scene, interval_s: float | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "axes": "TYX",
        "PhysicalSizeX": scene.pixel_size_nm,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": scene.pixel_size_nm,
        "PhysicalSizeYUnit": "nm",
    }
    if interval_s is not None:
        metadata |= {"TimeIncrement": interval_s, "TimeIncrementUnit": "s"}
    return metadata
