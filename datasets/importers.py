"""Outlines drawn in other tools, turned into the nnU-Net layout: YOLO polygons, COCO."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import LabelledDataError, PhaseScheme

from .labelled import LabelledSet
from .labelled_writer import Frame, write_labelled
from .movie import open_movie
from .polygons import paint_polygons
from .readers import FRAME_SUFFIXES, image_files

__all__ = ["import_coco", "import_yolo"]

StrPath = str | PathLike[str]
GroupOf = Callable[[str], str]

_BACKGROUND = "background"
_IGNORED = 255


def import_yolo(
    frames_dir: StrPath,
    polygons_dir: StrPath,
    class_names: Sequence[str],
    out: StrPath,
    *,
    group_of: GroupOf | None = None,
    pixel_size_nm: float | None = None,
    partial: bool = False,
) -> LabelledSet:
    """Import YOLO polygons (a line an object: class, then x y … as fractions) or boxes (class, centre, size).

    Frames without a polygon file were not annotated, and are left out; an empty polygon file says "nothing here".

    Args:
        frames_dir: Images; colour becomes grey as in `open_movie`.
        polygons_dir: Text files with the names of their images.
        class_names: Names of classes 0, 1, …, which become label ids 1, 2, …; 0 is background, also as a class.
        out: Folder to write.
        group_of: Group of a frame, by its name; all frames are one group if not given, as frames of one movie are.
        pixel_size_nm: Edge of a pixel [nm], where known.
        partial: Only some objects are outlined. What lies outside was judged by nobody and is ignored; background is
            what a class of that name outlines.

    Raises:
        LabelledDataError: A polygon file has no image, or a line is not as above.
    """
    frames_dir, polygons_dir = Path(frames_dir), Path(polygons_dir)
    images = {file.stem: file for file in image_files(frames_dir, FRAME_SUFFIXES)}
    files = sorted(polygons_dir.glob("*.txt"))
    if not files:
        raise LabelledDataError(f"{polygons_dir} holds no .txt file with polygons.")
    group = group_of or (lambda _: frames_dir.resolve().name)

    def frames() -> Iterator[Frame]:
        for file in files:
            image = _image(images, file.stem, str(file))
            yield file.stem, image, _yolo_labels(file, _shape(image), ids, elsewhere), group(file.stem)

    ids, elsewhere = _ids(class_names), _IGNORED if partial else 0
    return _write(out, frames(), _scheme(class_names), pixel_size_nm, partial)


def import_coco(
    annotations: StrPath,
    images_dir: StrPath,
    out: StrPath,
    *,
    group_of: GroupOf | None = None,
    pixel_size_nm: float | None = None,
    partial: bool = False,
) -> LabelledSet:
    """Import a COCO file with polygons or uncompressed run lengths; categories become ids 1, 2, … in order of their id.

    Args:
        annotations: The JSON file.
        images_dir: Where its images lie.
        out: Folder to write.
        group_of: Group of a frame, by its name; all frames are one group if not given.
        pixel_size_nm: Edge of a pixel [nm], where known.
        partial: Only some objects are outlined. What lies outside was judged by nobody and is ignored; background is
            what a class of that name outlines.

    Raises:
        LabelledDataError: The file is no COCO file, an image is missing, or a segmentation is of an unknown kind.
    """
    annotations, images_dir = Path(annotations), Path(images_dir)
    images, names, objects = _read_coco(annotations)
    ids = dict(zip(names, _ids(list(names.values())), strict=True))
    elsewhere = _IGNORED if partial else 0
    group = group_of or (lambda _: images_dir.resolve().name)

    def frames() -> Iterator[Frame]:
        for image_id, file_name in images.items():
            file = images_dir / file_name
            pixels = _image({file.stem: file} if file.exists() else {}, file.stem, str(annotations))
            of_image = [o for o in objects if o["image_id"] == image_id]
            label = _coco_labels(of_image, ids, _shape(pixels), annotations, elsewhere)
            yield file.stem, pixels, label, group(file.stem)

    return _write(out, frames(), _scheme(list(names.values())), pixel_size_nm, partial)


def _ids(class_names: Sequence[str]) -> list[int]:
    """Label id of each class: 0 for background, 1, 2, … for the others."""
    phases = _scheme(class_names).names
    return [phases.index(name) for name in class_names]


def _scheme(class_names: Sequence[str]) -> PhaseScheme:
    return PhaseScheme((_BACKGROUND, *(name for name in class_names if name != _BACKGROUND)))


def _write(
    out: StrPath, frames: Iterator[Frame], scheme: PhaseScheme, pixel_size_nm: float | None, partial: bool
) -> LabelledSet:
    ignore = _IGNORED if partial else None
    return write_labelled(out, frames, scheme, pixel_size_nm=pixel_size_nm, file_ending=".tif", ignore_label=ignore)


def _image(images: Mapping[str, Path], name: str, wanted_by: str) -> NDArray[Any]:
    if name not in images:
        raise LabelledDataError(f"{wanted_by} labels the image '{name}', which is not there.")
    movie = open_movie(images[name])
    if movie.sizes["time"] != 1:
        raise LabelledDataError(f"{images[name]} holds {movie.sizes['time']} frames; one image a file is needed.")
    return np.asarray(movie.isel(time=0))


def _shape(image: NDArray[Any]) -> tuple[int, int]:
    return image.shape[0], image.shape[1]


def _yolo_labels(file: Path, shape: tuple[int, int], ids: Sequence[int], elsewhere: int) -> NDArray[np.uint8]:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    outlines = [_yolo_outline(line, f"{file}, line {i}", ids) for i, line in enumerate(lines, 1) if line.strip()]
    scale = [shape[1], shape[0]]
    return paint_polygons(shape, [(label_id, corners * scale) for label_id, corners in outlines], elsewhere)


def _yolo_outline(line: str, where: str, ids: Sequence[int]) -> tuple[int, NDArray[np.float64]]:
    """Label id, and corners (n, 2) x, y as fractions."""
    try:
        object_class, *rest = line.split()
        number, values = int(object_class), np.array(rest, float)
    except ValueError as error:
        raise LabelledDataError(f"{where}: '{line[:60]}' is no class followed by numbers.") from error
    if not 0 <= number < len(ids):
        raise LabelledDataError(f"{where}: class {number} has no name; {len(ids)} names were given.")
    if values.size < 4 or values.size % 2 or not ((values > -0.01) & (values < 1.01)).all():
        raise LabelledDataError(f"{where}: {values.size} values; pairs of fractions of the image's size are needed.")
    return ids[number], _box_corners(values) if values.size == 4 else values.reshape(-1, 2)


def _box_corners(box: NDArray[np.float64]) -> NDArray[np.float64]:
    centre, size = box[:2], box[2:]
    corners: NDArray[np.float64] = centre + size * np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    return corners


def _read_coco(path: Path) -> tuple[dict[int, str], dict[int, str], list[dict[str, Any]]]:
    """File name by image id, name by category id in order of id, and annotations."""
    try:
        content = json.loads(path.read_bytes())
        images = {int(image["id"]): str(image["file_name"]) for image in content["images"]}
        names = {int(category["id"]): str(category["name"]) for category in content["categories"]}
        objects = [{**o, "image_id": int(o["image_id"])} for o in content["annotations"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabelledDataError(f"{path} is no COCO file: {type(error).__name__} {error}.") from error
    return images, dict(sorted(names.items())), objects


def _coco_labels(
    objects: Sequence[dict[str, Any]], ids: Mapping[int, int], shape: tuple[int, int], path: Path, elsewhere: int
) -> NDArray[np.uint8]:
    labels = np.full(shape, elsewhere, np.uint8)
    for item in objects:
        mask = _coco_mask(item.get("segmentation"), shape, f"{path}, annotation {item.get('id')}")
        if item.get("category_id") not in ids:
            raise LabelledDataError(f"{path}: category {item.get('category_id')} is not among its categories.")
        labels[mask] = ids[item["category_id"]]
    return labels


def _coco_mask(segmentation: Any, shape: tuple[int, int], where: str) -> NDArray[np.bool_]:
    match segmentation:
        case [[*_], *_] if all(len(corners) >= 6 and len(corners) % 2 == 0 for corners in segmentation):
            outlines = [(1, np.reshape(np.asarray(corners, float), (-1, 2))) for corners in segmentation]
            return paint_polygons(shape, outlines).astype(bool)
        case {"counts": [*counts]} if sum(counts) == shape[0] * shape[1]:
            # Runs of 0, 1, 0 … down the columns.
            values = np.arange(len(counts)) % 2 == 1
            return np.repeat(values, counts).reshape(shape, order="F")
        case _:
            raise LabelledDataError(f"{where}: its segmentation is no polygon and no run lengths; export polygons.")
