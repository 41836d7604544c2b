"""Least squares within bounds, for curves of a few hundred points that are fitted again for each resampled track.

Such a curve takes tens of microseconds; a finite difference as scipy sets it up takes ten times as long.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

__all__ = ["least_squares"]

Floats = NDArray[np.float64]

_STEP = float(np.sqrt(np.finfo(float).eps))


def least_squares(
    residuals: Callable[[Floats], Floats], start: Floats, low: Floats, high: Floats, **options: Any
) -> optimize.OptimizeResult:
    """Parameters that make residuals small.

    Args:
        residuals: From parameters, shape (k,), to shape (n,).
        start: Parameters to set out from; brought within the bounds.
        low: Lower bounds, shape (k,).
        high: Upper bounds, shape (k,).
        options: Of scipy's `least_squares`.
    """

    def slopes(q: Floats) -> Floats:
        step = _STEP * np.maximum(1.0, np.abs(q))
        step = np.where(q + step > high, -step, step)
        here = residuals(q)
        return np.stack([(residuals(beside) - here) / h for beside, h in zip(q + np.diag(step), step, strict=True)], 1)

    inside = np.clip(start, low + 1e-6, high - 1e-6)
    return optimize.least_squares(residuals, inside, jac=slopes, bounds=(low, high), **options)
