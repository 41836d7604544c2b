"""Smooth random fields, of which most of a synthetic movie is made."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["smooth_noise"]

Floats = NDArray[np.float64]


def smooth_noise(size_px: int, correlation_px: float, rng: np.random.Generator) -> Floats:
    """A random field of mean zero and standard deviation one, shape (size_px, size_px)."""
    # Long correlations are drawn on a coarse grid and enlarged: the same field for a fraction of the work.
    step = max(1, int(correlation_px / 3))
    coarse = -(-size_px // step) + 3
    field = ndimage.gaussian_filter(rng.standard_normal((coarse, coarse)), correlation_px / step, mode="wrap")
    if step > 1:
        field = ndimage.zoom(field, step, order=1)
    field = field[:size_px, :size_px]
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-9))
