"""Has the picture moved since it was last looked at as a whole? Cross-correlation of outlines, to a part of a pixel.

The change test takes what most of a frame does for noise. Where all of it moves, that is wrong, and this watch says so.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage
from skimage.registration import phase_cross_correlation

from ionfront.datasets import block_means

__all__ = ["DriftWatch"]

Floats = NDArray[np.float32]
Spectrum = NDArray[np.complexfloating]

_SIDE_PX = 256
_BAND_PX = (1.5, 6.0)
_UPSAMPLING = 20
_SURE = 5.0  # standard deviations of noise


class DriftWatch:
    """Compares each frame with the last one that was taken for the measure.

    Args:
        limit_px: A longer way has moved the picture [px that the network sees].
    """

    def __init__(self, limit_px: float) -> None:
        self._limit_px = limit_px
        self._measure: Spectrum | None = None
        self._latest: Spectrum | None = None

    def moved(self, image: Floats) -> bool:
        """Whether a normalised frame, shape (y, x), lies farther from the measure than allowed, and surely so."""
        step = math.ceil(max(image.shape) / _SIDE_PX)
        small = block_means(image, step)
        fine, coarse = (ndimage.gaussian_filter(small, width) for width in _BAND_PX)
        self._latest = fft.fft2(fine - coarse, norm="ortho")
        if self._measure is None or not (self._latest.any() and self._measure.any()):
            return False
        shift, _, _ = phase_cross_correlation(
            self._measure, self._latest, space="fourier", upsample_factor=_UPSAMPLING, normalization=None
        )
        return bool(step * np.hypot(*shift) > self._limit_px) and _is_sure(self._measure, self._latest, shift)

    def accept(self) -> None:
        """The frame that was seen last becomes the measure."""
        self._measure = self._latest


def _is_sure(measure: Spectrum, latest: Spectrum, shift: NDArray[np.floating]) -> bool:
    """Whether a shift makes two images correlate better than none does, by more than noise can make it seem.

    What noise of spectral power P adds to the difference of the two correlations has the variance
    sum of |exp(i k s) - 1|^2 |A|^2 P over frequencies k; P is taken from what the two images still differ by.
    """
    moved = ndimage.fourier_shift(latest, shift)
    gain = np.sum((measure.conj() * (moved - latest)).real)
    noise = np.abs(moved - measure) ** 2 / 2
    turned = np.abs(ndimage.fourier_shift(np.ones_like(measure), shift) - 1) ** 2
    return bool(gain > _SURE * math.sqrt(float(np.sum(turned * np.abs(measure) ** 2 * noise))))
