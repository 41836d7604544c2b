"""Fewer, larger pixels: less to work on, and less noise in each."""

from dataclasses import replace

from ionfront.core import Calibration, UsageError

from .blocks import block_means
from .recording import Recording, Scale

__all__ = ["binned", "binning_factor"]

_MOST = 64


def binning_factor(factor: int) -> int:
    """The same number, once it is known to make sense.

    Raises:
        UsageError: It does not.
    """
    if not 1 <= factor <= _MOST:
        raise UsageError(f"binning is {factor}; a whole number from 1, for none, to {_MOST} is needed.")
    return factor


def binned(recording: Recording, scale: Scale, factor: int) -> tuple[Recording, Scale]:
    """Means of `factor` x `factor` pixels as float32, worked out as they are read, and how large those pixels are.

    Args:
        recording: Of any size; incomplete blocks at the border are filled up with its pixels.
        scale: Of its pixels.
        factor: 1 leaves everything as it is.

    Raises:
        UsageError: A factor that makes no sense.
    """
    if binning_factor(factor) == 1:
        return recording, scale
    frames = recording.frames.rechunk({1: -1, 2: -1})
    times, (height,), (width,) = frames.chunks
    chunks = (times, (-(-height // factor),), (-(-width // factor),))
    means = frames.map_blocks(block_means, factor, dtype="float32", chunks=chunks)
    larger = Calibration(pixel_size_nm=scale.nm, pixel_size_source=scale.source).binned(factor)
    return replace(recording, frames=means), Scale(larger.pixel_size_nm, larger.pixel_size_source)
