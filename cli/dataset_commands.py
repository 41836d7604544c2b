"""Commands that make or bring in data: synth, import, import-labels."""

from pathlib import Path
from typing import Annotated

import typer

from ionfront.core import UsageError
from ionfront.datasets import (
    FAMILY_NAMES,
    SHAPE_NAMES,
    import_coco,
    import_labels,
    import_yolo,
    pack_labelled,
    random_scene,
    read_labelled,
    write_synthetic,
)
from ionfront.physics import LAW_NAMES

from .console import frame_progress, known_name, say, warn

__all__ = ["import_app", "import_labels_command", "pack_command", "synth_command"]

import_app = typer.Typer(help="Bring labelled frames of other tools into the nnU-Net raw layout.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Folder of the labelled data set to write.")]
Names = Annotated[
    str, typer.Option(help="Class names in the order of their ids, without the background, comma between.")
]
Partial = Annotated[
    bool,
    typer.Option(
        "--partial",
        help="Only some objects are outlined: ignore what lies outside. A class `background` outlines background.",
    ),
]


def pack_command(
    data: Annotated[Path, typer.Argument(help="Labelled data set, nnU-Net raw layout.")],
    out: Annotated[Path, typer.Option(help="Store to write, NAME.zarr.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a store that is there already.")] = False,
) -> None:
    """Labelled frames into one sharded Zarr store, which `train segmenter` and `evaluate` take for a folder of many."""
    labelled = read_labelled(data, check_labels=False)
    with frame_progress("Packing frames") as progress:
        packed = pack_labelled(labelled, out, overwrite=overwrite, progress=progress)
    say(f"{len(packed.frames)} labelled frames: {out}")


def synth_command(
    out: Annotated[Path, typer.Argument(help="Folder; each movie gets a folder of its own in it.")],
    count: Annotated[int, typer.Option(min=1, help="How many movies.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first movie; the next take the next numbers.")] = 0,
    size: Annotated[int, typer.Option(min=64, help="Edge of the square frame [px].")] = 256,
    frames: Annotated[int, typer.Option(min=2, help="Frames a movie.")] = 60,
    family: Annotated[str, typer.Option(help=f"What is drawn from: {', '.join(FAMILY_NAMES)}.")] = "plain",
    shape: Annotated[str, typer.Option(help=f"Particle: {', '.join(SHAPE_NAMES)}; drawn if not given.")] = "",
    law: Annotated[str, typer.Option(help=f"Rate law: {', '.join(LAW_NAMES)}; drawn if not given.")] = "",
    fronts: Annotated[int | None, typer.Option(min=0, max=2, help="Fronts a movie; drawn if not given.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace movies that are there already.")] = False,
) -> None:
    """Synthetic reaction movies with exact labels, arrival times and rate laws beside them."""
    known_family = known_name("family", family, FAMILY_NAMES)
    known_shape = known_name("shape", shape, SHAPE_NAMES) if shape else None
    known_law = known_name("law", law, LAW_NAMES) if law else None
    with frame_progress("Making movies") as progress:
        for index in range(count):
            scene = random_scene(
                seed + index, size, frames, family=known_family, shape=known_shape, law=known_law, n_fronts=fronts
            )
            say(str(write_synthetic(scene, out, f"movie_{seed + index:05d}", overwrite=overwrite)))
            progress(index + 1, count)


@import_app.command("yolo")
def import_yolo_command(
    images: Annotated[Path, typer.Argument(help="Folder of images.")],
    polygons: Annotated[Path, typer.Argument(help="Folder of YOLO polygon files, one an image, same stem.")],
    out: Out,
    names: Names,
    partial: Partial = False,
) -> None:
    """YOLO polygons: class, then x y in fractions of the image."""
    say(f"{len(import_yolo(images, polygons, _split(names), out, partial=partial).frames)} labelled frames: {out}")


@import_app.command("coco")
def import_coco_command(
    annotations: Annotated[Path, typer.Argument(help="COCO JSON file.")],
    images: Annotated[Path, typer.Argument(help="Folder of images.")],
    out: Out,
    partial: Partial = False,
) -> None:
    """COCO polygons."""
    say(f"{len(import_coco(annotations, images, out, partial=partial).frames)} labelled frames: {out}")


def import_labels_command(
    images: Annotated[Path, typer.Argument(help="Movie, or folder of images.")],
    labels: Annotated[
        Path, typer.Argument(help="Labels as napari or ImageJ saved them: Zarr, TIFF, NPY, or a folder.")
    ],
    out: Annotated[Path, typer.Option(help="Labelled data set; where there is one, it grows.")],
    frames: Annotated[str, typer.Option(help="Only these frames, counted from 0, e.g. 3,17,40.")] = "",
    changed_from: Annotated[
        Path | None, typer.Option(help="Only frames whose labels differ from this label movie, e.g. labels.zarr.")
    ] = None,
    phases: Annotated[
        str,
        typer.Option(help="Phase names by painted id, e.g. background,pristine or background=9,pristine=1."),
    ] = "",
    order: Annotated[str, typer.Option(help="Phases in the order of the reaction, e.g. pristine,converted.")] = "",
    unlabelled: Annotated[int | None, typer.Option(help="Painted id of pixels that nobody judged.")] = None,
    group: Annotated[str, typer.Option(help="Specimen that the frames show; the movie's name if not given.")] = "",
    pixel_size_nm: Annotated[float | None, typer.Option(help="Edge of a pixel [nm], in place of the file's.")] = None,
    frame_time_s: Annotated[float | None, typer.Option(help="Time between frames [s], in place of the file's.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace frames that are there already.")] = False,
) -> None:
    """Painted or corrected labels of a movie, into a labelled data set."""
    labelled = import_labels(
        images,
        labels,
        out,
        phases=_painted_ids(phases),
        reaction_order=_split(order) if order else (),
        unlabelled=unlabelled,
        frames=_numbers(frames),
        changed_from=changed_from,
        group=group,
        pixel_size_nm=pixel_size_nm,
        frame_time_s=frame_time_s,
        overwrite=overwrite,
    )
    if labelled.pixel_size_nm is None:
        warn(f"No one pixel size is known for {out}: its frames have several, or none was given (--pixel-size-nm).")
    say(f"{len(labelled.frames)} labelled frames: {out}")


import_app.command("labels", help="The same as import-labels.")(import_labels_command)


def _painted_ids(text: str) -> dict[str, int] | None:
    """Painted id of each phase: the one that is named, else its place in the list."""
    if not text:
        return None
    items = [item.partition("=") for item in _split(text)]
    try:
        ids = {name: int(stated) if equals else place for place, (name, equals, stated) in enumerate(items)}
    except ValueError as error:
        raise UsageError(f"'{text}' gives a phase an id that is no whole number; write NAME or NAME=ID.") from error
    if len(ids) < len(items) or "" in ids:
        raise UsageError(f"'{text}' names a phase twice or not at all; give each a name, with commas between them.")
    return ids


def _numbers(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")] if text else []
    except ValueError as error:
        raise UsageError(f"'{text}' is no list of frames; write numbers with commas, e.g. 3,17,40.") from error


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]
