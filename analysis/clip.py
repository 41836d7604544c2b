"""The movie with its phases laid over it, short and small enough to be looked at in a page."""

import io
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from ionfront.core import Calibration, PhaseScheme

from .plots_style import COLOURS
from .wording import format_size

__all__ = ["clip_colours", "overlay_clip", "tinted_frame"]

Floats = NDArray[np.float64]

_MOST_FRAMES = 60
_LARGEST_SIDE_PX = 400
_FRAME_MS = 90
_TINT = 0.45
_QUALITY = 40


def overlay_clip(movie: xr.DataArray, labels: xr.DataArray, scheme: PhaseScheme, calibration: Calibration) -> bytes:
    """An animated WebP: at most 60 frames, each tinted by phase where it has left the first one of the reaction.

    Args:
        movie: Dims (time, y, x), read one frame at a time.
        labels: Ids of the same frames, likewise.
        scheme: Phases of the ids.
        calibration: Of the times written into the frames.
    """
    step = max(1, -(-max(movie.shape[1:]) // _LARGEST_SIDE_PX))
    chosen = np.unique(np.linspace(0, movie.sizes["time"] - 1, _MOST_FRAMES).round().astype(int))
    limits: tuple[float, float] | None = None
    pictures = []
    for index in chosen:
        grey = np.asarray(movie[int(index)].values[::step, ::step], float)
        limits = limits or _limits(grey)
        picture = _tinted(_scaled(grey, limits), np.asarray(labels[int(index)].values[::step, ::step]), scheme)
        pictures.append(_stamped(picture, float(movie["time"][int(index)]), calibration))
    file = io.BytesIO()
    pictures[0].save(
        file, "WEBP", save_all=True, append_images=pictures[1:], duration=_FRAME_MS, loop=0, quality=_QUALITY
    )
    return file.getvalue()


def clip_colours(scheme: PhaseScheme) -> dict[int, str]:
    """Colour of every phase that is tinted, by id."""
    return {phase: COLOURS[index % len(COLOURS)] for index, phase in enumerate(scheme.order_ids[1:], 1)}


def _limits(grey: Floats) -> tuple[float, float] | None:
    known = grey[np.isfinite(grey)]
    if known.size == 0:
        return None
    low, high = np.percentile(known, [0.5, 99.5])
    return float(low), float(max(high, low + 1e-9))


def _scaled(grey: Floats, limits: tuple[float, float] | None) -> Floats:
    if limits is None:
        return np.zeros_like(grey)
    return np.nan_to_num(np.clip((grey - limits[0]) / (limits[1] - limits[0]), 0, 1))


def tinted_frame(frame: NDArray[Any], labels: NDArray[np.uint8], scheme: PhaseScheme) -> Image.Image:
    """A frame (y, x) as a picture, tinted like the clip, with lines where phases of the reaction meet."""
    grey = np.asarray(frame, float)
    picture = np.asarray(_tinted(_scaled(grey, _limits(grey)), labels, scheme)).copy()
    inside = np.isin(labels, scheme.order_ids)
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        picture[here][(labels[here] != labels[there]) & inside[here] & inside[there]] = 255
    return Image.fromarray(picture)


def _tinted(grey: Floats, labels: NDArray[np.uint8], scheme: PhaseScheme) -> Image.Image:
    rgb = np.repeat(255 * grey[..., None], 3, axis=2)
    for phase, colour in clip_colours(scheme).items():
        here = labels == phase
        rgb[here] = (1 - _TINT) * rgb[here] + _TINT * np.array(ImageColor.getrgb(colour), float)
    return Image.fromarray(rgb.astype(np.uint8))


def _stamped(picture: Image.Image, time: float, calibration: Calibration) -> Image.Image:
    unit = "s" if calibration.time_unit == "s" else "frames"
    size = max(11, picture.height // 24)
    ImageDraw.Draw(picture).text(
        (size // 2, size // 3),
        f"{format_size(time, 4)} {unit}",
        fill="white",
        stroke_fill="black",
        stroke_width=2,
        font=ImageFont.load_default(size),
    )
    return picture
