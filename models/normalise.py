"""Grey values as the network sees them: one robust scale a frame, the same in training and in use."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionfront.core import UsageError

__all__ = ["Normalisation", "for_network", "normalise", "normalise_channels"]

_SAMPLE_PX = 2**16


@dataclass(frozen=True)
class Normalisation:
    """How a frame is scaled: `low` and `high` percentiles become 0 and 1, and what lies beyond `clip` is cut.

    Attributes:
        kind: The only kind so far.
        low: Percentile that becomes 0 [%].
        high: Percentile that becomes 1 [%].
        clip: Smallest and largest value that is kept, in units of the scaled frame.

    Raises:
        UsageError: Percentiles or clip range are not in rising order.
    """

    kind: Literal["percentile"] = "percentile"
    low: float = 1.0
    high: float = 99.0
    clip: tuple[float, float] = (-1.0, 2.0)

    def __post_init__(self) -> None:
        if not (0 <= self.low < self.high <= 100 and self.clip[0] < self.clip[1]):
            raise UsageError(
                f"percentiles {self.low}, {self.high} and clip range {self.clip} must each rise, "
                "percentiles within 0 to 100: correct the normalisation."
            )


def normalise(frame: ArrayLike, norm: Normalisation) -> NDArray[np.float32]:
    """Scale a whole frame by its own percentiles, before any cropping or tiling.

    Args:
        frame: Grey values of any real type, shape (y, x). NaN and infinities become 0.
        norm: The scale.

    Returns:
        Scaled frame, shape (y, x); zeros where the frame is constant or has no finite value.

    Raises:
        UsageError: The frame is not two-dimensional or not real.
    """
    array: NDArray[Any] = np.asarray(frame)
    (scaled,) = normalise_channels(_checked(array), norm)
    return np.asarray(scaled)


def normalise_channels(frame: ArrayLike, norm: Normalisation) -> NDArray[np.float32]:
    """A frame and, where it has one, its reference, both scaled by the frame's percentiles, so that change shows.

    Args:
        frame: Grey values, shape (y, x), or (2, y, x) with the reference behind the frame.
        norm: The scale.

    Returns:
        Shape (channel, y, x), as many channels as were given.

    Raises:
        UsageError: The frame is neither, or not real.
    """
    array: NDArray[Any] = np.asarray(frame)
    channels = array if array.ndim == 3 and len(array) == 2 else array[None]
    _checked(channels[0])
    return _scaled(channels.astype(np.float32), norm)


def for_network(channels: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Channels (channel, y, x) as a network takes them: 1 leaves a reference out, 2 takes a frame for its own."""
    return channels[:count] if len(channels) >= count else np.repeat(channels, count, axis=0)


def _checked(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "biuf":
        raise UsageError(
            f"a frame of shape {array.shape} and type {array.dtype} was given; one grey image (y, x) of real numbers "
            "is needed: pass one frame and one channel at a time."
        )
    return array


def _scaled(channels: NDArray[np.float32], norm: Normalisation) -> NDArray[np.float32]:
    """Scale channels in place by the percentiles of the first."""
    low, high = _percentiles(channels[0], norm)
    if not high > low:
        return np.zeros_like(channels)
    finite = np.isfinite(channels)
    channels -= low
    channels /= high - low
    np.clip(channels, *norm.clip, out=channels)
    if not finite.all():
        channels[~finite] = 0
    return channels


def _percentiles(values: NDArray[np.float32], norm: Normalisation) -> tuple[np.float32, np.float32]:
    """Percentiles of at most 2**16 pixels on a regular grid: the same every time, and fast for any frame."""
    stride = math.ceil(math.sqrt(values.size / _SAMPLE_PX))
    sample = values[::stride, ::stride]
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        sample = values[np.isfinite(values)]
    if sample.size == 0:
        return np.float32(0), np.float32(0)
    low, high = np.percentile(sample, [norm.low, norm.high])
    return np.float32(low), np.float32(high)
