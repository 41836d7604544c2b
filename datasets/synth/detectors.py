"""From electrons to the numbers in the file: gain, bad pixels, bits, saturation, video."""

import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .noise import smooth_noise

__all__ = ["DETECTOR_NAMES", "Detector", "DetectorName", "Video", "random_detector"]

DetectorName = Literal["ccd", "cmos", "float", "counting", "video"]
DETECTOR_NAMES: tuple[DetectorName, ...] = ("ccd", "cmos", "float", "counting", "video")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Video:
    """What becomes of frames that were saved as a film: lossy compression, a scale bar and text in the picture.

    Attributes:
        quality: JPEG quality, 1 to 95.
        bar: (left, top, right, bottom) of the scale bar [px]; None for none.
        text: Written above the bar.
        white: Whether bar and text are white, else black.
    """

    quality: int
    bar: tuple[int, int, int, int] | None
    text: str
    white: bool

    def film(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame as it comes out of the film, shape (y, x)."""
        picture = Image.fromarray(frame)
        if self.bar is not None:
            shade, pen = 255 * self.white, ImageDraw.Draw(picture)
            pen.rectangle(self.bar, fill=shade)
            pen.text((self.bar[0], self.bar[1] - 12), self.text, fill=shade)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=self.quality)
        return np.asarray(Image.open(file))


@dataclass(frozen=True)
class Detector:
    """Turns electrons into recorded numbers.

    Attributes:
        counts_per_e: Gain.
        pedestal: Added against clipping, as cameras do.
        top: Largest number that is recorded; more is saturated.
        dtype: Of the file.
        gain: What is left of the gain pattern after correction, shape (y, x); None for none.
        stuck: Numbers of hot and dead pixels and columns, shape (y, x), NaN where the pixel works; None for none.
        video: Set if the frames were saved as a film.
    """

    counts_per_e: float
    pedestal: float = 100.0
    top: float = 65535.0
    dtype: str = "uint16"
    gain: Floats | None = None
    stuck: Floats | None = None
    video: Video | None = None

    def record(self, electrons: Floats, exposures: int) -> NDArray[Any]:
        """The mean of several exposures as it is saved, shape (y, x); `electrons` is their sum."""
        counts = self.pedestal + self.counts_per_e * electrons / exposures
        if self.gain is not None:
            counts = counts * self.gain
        if self.stuck is not None:
            counts = np.where(np.isnan(self.stuck), counts, self.stuck)
        if self.dtype == "float32":
            return np.asarray(np.minimum(counts, self.top), np.float32)
        recorded = np.asarray(np.clip(np.rint(counts), 0, self.top), self.dtype)
        return recorded if self.video is None else self.video.film(recorded)


def random_detector(name: DetectorName, size_px: int, dose_e_px: float, rng: np.random.Generator) -> Detector:
    """Draw a detector of a kind.

    "ccd" and "cmos" count with 16 and 12 bits and have gain patterns and bad pixels; "float" is a gain-corrected
    average; "counting" is a direct electron detector; "video" is 8 bits, compressed, mostly with a scale bar.

    Args:
        name: Kind.
        size_px: Edge of the frame.
        dose_e_px: Electrons a pixel and frame in vacuum, by which the brightness is set.
        rng: Source of randomness.
    """
    match name:
        case "ccd":
            counts_per_e = float(rng.uniform(5, 40))
            bad = _stuck(size_px, 100 + counts_per_e * dose_e_px, rng)
            return Detector(counts_per_e, gain=_gain(size_px, rng), stuck=bad)
        case "cmos":
            counts_per_e = float(4095 * rng.uniform(0.2, 1.15) / dose_e_px)  # over one: vacuum saturates
            bad = _stuck(size_px, 4095, rng)
            return Detector(counts_per_e, float(rng.uniform(0, 200)), 4095, gain=_gain(size_px, rng), stuck=bad)
        case "float":
            scale = float(np.exp(rng.uniform(np.log(1e-3), np.log(1e3))))
            return Detector(scale, scale * float(rng.uniform(-2, 2)), np.inf, "float32", gain=_gain(size_px, rng))
        case "counting":
            return Detector(1.0, 0.0, np.inf, "float32")
        case "video":
            counts_per_e = float(255 * rng.uniform(0.5, 1.15) / dose_e_px)
            video = Video(int(rng.integers(30, 92)), *_scale_bar(size_px, rng))
            return Detector(counts_per_e, float(rng.uniform(-20, 20)), 255, "uint8", video=video)


def _gain(size_px: int, rng: np.random.Generator) -> Floats:
    """Fibre bundles, channels read out side by side, and pixels of their own."""
    pattern = rng.uniform(0, 0.015) * rng.standard_normal((size_px, size_px))
    pattern += rng.uniform(0, 0.02) * smooth_noise(size_px, size_px / 4, rng)
    if rng.random() < 0.3:
        pattern += rng.uniform(0, 0.02) * rng.standard_normal(size_px)[None, :]
    if rng.random() < 0.3:
        pattern[: size_px // 2] += rng.normal(0, 0.02)
    return np.asarray(1 + pattern)


def _stuck(size_px: int, white: float, rng: np.random.Generator) -> Floats | None:
    if rng.random() < 0.5:
        return None
    stuck = np.full((size_px, size_px), np.nan)
    count = int(size_px**2 * np.exp(rng.uniform(np.log(1e-5), np.log(1e-3)))) + 1
    where = tuple(rng.integers(size_px, size=(2, count)))
    stuck[where] = np.where(rng.random(count) < 0.6, white * np.exp(rng.uniform(0.5, 3, count)), 0.0)
    if rng.random() < 0.2:
        stuck[:, rng.integers(size_px)] = rng.choice([0.0, 1.5 * white])
    return stuck


def _scale_bar(size_px: int, rng: np.random.Generator) -> tuple[tuple[int, int, int, int] | None, str, bool]:
    if rng.random() < 0.25:
        return None, "", True
    length, height = int(size_px * rng.uniform(0.12, 0.3)), int(rng.integers(2, 6))
    left = int(rng.choice([6, size_px - length - 6]))
    bottom = size_px - int(rng.integers(5, 12))
    text = f"{rng.choice([2, 5, 10, 20, 50, 100, 200])} nm"
    return (left, bottom - height, left + length, bottom), text, bool(rng.random() < 0.7)
