"""A folder with one image a file, in natural order (frame_9 before frame_10)."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from natsort import natsorted
from numpy.typing import NDArray

from ionfront.core import MovieError

from ..recording import Clock, Recording, lazy_frames
from .failures import reading

__all__ = ["image_files", "read_folder"]

ReadFile = Callable[[Path], Recording]

_ALIASES = {".tiff": ".tif", ".jpeg": ".jpg", ".jpe": ".jpg"}


def read_folder(path: Path, readers: dict[str, ReadFile]) -> Recording:
    """Each image file of a folder as one frame; pixel size as the first file has it, time unknown.

    Args:
        readers: How to read a file, by suffix.

    Raises:
        MovieError: No image, images of several formats, or one whose size or type differs, by name.
    """
    with reading(path, "a folder of images"):
        files = image_files(path, readers)
        read = readers[files[0].suffix.lower()]
        first = read(files[0])
        for file in files:
            _check_same(read(file) if file != files[0] else first, first, file, files[0])
        shape = first.frames.shape
        frames = lazy_frames(partial(_read_frame, files, read), len(files), shape[1:], first.frames.dtype)
        return replace(first, frames=frames, clock=Clock(), notes=())


def image_files(path: Path, suffixes: Iterable[str]) -> list[Path]:
    """Files of a folder that can be read, in natural order, hidden ones left out.

    Raises:
        MovieError: There is none, or they are of several formats.
    """
    known = tuple(suffixes)
    files = [
        file
        for file in path.iterdir()
        if file.is_file() and file.suffix.lower() in known and not file.name.startswith(".")
    ]
    kinds = Counter(_ALIASES.get(file.suffix.lower(), file.suffix.lower()) for file in files)
    if not files:
        raise MovieError(f"{path} holds no image; a folder is read as one image a file ({', '.join(known)}).")
    if len(kinds) > 1:
        found = ", ".join(f"{count} {suffix}" for suffix, count in kinds.most_common())
        raise MovieError(f"{path} holds images of several formats ({found}); keep one movie a folder, in one format.")
    return list(natsorted(files, key=lambda file: file.name))


def _check_same(recording: Recording, first: Recording, file: Path, first_file: Path) -> None:
    frames, wanted = recording.frames, first.frames
    if frames.shape[0] != 1:
        raise MovieError(f"{file} holds {frames.shape[0]} frames; in a folder each file is one frame.")
    if frames.shape != wanted.shape or frames.dtype != wanted.dtype:
        raise MovieError(
            f"{file} has {frames.shape[1]} x {frames.shape[2]} pixels of {frames.dtype}, but {first_file.name} has "
            f"{wanted.shape[1]} x {wanted.shape[2]} of {wanted.dtype}; all frames of a movie must be alike."
        )


def _read_frame(files: list[Path], read: ReadFile, index: int) -> NDArray[Any]:
    # Within a dask task already: a scheduler inside a scheduler would gain nothing.
    return np.asarray(read(files[index]).frames[0].compute(scheduler="synchronous"))
