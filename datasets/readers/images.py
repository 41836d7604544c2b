"""Single pictures: PNG, JPEG and BMP, through Pillow."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from imagecodecs import png_decode
from numpy.typing import NDArray
from PIL import Image, ImageMode

from ionfront.core import MovieError

from ..grey import check_dtype, describe_conversion, grey_dtype, to_grey
from ..recording import Recording, lazy_frames
from .failures import reading

__all__ = ["read_picture"]

_PALETTE_MODES = ("P", "PA")
_COLOUR_MODES = ("CMYK", "YCbCr", "LAB", "HSV")  # converted to RGB by Pillow


def read_picture(path: Path, *, keep_palette: bool = False) -> Recording:
    """A picture as a movie of one frame; pictures carry no pixel size that can be trusted (72 dpi is for printers).

    Only the header is read here, so that a folder of thousands opens at once.

    Args:
        keep_palette: Give palette indices (label images) in place of palette colours.
    """
    with reading(path, "a picture"), Image.open(path) as picture:
        _refuse_animation(picture, path)
        dtype, channels = _pixel_type(picture, keep_palette)
        check_dtype(dtype)
        shape = (picture.height, picture.width)
        frames = lazy_frames(partial(_read_frame, path, keep_palette), 1, shape, grey_dtype(dtype))
        return Recording(frames, conversion=describe_conversion(dtype, channels))


def _decode(path: Path, keep_palette: bool) -> NDArray[Any]:
    """Pixels (y, x) or (y, x, channels)."""
    with Image.open(path) as picture:
        _refuse_animation(picture, path)
        if _is_deep_colour(picture):
            return np.asarray(png_decode(path.read_bytes()))
        if picture.mode in _COLOUR_MODES or (picture.mode in _PALETTE_MODES and not keep_palette):
            return np.asarray(picture.convert("RGB"))
        return np.asarray(picture)


def _pixel_type(picture: Image.Image, keep_palette: bool) -> tuple[np.dtype[Any], int]:
    """Type and number of channels that `_decode` gives."""
    if _is_deep_colour(picture):
        return np.dtype("u2"), len(picture.mode)
    if picture.mode in _COLOUR_MODES or (picture.mode in _PALETTE_MODES and not keep_palette):
        return np.dtype("u1"), 3
    mode = ImageMode.getmode(picture.mode)
    return np.dtype(mode.typestr), len(mode.bands)


def _refuse_animation(picture: Image.Image, path: Path) -> None:
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
        raise MovieError(f"{path} is an animation; export it as a TIFF stack or a folder of images.")


def _is_deep_colour(picture: Image.Image) -> bool:
    """Whether Pillow would cut 16-bit colour down to 8 bits without a word."""
    deep = any("16" in str(tile[3]) for tile in getattr(picture, "tile", []))
    return picture.format == "PNG" and deep and picture.mode in ("RGB", "RGBA", "LA")


def _read_frame(path: Path, keep_palette: bool, index: int) -> NDArray[Any]:
    with reading(path, "a picture"):
        return to_grey(_decode(path, keep_palette))
