"""Labelled frames out: the nnU-Net raw layout, whole or not at all."""

import json
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from ionfront.core import LabelledDataError, PhaseScheme, atomic_output

from .labelled import LabelledSet, read_labelled

__all__ = ["Frame", "checked_image", "checked_label", "save_pixels", "write_labelled"]

Frame = tuple[str, NDArray[Any], NDArray[Any], str]
"""Name, image (y, x), label (y, x), and group."""


def write_labelled(
    root: str | PathLike[str],
    frames: Iterable[Frame],
    scheme: PhaseScheme,
    *,
    ignore_label: int | None = None,
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
    file_ending: Literal[".png", ".tif"] = ".png",
    description: str = "",
    overwrite: bool = False,
) -> LabelledSet:
    """Write a labelled data set that IonFront and nnU-Net can train on, one frame in memory at a time.

    Args:
        root: Its folder.
        frames: Name, image (y, x), label (y, x), and group of each frame.
        ignore_label: Id, in the given labels, of pixels that nobody judged. It is written as the id after the last
            phase, which is where nnU-Net wants its label "ignore".
        pixel_size_nm: Edge of a pixel [nm].
        frame_time_s: Time between frames [s].
        file_ending: PNG holds uint8 and uint16 images; TIFF every type.

    Raises:
        LabelledDataError: No frame came, a name came twice, or a frame has unequal sizes, unknown ids or a type
            that PNG does not hold.
        OutputExistsError: `root` exists and `overwrite` was not asked for.
    """
    root = Path(root)
    groups: dict[str, list[str]] = {}
    with atomic_output(root, overwrite=overwrite) as draft:
        for folder in ("imagesTr", "labelsTr"):
            (draft / folder).mkdir(parents=True)
        for name, image, label, group in frames:
            label_path = draft / "labelsTr" / f"{name}{file_ending}"
            if label_path.exists():
                raise LabelledDataError(f"frame '{name}' came twice; give every frame a name of its own.")
            save_pixels(
                draft / "imagesTr" / f"{name}_0000{file_ending}", checked_image(name, image, label, file_ending)
            )
            save_pixels(label_path, checked_label(name, label, scheme, ignore_label, scheme.count))
            groups.setdefault(group, []).append(name)
        extras = {"pixel_size_nm": pixel_size_nm, "frame_time_s": frame_time_s, "description": description or None}
        _write_json(draft, scheme, groups, file_ending, ignore_label is not None, extras)
    return read_labelled(root, check_labels=False)


def checked_image(name: str, image: NDArray[Any], label: NDArray[Any], file_ending: str) -> NDArray[Any]:
    """The image, if it fits its label and the format.

    Raises:
        LabelledDataError: It does not.
    """
    if image.ndim != 2 or image.shape != label.shape:
        raise LabelledDataError(f"frame '{name}': image {image.shape} and label {label.shape} must be one (y, x) size.")
    if file_ending == ".png" and image.dtype not in (np.uint8, np.uint16):
        raise LabelledDataError(f"frame '{name}' is {image.dtype}, which PNG cannot hold; write a data set of .tif.")
    return image


def checked_label(
    name: str, label: NDArray[Any], scheme: PhaseScheme, ignore_label: int | None, written_ignore: int
) -> NDArray[np.uint8]:
    """The label as it is written, with `written_ignore` in place of `ignore_label`.

    Raises:
        LabelledDataError: It holds an id that is neither a phase nor `ignore_label`.
    """
    ignored = label == ignore_label if ignore_label is not None else np.zeros(label.shape, bool)
    unknown = sorted(set(np.unique(label[~ignored]).tolist()) - set(range(scheme.count)))
    if unknown:
        raise LabelledDataError(f"frame '{name}' holds label ids {unknown[:8]}; known are 0 to {scheme.count - 1}.")
    return np.where(ignored, written_ignore, label).astype(np.uint8)


def save_pixels(path: Path, pixels: NDArray[Any]) -> None:
    """Write a PNG, or a TIFF for every other suffix; nothing is lost."""
    if path.suffix == ".png":
        Image.fromarray(pixels).save(path)
    else:
        tifffile.imwrite(path, pixels, photometric="minisblack", compression="zlib", predictor=pixels.dtype.kind != "f")


def _write_json(
    root: Path,
    scheme: PhaseScheme,
    groups: dict[str, list[str]],
    file_ending: str,
    has_ignore: bool,
    extras: dict[str, Any],
) -> None:
    if not groups:
        raise LabelledDataError(f"no labelled frame came to be written to {root.name}.")
    ignore = {"ignore": scheme.count} if has_ignore else {}
    content = {
        "channel_names": {"0": "intensity"},
        "labels": {name: i for i, name in enumerate(scheme.names)} | ignore,
        "numTraining": sum(map(len, groups.values())),
        "file_ending": file_ending,
        "groups": groups,
        **({"reaction_order": list(scheme.reaction_order)} if scheme.reaction_order else {}),
        **({"ignore_label": scheme.count} if has_ignore else {}),
        **{key: value for key, value in extras.items() if value is not None},
    }
    (root / "dataset.json").write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
