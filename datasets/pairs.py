"""Which label belongs to which image: frames of two movies, or files of two folders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionfront.core import Calibration, LabelledDataError, UsageError

from .labelmovie import open_labels
from .movie import calibration_of, open_movie
from .readers import FRAME_SUFFIXES, image_files, is_image_folder

__all__ = ["Pair", "paired"]


@dataclass(frozen=True)
class Pair:
    """A frame: its place among the images, its name, and how its image and its painted label are read."""

    index: int
    name: str
    image: Callable[[], NDArray[Any]]
    label: Callable[[], NDArray[np.uint8]]


def paired(images: Path, labels: Path, frames: Sequence[int], given: Calibration) -> tuple[list[Pair], Calibration]:
    """Pair images with labels, by the names of their files in two folders, else by their place.

    Args:
        images: Anything `open_movie` reads, or a folder of images.
        labels: As many frames as there are images, or as `frames` names; of a folder, some files are enough.
        frames: Only these frames, counted from 0; empty means all.
        given: Scales in place of the file's.

    Returns:
        The pairs, and the calibration of the images.

    Raises:
        LabelledDataError: The numbers of frames differ, or a label has no image.
        UsageError: A frame does not exist.
    """
    if is_image_folder(images) and is_image_folder(labels):
        return _paired_by_name(images, labels, frames, given)
    return _paired_by_index(images, labels, frames, given)


def _paired_by_index(
    images: Path, labels: Path, frames: Sequence[int], given: Calibration
) -> tuple[list[Pair], Calibration]:
    movie = open_movie(images, pixel_size_nm=given.pixel_size_nm, frame_time_s=given.frame_time_s)
    painted = open_labels(labels)
    n_images, n_labels = movie.sizes["time"], painted.sizes["time"]
    _refuse_absent(frames, n_images, images)
    wanted = list(frames) or list(range(n_images))
    if n_labels not in (n_images, len(wanted)):
        raise LabelledDataError(
            f"{labels} has {n_labels} frames, {images} has {n_images}; one label a frame is needed. Say which frames "
            "the labels show with --frames."
        )
    places = wanted if n_labels == n_images else range(n_labels)
    pairs = [_pair_at(movie, index, painted, place) for index, place in zip(wanted, places, strict=True)]
    return pairs, calibration_of(movie)


def _pair_at(movie: xr.DataArray, index: int, painted: xr.DataArray, place: int) -> Pair:
    return Pair(index, f"{index:05d}", lambda: np.asarray(movie[index]), lambda: np.asarray(painted[place]))


def _paired_by_name(
    images: Path, labels: Path, frames: Sequence[int], given: Calibration
) -> tuple[list[Pair], Calibration]:
    files = image_files(images, FRAME_SUFFIXES)
    _refuse_absent(frames, len(files), images)
    place = {file.stem: index for index, file in enumerate(files)}
    painted = image_files(labels, FRAME_SUFFIXES)
    if lonely := [file for file in painted if file.stem not in place]:
        raise LabelledDataError(f"{lonely[0]} labels the image '{lonely[0].stem}', which is not in {images}.")
    pairs = [_pair_of(files[place[file.stem]], place[file.stem], file) for file in painted]
    first = open_movie(files[0], pixel_size_nm=given.pixel_size_nm, frame_time_s=given.frame_time_s)
    return [pair for pair in pairs if not frames or pair.index in frames], calibration_of(first)


def _pair_of(image: Path, index: int, label: Path) -> Pair:
    return Pair(index, image.stem, lambda: _only_frame(open_movie(image)), lambda: _only_frame(open_labels(label)))


def _only_frame(movie: xr.DataArray) -> NDArray[Any]:
    if movie.sizes["time"] != 1:
        raise LabelledDataError(
            f"{movie.attrs['source']} holds {movie.sizes['time']} frames; in a folder each file is one frame."
        )
    return np.asarray(movie[0])


def _refuse_absent(frames: Sequence[int], count: int, images: Path) -> None:
    if absent := [index for index in frames if not 0 <= index < count]:
        raise UsageError(f"there is no frame {absent[:8]}; {images} has frames 0 to {count - 1}: correct --frames.")
