"""How noisy frames are by their brightness, and what they would look like with less dose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.datasets import without_gaps

__all__ = ["Noise", "noise_of"]

Frame = NDArray[Any]
Floats = NDArray[np.floating[Any]]

# What is left of a frame whose brightness bends nowhere is noise, of the same variance (Immerkær 1996,
# doi:10.1006/cviu.1996.0060).
_LEFT = np.array([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]]) / 6
_MEDIAN_SQUARE = 0.4549364  # of a standard normal number
_BINS = 8
_AROUND_PX = 3


@dataclass(frozen=True)
class Noise:
    """Variance of a pixel: `by_grey` times its grey value, plus `constant`; and no less than `least`."""

    by_grey: float
    constant: float
    least: float

    def variance(self, grey: Floats) -> Floats:
        """Of pixels with these mean grey values."""
        return np.asarray(np.maximum(self.by_grey * grey + self.constant, self.least))

    def with_less_dose(self, frame: Frame, share: float, rng: np.random.Generator) -> Floats:
        """A frame (y, x) with the noise that this share of its dose would have had, at the same brightness.

        All noise is taken to be that of counted electrons, so its variance goes as the inverse of the dose.
        """
        grey = np.asarray(frame, np.float64)
        mean = ndimage.uniform_filter(without_gaps(grey), _AROUND_PX)
        return np.asarray(grey + rng.standard_normal(grey.shape) * np.sqrt(self.variance(mean) * (1 / share - 1)))


def noise_of(frames: Sequence[Frame]) -> Noise:
    """The noise of frames (y, x) from one camera, by medians, so that edges do not count.

    Noise that neighbouring pixels share is not seen.
    """
    means, variances = [], []
    for frame in frames:
        grey = without_gaps(np.asarray(frame, np.float64))
        mean = ndimage.uniform_filter(grey, _AROUND_PX)[1:-1, 1:-1].ravel()
        squares = np.square(ndimage.convolve(grey, _LEFT)[1:-1, 1:-1]).ravel()
        for part in np.array_split(np.argsort(mean), _BINS):
            means.append(float(mean[part].mean()))
            variances.append(float(np.median(squares[part])) / _MEDIAN_SQUARE)
    usual = float(np.median(variances))
    if np.ptp(means) == 0:
        return Noise(0.0, usual, usual)
    by_grey, constant = np.polyfit(means, variances, 1)
    least = min(variances)
    return Noise(float(by_grey), float(constant), least) if by_grey > 0 else Noise(0.0, usual, usual)
