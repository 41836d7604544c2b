"""Many movies of few scenes: uint16 TIFFs, each with noise of its own, for benchmarks of archives."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from ionfront.datasets import random_scene

__all__ = ["FRAME_S", "PIXEL_NM", "make_movies"]

PIXEL_NM, FRAME_S = 0.5, 0.2
SEED, SCENES, SCENE_FRAMES = 3_900_000_000, 20, 40


def make_movies(folder: Path, movies: int, frames: int, size: int) -> list[Path]:
    """Write movies of so many frames (size, size) that are not there yet; the paths of all.

    A scene is rendered at forty moments; frames in between are those, with other noise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:04}.tif" for number in range(movies)]
    for kind in range(min(SCENES, movies)):
        todo = [number for number in range(kind, movies, SCENES) if not paths[number].exists()]
        if todo:
            scene = random_scene(SEED + kind, size_px=size, n_frames=SCENE_FRAMES, n_fronts=1)
            images = [scene.frame(number)[0].astype(np.float32) for number in range(SCENE_FRAMES)]
        for number in todo:
            _write(paths[number], images, frames, np.random.default_rng([SEED, number]))
    return paths


def _write(path: Path, images: Sequence[NDArray[np.float32]], frames: int, rng: np.random.Generator) -> None:
    size = len(images[0])
    noise = rng.normal(0, 0.05 * float(np.median(images[0])), (2 * size, 2 * size)).astype(np.float32)
    draft = path.with_suffix(".part")
    with tifffile.TiffWriter(draft) as tiff:
        for number in range(frames):
            y, x = rng.integers(0, size, 2)
            frame = images[number * len(images) // frames] + noise[y : y + size, x : x + size]
            tiff.write(np.clip(frame, 0, 65535).astype(np.uint16), contiguous=True)
    draft.rename(path)
