"""napari opens what IonFront reads and writes, and gives corrected labels back (npe2; the manifest is napari.yaml).

napari itself is imported nowhere: its contract is plain functions and tuples (data, attributes, kind of layer).
https://napari.org/stable/plugins/building_a_plugin/guides.html
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionfront.core import Calibration, LabelledDataError, PhaseScheme
from ionfront.datasets import (
    LabelledSet,
    calibration_of,
    names_phases,
    open_labels,
    open_movie,
    read_labelled,
    replace_labels,
    scheme_of,
    write_label_zarr,
)
from ionfront.datasets.readers import READERS

from .plots_style import COLOURS, GREY

__all__ = ["get_reader", "read_layers", "write_label_movie", "write_labelled_frames"]

Layer = tuple[Any, dict[str, Any], str]

_OWN = "ionfront"  # key of a layer's metadata


def get_reader(path: str | Sequence[str]) -> Callable[[str], list[Layer]] | None:
    """The reader of a path, or None where IonFront reads no such file; of several paths it reads none."""
    if not isinstance(path, str):
        return None
    known = Path(path).is_dir() or Path(path).suffix.lower() in READERS or Path(path).name == "dataset.json"
    return read_layers if known else None


def read_layers(path: str) -> list[Layer]:
    """Layers of a movie, a label movie, a folder of results, or a labelled data set (its folder or its dataset.json).

    Images stay lazy. Labels are read whole, one byte a pixel: napari paints only on what is in memory.

    Raises:
        MovieError: A file cannot be read.
        LabelledDataError: A labelled data set breaks its layout, or its frames are of several sizes.
    """
    place = Path(path).parent if Path(path).name == "dataset.json" else Path(path)
    if (place / "dataset.json").is_file():
        return _labelled_layers(read_labelled(place, check_labels=False))
    if (place / "labels.zarr").is_dir():
        return _result_layers(place)
    if names_phases(place):
        return [_labels_layer(open_labels(place), place.stem)]
    return [_image_layer(open_movie(place), place.stem)]


def write_label_movie(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a labels layer as a label movie (OME-Zarr).

    Args:
        path: The store; there must be none yet.
        data: Label ids, shape (time, y, x), or (y, x) for one frame.
        attributes: Of the layer; its metadata, as `read_layers` gives them, hold phases and calibration.

    Raises:
        LabelledDataError: The layer's phases are unknown, or it holds an id that is none of them.
        OutputExistsError: There is something already.
    """
    own = attributes.get("metadata", {}).get(_OWN, {})
    if "calibration" not in own:
        raise LabelledDataError(
            f"the layer '{attributes.get('name', '')}' does not know its phases; save it as .tif, "
            "and name them in `ionfront import-labels --phases`."
        )
    frames = _as_movie(data)
    scheme = PhaseScheme(tuple(own["phases"]), tuple(own["reaction_order"]))
    with write_label_zarr(
        path,
        frames.shape,
        scheme,
        Calibration(**own["calibration"]),
        own.get("time_s"),
        ignore_label=own["ignore_label"],
    ) as writer:
        for frame in frames:
            writer.append(frame)
    return [path]


