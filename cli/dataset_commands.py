"""Commands that make or bring in data: synth, import."""

from pathlib import Path
from typing import Annotated

import typer

from ionfront.datasets import (
    FAMILY_NAMES,
    SHAPE_NAMES,
    import_coco,
    import_label_images,
    import_yolo,
    random_scene,
    write_synthetic,
)
from ionfront.physics import LAW_NAMES

from .console import frame_progress, known_name, say

__all__ = ["import_app", "synth_command"]

import_app = typer.Typer(help="Bring labelled frames of other tools into the nnU-Net raw layout.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Folder of the labelled data set to write.")]
Names = Annotated[
    str, typer.Option(help="Class names in the order of their ids, without the background, comma between.")
]


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
) -> None:
    """YOLO polygons: class, then x y in fractions of the image."""
    say(f"{len(import_yolo(images, polygons, _split(names), out).frames)} labelled frames: {out}")


@import_app.command("coco")
def import_coco_command(
    annotations: Annotated[Path, typer.Argument(help="COCO JSON file.")],
    images: Annotated[Path, typer.Argument(help="Folder of images.")],
    out: Out,
) -> None:
    """COCO polygons."""
    say(f"{len(import_coco(annotations, images, out).frames)} labelled frames: {out}")


@import_app.command("labels")
def import_labels_command(
    images: Annotated[Path, typer.Argument(help="Folder of images.")],
    labels: Annotated[Path, typer.Argument(help="Folder of label images, same stems.")],
    out: Out,
    names: Names,
) -> None:
    """Label images, as napari and ImageJ save them."""
    say(f"{len(import_label_images(images, labels, _split(names), out).frames)} labelled frames: {out}")


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]
