"""Labelled frames on disk, in the nnU-Net raw layout: what trains here trains there, and the other way round.

`imagesTr/NAME_0000.png|tif`, `labelsTr/NAME.png|tif` and `dataset.json`, with the optional keys `groups` (group ->
names of frames that share a specimen), `pixel_size_nm`, `frame_time_s`, `reaction_order` and `ignore_label`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from natsort import natsorted
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PositiveFloat, ValidationError

from ionfront.core import IonFrontError, LabelledDataError, PhaseScheme

from .readers import LABEL_READERS, READERS, read_recording

__all__ = ["LabelledFrame", "LabelledSet", "read_labelled"]

_CHANNEL = "_0000"


@dataclass(frozen=True)
class LabelledFrame:
    """An image and its labels, as files.

    Attributes:
        name: Its name in the data set, without channel and suffix.
        image: The image file.
        label: The label file, of the same size.
        group: Frames of one group share a specimen; no split cuts a group.
        known_ids: Label ids that may occur, the ignore label included.
    """

    name: str
    image: Path
    label: Path
    group: str
    known_ids: tuple[int, ...]

    def load(self) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Image (y, x) as recorded, and labels (y, x) as uint8.

        Raises:
            LabelledDataError: A file cannot be read, sizes differ, or a label id is unknown.
        """
        image, label = _pixels(self.image, READERS), self.load_label()
        if image.shape != label.shape:
            raise LabelledDataError(_sizes_differ(self.image, image.shape, self.label, label.shape))
        return image, label

    def load_label(self) -> NDArray[np.uint8]:
        """Labels alone, shape (y, x), every id known."""
        label = _pixels(self.label, LABEL_READERS)
        unknown = sorted(set(np.unique(label).tolist()) - set(self.known_ids))
        if unknown:
            raise LabelledDataError(
                f"{self.label} holds label ids {unknown[:8]}, but dataset.json knows {list(self.known_ids)}; "
                "name them there under `labels`, or set `ignore_label`."
            )
        return label.astype(np.uint8)


@dataclass(frozen=True)
class LabelledSet:
    """A labelled data set: its frames, and what their labels mean.

    Attributes:
        root: Its folder.
        scheme: Phases by label id, with the reaction order where the set has one.
        frames: Frames in natural order of their names.
        ignore_label: Id of pixels that nobody judged; None if every pixel is labelled.
        pixel_size_nm: Edge of a pixel [nm], None where unknown.
        frame_time_s: Time between frames [s], None where unknown.
        names_groups: Whether the set says which frames share a specimen; else each counts as a group of its own.
    """

    root: Path
    scheme: PhaseScheme
    frames: tuple[LabelledFrame, ...]
    ignore_label: int | None = None
    pixel_size_nm: float | None = None
    frame_time_s: float | None = None
    names_groups: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups, in order of their first frame."""
        return tuple(dict.fromkeys(frame.group for frame in self.frames))


class _DatasetJson(BaseModel):
    """What IonFront reads of dataset.json; nnU-Net's other keys are nnU-Net's."""

    model_config = ConfigDict(extra="ignore")

    labels: dict[str, int | str]
    file_ending: str = ".png"
    groups: dict[str, list[str]] = {}
    pixel_size_nm: PositiveFloat | None = None
    frame_time_s: PositiveFloat | None = None
    reaction_order: tuple[str, ...] = ()
    ignore_label: int | None = None


def read_labelled(path: str | PathLike[str], *, check_labels: bool = True) -> LabelledSet:
    """Read and check a labelled data set.

    Args:
        path: Its folder, with dataset.json in it.
        check_labels: Look at every label pixel now; else ids are checked when a frame is loaded.

    Raises:
        LabelledDataError: dataset.json is missing or wrong; an image has no label or a label no image; sizes
            differ; a label id is unknown; a group names an unknown frame or shares one with another.
    """
    root = Path(path)
    meta = _read_json(root / "dataset.json")
    names, ignore = _label_names(meta, root / "dataset.json")
    known = (*range(len(names)), *(() if ignore is None else (ignore,)))
    pairs = _pairs(root, meta.file_ending)
    group_of = _group_of(meta.groups, pairs, root / "dataset.json")
    frames = tuple(LabelledFrame(name, *pair, group_of[name], known) for name, pair in pairs.items())
    for frame in frames:
        _check_sizes(frame)
        if check_labels:
            frame.load_label()
    scheme = _scheme(names, meta.reaction_order, root / "dataset.json")
    return LabelledSet(root, scheme, frames, ignore, meta.pixel_size_nm, meta.frame_time_s, bool(meta.groups))


def _read_json(path: Path) -> _DatasetJson:
    if not path.is_file():
        raise LabelledDataError(f"{path} is missing; a labelled data set is a folder in the nnU-Net raw layout.")
    try:
        return _DatasetJson.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise LabelledDataError(f"{path}: {where}: {first['msg']}.") from error


def _label_names(meta: _DatasetJson, path: Path) -> tuple[tuple[str, ...], int | None]:
    """Names by label id, and the ignore label: nnU-Net's own label "ignore", or the key `ignore_label`."""
    ids = _ids_by_name(meta.labels, path)
    ignore = ids.pop("ignore", meta.ignore_label)
    if sorted(ids.values()) != list(range(len(ids))):
        raise LabelledDataError(f"{path}: labels have ids {sorted(ids.values())}; 0, 1, 2 … without gaps are needed.")
    if ignore is not None and (ignore < len(ids) or ignore > 255):
        raise LabelledDataError(f"{path}: ignore label {ignore} is a phase or above 255; use {len(ids)}, say.")
    return tuple(sorted(ids, key=ids.__getitem__)), ignore