def write_labelled_frames(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write corrected labels back into the labelled data set that they came from; only changed frames are written.

    Args:
        path: The dataset.json of the set.
        data: Label ids, shape (frame, y, x), or (y, x) for one frame.
        attributes: Of the layer; its metadata name the frames.

    Raises:
        LabelledDataError: The layer is not of this data set, or holds an id that the set does not know.
    """
    labelled, frames = read_labelled(Path(path).parent, check_labels=False), _as_movie(data)
    names = attributes.get("metadata", {}).get(_OWN, {}).get("frames", [frame.name for frame in labelled.frames])
    if len(names) != len(frames):
        raise LabelledDataError(
            f"the layer has {len(frames)} frames, {labelled.root} has {len(names)}; save a movie's labels as .zarr or "
            ".tif, and bring them in with `ionfront import-labels`."
        )
    replace_labels(labelled, dict(zip(names, frames, strict=True)))
    return [path]


def _result_layers(folder: Path) -> list[Layer]:
    """What `ionfront analyze` wrote, on its movie where that is still there."""
    labels = open_labels(folder / "labels.zarr")
    layers = [_labels_layer(labels, "labels")]
    record = folder / "kinetics.json"
    source = Path(json.loads(record.read_text(encoding="utf-8"))["source"]) if record.is_file() else None
    if source is not None and source.exists():
        scales = calibration_of(labels)  # what the user said then, where the movie does not say it
        movie = open_movie(source, pixel_size_nm=scales.pixel_size_nm, frame_time_s=scales.frame_time_s)
        layers.insert(0, _image_layer(movie, source.stem))
    return layers


def _labelled_layers(labelled: LabelledSet) -> list[Layer]:
    """Frames of a labelled data set as two stacks."""
    loaded = [frame.load() for frame in labelled.frames]
    if len({label.shape for _, label in loaded}) > 1:
        raise LabelledDataError(
            f"{labelled.root} has frames of several sizes, which make no stack; open its image and label files."
        )
    place = _place(Calibration(labelled.pixel_size_nm), ("frame", "y", "x"))
    images = np.stack([image for image, _ in loaded])
    own = _phase_facts(labelled.scheme, labelled.ignore_label) | {"frames": [frame.name for frame in labelled.frames]}
    labels = np.stack([label for _, label in loaded])
    return [
        (images, {"name": labelled.root.name, **place}, "image"),
        (labels, {"name": "labels", **place, **_phase_looks(labelled.scheme, own)}, "labels"),
    ]


def _image_layer(movie: xr.DataArray, name: str) -> Layer:
    return movie.data, {"name": name, "rgb": False, **_place(calibration_of(movie))}, "image"


def _labels_layer(labels: xr.DataArray, name: str) -> Layer:
    calibration, scheme = calibration_of(labels), scheme_of(labels)
    own = _phase_facts(scheme, labels.attrs.get("ignore_label")) | {"calibration": asdict(calibration)}
    if calibration.frame_time_s is not None:
        own["time_s"] = labels["time"].values.tolist()
    return labels.values, {"name": name, **_place(calibration), **_phase_looks(scheme, own)}, "labels"


def _place(calibration: Calibration, axes: tuple[str, str, str] = ("time", "y", "x")) -> dict[str, Any]:
    """Scale and unit of each axis; "pixel" is napari's name of an unknown unit."""
    pixel, time = calibration.pixel_size_nm, calibration.frame_time_s
    length_unit = "pixel" if pixel is None else "nm"
    return {
        "scale": (time or 1.0, pixel or 1.0, pixel or 1.0),
        "units": ("pixel" if time is None else "s", length_unit, length_unit),
        "axis_labels": axes,
    }


def _phase_facts(scheme: PhaseScheme, ignore_label: int | None) -> dict[str, Any]:
    return {
        "phases": list(scheme.names),
        "reaction_order": list(scheme.reaction_order),
        "ignore_label": ignore_label,
    }


def _phase_looks(scheme: PhaseScheme, own: dict[str, Any]) -> dict[str, Any]:
    """A colour for each phase, its name in the status bar, and what a writer must know."""
    ignore = own["ignore_label"]
    names = dict(enumerate(scheme.names)) | ({} if ignore is None else {ignore: "not judged"})
    colours = {i: COLOURS[(i - 1) % len(COLOURS)] for i in range(1, scheme.count)}
    judged = {} if ignore is None else {ignore: GREY}
    return {
        "colormap": {None: "transparent", 0: "transparent", **colours, **judged},
        "features": {"index": list(names), "phase": list(names.values())},
        "metadata": {_OWN: own},
    }


def _as_movie(data: Any) -> NDArray[Any]:
    frames = np.asarray(data)
    return frames[None] if frames.ndim == 2 else frames
