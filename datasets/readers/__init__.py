"""File formats in: each file here reads one family through a well-kept library, and gives a Recording."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ionfront.core import MovieError, UsageError

from ..recording import Recording
from .failures import reading
from .folder import image_files, read_folder
from .growing import Found, Growing
from .growing_mrc import GrowingMrc
from .growing_tiff import GrowingTiff
from .growing_zarr import GrowingZarr
from .images import read_picture
from .mrc import read_mrc
from .npy import read_npy
from .rosetta import ROSETTA_SUFFIXES, read_rosetta
from .tiff import read_tiff
from .video import read_video
from .zarr_store import is_zarr, read_zarr

__all__ = ["FRAME_SUFFIXES", "LABEL_READERS", "PICTURES", "READERS", "Found", "Growing", "image_files"]
__all__ += ["is_image_folder", "open_growing", "read_recording", "reading"]

Reader = Callable[[Path], Recording]

_TIFFS = (".tif", ".tiff", ".btf", ".tf8")
_MRCS = (".mrc", ".mrcs", ".st")
_VIDEOS = (".avi", ".mp4", ".mov", ".mkv", ".m4v")

PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
"""One picture a file, never a movie."""

# What may be one frame of a folder.
FRAME_SUFFIXES = (*PICTURES, *_TIFFS, *_MRCS, ".dm3", ".dm4", ".npy")

READERS: dict[str, Reader] = {
    **dict.fromkeys(PICTURES, read_picture),
    **dict.fromkeys(_TIFFS, read_tiff),
    **dict.fromkeys(_MRCS, read_mrc),
    **dict.fromkeys(ROSETTA_SUFFIXES, read_rosetta),
    **dict.fromkeys(_VIDEOS, read_video),
    ".npy": read_npy,
    ".zarr": read_zarr,
}
# In a label image, a palette is only how ids are shown.
LABEL_READERS: dict[str, Reader] = {**READERS, **dict.fromkeys(PICTURES, partial(read_picture, keep_palette=True))}

_GROWING: dict[str, Callable[[Path], Growing]] = {
    **dict.fromkeys(_TIFFS, GrowingTiff),
    **dict.fromkeys(_MRCS, GrowingMrc),
    ".zarr": GrowingZarr,
}


def is_image_folder(path: Path) -> bool:
    """Whether a path is a folder with an image a file, and no store that is kept as a folder."""
    return path.is_dir() and path.suffix != ".zspy" and not is_zarr(path)


def read_recording(path: Path, readers: Mapping[str, Reader] = READERS) -> Recording:
    """Frames and calibration of a file or a folder, by its suffix.

    Args:
        readers: `READERS`, or `LABEL_READERS` for label images.

    Raises:
        MovieError: It is missing, empty, of a format that is not read, or damaged.
        MissingExtraError: Its format needs the extra `formats`.
    """
    if not path.exists():
        raise MovieError(f"{path} does not exist; check the spelling, and whether its disk is mounted.")
    suffix = path.suffix.lower()
    if path.is_dir() and suffix != ".zspy":
        if suffix == ".zarr" or is_zarr(path):
            return read_zarr(path)
        return read_folder(path, {suffix: readers[suffix] for suffix in FRAME_SUFFIXES})
    if path.is_file() and path.stat().st_size == 0:
        raise MovieError(f"{path} is empty (0 bytes); copy it again from where it was recorded.")
    if suffix not in readers:
        raise MovieError(
            f"{path} ends in '{suffix}', a format that is not read. Read are {', '.join(sorted(readers))}, "
            "and folders of images; convert it to an OME-TIFF."
        )
    return readers[suffix](path)


def open_growing(path: Path) -> Growing:
    """A file that another program is still writing.

    Raises:
        UsageError: Its format cannot be followed.
        MovieError: Its beginning cannot be read, perhaps not yet.
    """
    suffix = ".zarr" if is_zarr(path) else path.suffix.lower()
    if suffix not in _GROWING:
        raise UsageError(
            f"{path} cannot be followed while it is written: that works for {', '.join(sorted(_GROWING))}. Folders "
            "with an image a file are followed as they are (without --follow); for others wait until they are written."
        )
    if not path.exists():
        raise MovieError(f"{path} does not exist yet.")
    return _GROWING[suffix](path)