def _ids_by_name(labels: Mapping[str, int | str], path: Path) -> dict[str, int]:
    try:
        if all(key.isdecimal() for key in labels):  # version 1 of nnU-Net wrote id -> name
            return {str(name): int(key) for key, name in labels.items()}
        return {name: int(value) for name, value in labels.items()}
    except ValueError as error:
        raise LabelledDataError(f"{path}: labels must be name -> id, but are {dict(labels)}.") from error


def _scheme(names: tuple[str, ...], order: tuple[str, ...], path: Path) -> PhaseScheme:
    try:
        return PhaseScheme(names, order)
    except IonFrontError as error:
        raise LabelledDataError(f"{path}: {error}") from error


def _pairs(root: Path, ending: str) -> dict[str, tuple[Path, Path]]:
    """Image and label file of each frame, in natural order of names."""
    if ending.lower() not in LABEL_READERS:
        raise LabelledDataError(f"{root / 'dataset.json'}: file_ending '{ending}' is not read; use .png or .tif.")
    images = {file.name.removesuffix(ending): file for file in _files(root / "imagesTr", ending)}
    odd = [file for name, file in images.items() if not name.endswith(_CHANNEL)]
    if odd:
        raise LabelledDataError(f"{odd[0]}: images are named NAME{_CHANNEL}{ending}, one channel each.")
    named = {name.removesuffix(_CHANNEL): file for name, file in images.items()}
    labels = {file.name.removesuffix(ending): file for file in _files(root / "labelsTr", ending)}
    for name in natsorted(named.keys() ^ labels.keys()):
        lonely, missing = (named[name], "label") if name in named else (labels[name], "image")
        raise LabelledDataError(f"{lonely} has no {missing}; every frame needs both, or neither.")
    if not named:
        raise LabelledDataError(f"{root / 'imagesTr'} holds no image NAME{_CHANNEL}{ending}.")
    return {name: (named[name], labels[name]) for name in natsorted(named)}


def _files(folder: Path, ending: str) -> list[Path]:
    if not folder.is_dir():
        raise LabelledDataError(f"{folder} is missing; a labelled data set needs imagesTr and labelsTr.")
    return [file for file in folder.iterdir() if file.name.endswith(ending) and not file.name.startswith(".")]


def _group_of(groups: dict[str, list[str]], names: Mapping[str, Any], path: Path) -> dict[str, str]:
    """Group of each frame; a frame without one is a group of its own."""
    found: dict[str, str] = {}
    for group, members in groups.items():
        for name in members:
            if name not in names:
                raise LabelledDataError(f"{path}: group '{group}' names '{name}', but there is no such frame.")
            if found.setdefault(name, group) != group:
                raise LabelledDataError(f"{path}: frame '{name}' is in groups '{found[name]}' and '{group}'.")
    return {name: found.get(name, f"{name} (alone)" if name in groups else name) for name in names}


def _check_sizes(frame: LabelledFrame) -> None:
    """Compare sizes from file headers."""
    try:
        image = read_recording(frame.image).frames.shape
        label = read_recording(frame.label, LABEL_READERS).frames.shape
    except IonFrontError as error:
        raise LabelledDataError(str(error)) from error
    if image != label:
        raise LabelledDataError(_sizes_differ(frame.image, image[1:], frame.label, label[1:]))


def _sizes_differ(image: Path, image_shape: tuple[int, ...], label: Path, label_shape: tuple[int, ...]) -> str:
    return f"{image} has {image_shape} pixels, but its label {label} {label_shape}; they must be the same size."


def _pixels(path: Path, readers: Mapping[str, Any]) -> NDArray[Any]:
    try:
        recording = read_recording(path, readers)
        if readers is LABEL_READERS and "RGB" in (recording.conversion or ""):
            raise LabelledDataError(f"{path} holds colours; label images need one integer id a pixel.")
        return np.asarray(recording.frames[0].compute(scheduler="synchronous"))
    except IonFrontError as error:
        raise error if isinstance(error, LabelledDataError) else LabelledDataError(str(error)) from error
