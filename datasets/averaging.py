"""Frame averaging: where single frames are too noisy, the mean of neighbours stands for the one in their middle.

What microscopists do by hand before they look. A front moves on between the frames of a mean, as far to one side as to
the other, so that its position and time stay right; what it costs is sharpness, and so the number of frames is kept
to what noise asks for and drift and length of the movie allow.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from ionfront.core import UsageError

from .grey import is_blanked, without_gaps

__all__ = ["Averager", "averaged_frames", "frames_to_average", "mean_frame", "odd_count"]

Frame = NDArray[Any]

_MOST = 5
_NOISE = 0.07  # standard deviation over the contrast of a frame, above which averaging still gains
_BLUR_PX = 1.5  # how far the specimen may drift between the first and the last frame of a mean
_FRAMES_PER_MEAN = 12  # a movie must be this many times longer than a mean
_PLACES = 8
_SIDE_PX = 512


def averaged_frames(frames: Iterable[Frame | None], count: int) -> Iterator[Frame | None]:
    """What an `Averager` makes of frames (y, x) in order, None for blanked ones: as many as came in."""
    averager = Averager(count)
    for frame in frames:
        yield from averager.push(frame)
    yield from averager.flush()


def odd_count(count: int) -> int:
    """A number of frames that a mean can hold.

    Raises:
        UsageError: It is not odd.
    """
    if count < 1 or count % 2 == 0:
        raise UsageError(
            f"{count} frames cannot be averaged around one in their middle; take an odd number, or 1 for none."
        )
    return count


class Averager:
    """For each frame the mean of the `count` frames around it, fewer at the ends of the movie and beside blanked ones.

    A mean always holds as many frames before its middle as after, so that no front is seen too early or too late.
    At most `count` frames are in memory. A pixel without data (NaN) in a frame is left out of that pixel's mean.

    Args:
        count: Odd; 1 passes frames on as they are.

    Raises:
        UsageError: It is not.
    """

    def __init__(self, count: int) -> None:
        self._half = odd_count(count) // 2
        self._window: deque[Frame | None] = deque(maxlen=count)
        self._waiting = 0  # frames in the window that have not been answered yet

    def push(self, frame: Frame | None) -> list[Frame | None]:
        """Take the next frame (y, x), or None for a blanked one, which is left out of the means and comes out as None.

        Returns:
            The mean about the frame that came `count // 2` frames ago, float32 where averaged; nothing before there
            is one.
        """
        if self._half == 0:
            return [frame]
        self._window.append(frame)
        self._waiting += 1
        if self._waiting <= self._half:
            return []
        self._waiting -= 1
        return [_mean_about(self._window, len(self._window) - 1 - self._half, self._half)]

    def flush(self) -> list[Frame | None]:
        """The means about the last frames; none comes after them."""
        first, self._waiting = len(self._window) - self._waiting, 0
        return [_mean_about(self._window, place, self._half) for place in range(first, len(self._window))]


def frames_to_average(movie: xr.DataArray) -> int:
    """How many frames, 1, 3 or 5, a mean should hold, from noise, drift and length of a movie (time, y, x).

    Noise is the absolute difference of consecutive frames, at a few places over the movie, relative to the contrast
    of the smoothed frames; drift is measured between the first and the last frame of the longest mean.
    """
    allowed = movie.sizes["time"] // _FRAMES_PER_MEAN
    measured = [_noise_and_drift(*frames) for frames in _samples(movie)] if allowed >= 3 else []
    if not measured:
        return 1
    noise, drift_px = np.median(measured, axis=0)
    wanted = max(1.0, float(noise / _NOISE) ** 2)
    bearable = 1 + (_MOST - 1) * _BLUR_PX / max(float(drift_px), 1e-6)
    most = min(_MOST, allowed, bearable)
    return 1 + 2 * min(math.ceil((wanted - 1) / 2), math.floor((most - 1) / 2))


def mean_frame(frames: Sequence[Frame]) -> NDArray[np.float32]:
    """Mean of frames (y, x), at least one; missing pixels (NaN) are left out, NaN where all are missing."""
    total, known = np.zeros(frames[0].shape, np.float32), np.zeros(frames[0].shape, np.uint8)
    for frame in frames:
        finite = np.isfinite(frame)
        np.add(total, frame, out=total, where=finite, casting="unsafe")
        known += finite
    return np.where(known > 0, total / np.maximum(known, 1), np.float32("nan"))


def _mean_about(window: deque[Frame | None], place: int, half: int) -> Frame | None:
    middle = window[place]
    if middle is None:
        return None
    near = [middle]
    for step in range(1, min(half, place, len(window) - 1 - place) + 1):
        before, after = window[place - step], window[place + step]
        if before is not None and after is not None:
            near += [before, after]
    return mean_frame(near)


def _samples(movie: xr.DataArray) -> Iterator[tuple[Frame, Frame, Frame]]:
    """At a few places: a frame, the next one, and the last one of a mean that starts there."""
    middle = tuple(slice(max(0, n // 2 - _SIDE_PX // 2), n // 2 + _SIDE_PX // 2) for n in movie.shape[1:])
    for index in np.unique(np.linspace(0, movie.sizes["time"] - _MOST, _PLACES).astype(int)):
        first, second, last = (movie[k].values[middle] for k in (index, index + 1, index + _MOST - 1))
        if not any(is_blanked(frame) for frame in (first, second, last)):
            yield without_gaps(first), without_gaps(second), without_gaps(last)


def _noise_and_drift(first: Frame, second: Frame, last: Frame) -> tuple[float, float]:
    # The 80th percentile of |x| is 1.28 standard deviations; a median would see only the dark support of a dark field.
    difference = second - first
    spread = np.percentile(np.abs(difference - np.median(difference)), 80) / 1.28 / np.sqrt(2)
    smooth = [ndimage.gaussian_filter(frame, 2.0) for frame in (first, last)]
    low, high = np.percentile(smooth, [1, 99])
    shift, _, _ = phase_cross_correlation(*smooth, upsample_factor=10, normalization=None)
    return float(spread / max(high - low, 1e-12)), float(np.hypot(*shift))
