"""Labelled data sets that change: frames come in, labels are corrected, and all else stays as it was."""

import json
import math
import shutil
from collections.abc import Container, Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import LabelledDataError, OutputExistsError, PhaseScheme, atomic_output

from .labelled import LabelledFrame, LabelledSet, read_labelled
from .labelled_writer import Frame, checked_image, checked_label, save_pixels

__all__ = ["extend_labelled", "replace_labels"]

_WRITTEN = (".png", ".tif", ".tiff")


def extend_labelled(
    root: str | PathLike[str],
    frames: Iterable[Frame],
    scheme: PhaseScheme,
    *,
    ignore_label: int | None = None,
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
    overwrite: bool = False,
) -> LabelledSet:
    """Add frames to a labelled data set: a copy of it grows and takes its place, so that no half set is ever seen.

    The set has one pixel size and one frame time. Where the new frames have others, it has none afterwards.

    Args:
        root: Folder of the set.
        frames: Name, image (y, x), label (y, x), and group of each frame.
        scheme: Phases of the labels, which must be those of the set.
        ignore_label: Id, in the given labels, of pixels that nobody judged; written as the set has it.
        pixel_size_nm: Edge of a pixel of the new frames [nm].
        frame_time_s: Time between the new frames [s].
        overwrite: Whether frames of the set may be replaced by new ones of the same name.

    Raises:
        LabelledDataError: The phases differ, no frame came, a name came twice, or a frame does not fit.
        OutputExistsError: A frame of that name is there, and `overwrite` was not asked for.
    """
    before = read_labelled(root, check_labels=False)
    _refuse_other_phases(before, scheme)
    with atomic_output(before.root, overwrite=True) as draft:
        shutil.copytree(before.root, draft)
        meta: dict[str, Any] = json.loads((draft / "dataset.json").read_text(encoding="utf-8"))
        ending = _written_ending(meta.get("file_ending", ".png"), before.root)
        group_of: dict[str, str] = {}
        for name, image, label, group in frames:
            _refuse_taken(name, group_of, () if overwrite else {frame.name for frame in before.frames}, before.root)
            save_pixels(draft / "imagesTr" / f"{name}_0000{ending}", checked_image(name, image, label, ending))
            written = checked_label(name, label, scheme, ignore_label, _ignore_of(before))
            save_pixels(draft / "labelsTr" / f"{name}{ending}", written)
            group_of[name] = group
        meta |= _grown(meta, before, group_of)
        if ignore_label is not None and before.ignore_label is None:
            meta |= _with_ignore(scheme)
        _keep_shared(meta, "pixel_size_nm", pixel_size_nm)
        _keep_shared(meta, "frame_time_s", frame_time_s)
        (draft / "dataset.json").write_text(json.dumps(meta, indent=1, ensure_ascii=False), encoding="utf-8")
    return read_labelled(root, check_labels=False)


def replace_labels(labelled: LabelledSet, labels: Mapping[str, NDArray[Any]]) -> list[str]:
    """Write corrected labels over those of a data set, and return the names of the frames that changed.

    Args:
        labelled: The data set.
        labels: Label ids (y, x) by name of the frame; what nobody judged has the id that it has in the set.

    Raises:
        LabelledDataError: A frame is unknown, or a label does not fit it; nothing was written then.
    """
    known = {frame.name: frame for frame in labelled.frames}
    if unknown := sorted(labels.keys() - known.keys()):
        raise LabelledDataError(f"{labelled.root} has no frame {unknown[:8]}; open the data set again.")
    corrected = {}
    for name, label in labels.items():
        ids = _fitting(known[name], label, labelled)
        if not np.array_equal(ids, known[name].load_label()):
            corrected[name] = ids
    for name, ids in corrected.items():
        with atomic_output(known[name].label, overwrite=True) as draft:
            save_pixels(draft, ids)
    return list(corrected)


def _refuse_other_phases(labelled: LabelledSet, scheme: PhaseScheme) -> None:
    if labelled.scheme.names != scheme.names:
        raise LabelledDataError(
            f"{labelled.root} has phases {list(labelled.scheme.names)}, the new frames {list(scheme.names)}; both must "
            "be the same: write another data set, or give these frames the names of this one."
        )


def _written_ending(ending: str, root: Path) -> str:
    if ending not in _WRITTEN:
        raise LabelledDataError(f"{root} holds frames in {ending}, which is not written; make a data set of .tif.")
    return ending


def _ignore_of(labelled: LabelledSet) -> int:
    """The id that says "not judged" in the set, or would."""
    return labelled.ignore_label or labelled.scheme.count


def _refuse_taken(name: str, came: Container[str], taken: Container[str], root: Path) -> None:
    if name in came:
        raise LabelledDataError(f"frame '{name}' came twice; give every frame a name of its own.")
    if name in taken:
        raise OutputExistsError(
            f"{root} has a frame '{name}' already; frames are never overwritten unasked. "
            "Say --overwrite to replace it, or --group to name this movie otherwise."
        )


def _grown(meta: Mapping[str, Any], before: LabelledSet, group_of: Mapping[str, str]) -> dict[str, Any]:
    """Groups and number of frames with the new ones among them."""
    if not group_of:
        raise LabelledDataError(f"no labelled frame came to be added to {before.root}.")
    groups = {group: [m for m in members if m not in group_of] for group, members in meta.get("groups", {}).items()}
    for name, group in group_of.items():
        groups.setdefault(group, []).append(name)
    names = {frame.name for frame in before.frames} | group_of.keys()
    return {"groups": {group: members for group, members in groups.items() if members}, "numTraining": len(names)}


def _with_ignore(scheme: PhaseScheme) -> dict[str, Any]:
    labels = {name: i for i, name in enumerate(scheme.names)}
    return {"labels": labels | {"ignore": scheme.count}, "ignore_label": scheme.count}


def _keep_shared(meta: dict[str, Any], key: str, value: float | None) -> None:
    """Leave a scale out where old and new frames do not share it."""
    if key in meta and (value is None or not math.isclose(meta[key], value, rel_tol=1e-6)):
        del meta[key]


def _fitting(frame: LabelledFrame, label: NDArray[Any], labelled: LabelledSet) -> NDArray[np.uint8]:
    shape = frame.load_label().shape
    if label.shape != shape:
        raise LabelledDataError(f"frame '{frame.name}' is {shape}, its new label {label.shape}; open it again.")
    _written_ending(frame.label.suffix, labelled.root)
    return checked_label(frame.name, label, labelled.scheme, labelled.ignore_label, _ignore_of(labelled))
