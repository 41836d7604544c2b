"""Nanometres a pixel and seconds a frame, each with where it came from. What is unknown stays unknown."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from .errors import CalibrationError

__all__ = ["Calibration"]


@dataclass(frozen=True)
class Calibration:
    """Scales of a movie; None means that nobody knows, and results are then in pixels or frames.

    Attributes:
        pixel_size_nm: Edge of a square pixel [nm].
        frame_time_s: Median time between frames [s].
        pixel_size_source: Where the pixel size came from ("file: OME-XML", "user", "unknown").
        frame_time_source: Likewise for the time.

    Raises:
        CalibrationError: A scale is not finite and positive.
    """

    pixel_size_nm: float | None = None
    frame_time_s: float | None = None
    pixel_size_source: str = "unknown"
    frame_time_source: str = "unknown"

    def __post_init__(self) -> None:
        for name in ("pixel_size_nm", "frame_time_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise CalibrationError(f"{name} is {value}; it must be finite and above zero.")

    def overridden(self, pixel_size_nm: float | None = None, frame_time_s: float | None = None) -> "Calibration":
        """The same calibration with the user's values in place of the file's."""
        result = self
        if pixel_size_nm is not None:
            result = replace(result, pixel_size_nm=pixel_size_nm, pixel_size_source="user")
        if frame_time_s is not None:
            result = replace(result, frame_time_s=frame_time_s, frame_time_source="user")
        return result

    def binned(self, factor: int) -> "Calibration":
        """The calibration of pixels so many times as large."""
        if factor == 1:
            return self
        size = None if self.pixel_size_nm is None else self.pixel_size_nm * factor
        source = f"{self.pixel_size_source}, {factor} x {factor} binned"
        return replace(self, pixel_size_nm=size, pixel_size_source=source)

    @property
    def length_unit(self) -> Literal["nm", "px"]:
        """Unit of every length measured with this calibration."""
        return "px" if self.pixel_size_nm is None else "nm"

    @property
    def time_unit(self) -> Literal["s", "frame"]:
        """Unit of every time measured with this calibration."""
        return "frame" if self.frame_time_s is None else "s"

    @property
    def warnings(self) -> tuple[str, ...]:
        """One loud sentence for each scale that is missing."""
        missing = []
        if self.pixel_size_nm is None:
            missing.append("No pixel size is known: lengths are in PIXELS, not nanometres. Give --pixel-size-nm.")
        if self.frame_time_s is None:
            missing.append("No frame time is known: times are in FRAMES, not seconds. Give --frame-time-s.")
        return tuple(missing)
