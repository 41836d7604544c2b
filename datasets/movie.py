"""One call for every movie: `open_movie` gives lazy frames with nanometres, seconds, and where those came from."""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionfront.core import Calibration

from .binning import binned
from .readers import read_recording
from .recording import Clock, Recording, Scale

__all__ = ["calibration_of", "movie_array", "movie_name", "open_movie", "user_calibrated"]


def open_movie(
    path: str | PathLike[str],
    *,
    pixel_size_nm: float | None = None,
    frame_time_s: float | None = None,
    binning: int = 1,
) -> xr.DataArray:
    """Open a movie, an image (a movie of one frame) or a folder of images.

    Nothing but headers is read before pixels are asked for, one frame at a time.

    Args:
        path: A TIFF, MRC, DM3/DM4, EMD, SER/EMI, HSPY/ZSPY, Zarr, NPY, video or picture file, or a folder of images.
        pixel_size_nm: Edge of a pixel [nm], in place of the file's.
        frame_time_s: Time between frames [s], in place of the file's (and of its time stamps).
        binning: Means of so many times so many pixels stand for them, as float32; the calibration knows.

    Returns:
        Dims (time, y, x), dtype as recorded, dask chunks of one frame. Coordinates: `time` (attr units "s", or "frame"
        where the frame time is unknown), as the file's time stamps have it, else from 0; `y` and `x` (units "nm", or
        "px"), from 0; along `time` also `dose_e_nm2` and `missed` (frames that were lost before each) where the file
        was recorded by IonFront. Attrs: `source`; `pixel_size_nm` and `frame_time_s` (the median) only where known;
        `pixel_size_source`, `frame_time_source`; `conversion` where pixels are not as recorded (colour to grey);
        `notes`, sentences a user should see. Frames stored out
        of order are sorted by their time stamps. They cannot be decoded before they are asked for, so a damaged one
        raises MovieError then.
        NaN pixels stay: they are pixels without data (see `is_blanked`).

    Raises:
        MovieError: Missing, empty, damaged, of an unknown format, or without real-valued images.
        MissingExtraError: The format needs `pip install "ionfront[formats]"`.
        CalibrationError: A given scale is not finite and positive.
        UsageError: `binning` is no number from 1 to 64.
    """
    recording = read_recording(Path(path))
    scale, clock = user_calibrated(recording, pixel_size_nm, frame_time_s)
    recording, scale = binned(recording, scale, binning)
    return movie_array(recording, scale, clock, source=str(path))


def movie_name(path: Path) -> str:
    """What frames of a movie are named after: its file without suffix, or its folder."""
    resolved = path.resolve()
    return resolved.name if resolved.is_dir() and not resolved.suffix else resolved.stem.removesuffix(".ome")


def calibration_of(movie: xr.DataArray) -> Calibration:
    """The calibration in a movie's attrs; what they lack is unknown."""
    return Calibration(
        movie.attrs.get("pixel_size_nm"),
        movie.attrs.get("frame_time_s"),
        movie.attrs.get("pixel_size_source", "unknown"),
        movie.attrs.get("frame_time_source", "unknown"),
    )


def user_calibrated(
    recording: Recording, pixel_size_nm: float | None, frame_time_s: float | None
) -> tuple[Scale, Clock]:
    """Scale and clock of a recording with the user's values in place of the file's, and provenance naming both."""
    Calibration(pixel_size_nm, frame_time_s)  # refuses impossible values
    scale, clock = recording.scale, recording.clock
    if pixel_size_nm is not None:
        scale = Scale(float(pixel_size_nm), _user_source(scale.nm, "nm"))
    if frame_time_s is not None:
        clock = Clock(float(frame_time_s), None, _user_source(clock.interval_s, "s"))
    return scale, clock


def movie_array(recording: Recording, scale: Scale, clock: Clock, *, source: str) -> xr.DataArray:
    """A recording as the DataArray that the rest of IonFront works with, its frames in the order of their times."""
    recording, clock = _in_order(recording, clock)
    count, height, width = recording.frames.shape
    length_unit = "px" if scale.nm is None else "nm"
    step = scale.nm or 1.0
    time_unit = "frame" if clock.interval_s is None else "s"
    coords = {
        "time": ("time", _times(clock, count), {"units": time_unit}),
        "y": ("y", np.arange(height) * step, {"units": length_unit}),
        "x": ("x", np.arange(width) * step, {"units": length_unit}),
        **{name: ("time", values) for name, values in recording.told.items()},
    }
    return xr.DataArray(
        recording.frames, coords, ("time", "y", "x"), name="movie", attrs=_attrs(recording, scale, clock, source)
    )


def _in_order(recording: Recording, clock: Clock) -> tuple[Recording, Clock]:
    """Frames that lie in another order than they were taken in are put right."""
    if clock.stamps_s is None or (np.diff(clock.stamps_s) > 0).all():
        return recording, clock
    order = np.argsort(clock.stamps_s)
    moved = int((order != np.arange(order.size)).sum())
    note = f"{moved} of {order.size} frames lie out of order in the file; they are taken in the order of their times."
    sorted_recording = replace(
        recording,
        frames=recording.frames[order],
        notes=(*recording.notes, note),
        told={name: values[order] for name, values in recording.told.items()},
    )
    return sorted_recording, replace(clock, stamps_s=clock.stamps_s[order])


def _times(clock: Clock, count: int) -> NDArray[np.float64]:
    if clock.stamps_s is not None:
        return clock.stamps_s
    return np.arange(count, dtype=float) * np.float64(clock.interval_s or 1.0)


def _attrs(recording: Recording, scale: Scale, clock: Clock, source: str) -> dict[str, Any]:
    attrs: dict[str, Any] = {
        "source": source,
        "pixel_size_nm": scale.nm,
        "frame_time_s": clock.interval_s,
        "pixel_size_source": scale.source,
        "frame_time_source": clock.source,
        "conversion": recording.conversion,
        "notes": recording.notes or None,
    }
    return {name: value for name, value in attrs.items() if value is not None}


def _user_source(found: float | None, unit: str) -> str:
    return "user" if found is None else f"user (file said {found:g} {unit})"
