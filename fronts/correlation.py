"""Residuals that stay a while, as a first-order autoregression, and how many independent values they stand for."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["independent_values", "lag_one"]

Floats = NDArray[np.float64]


def lag_one(residuals: Floats, most: float = 0.95) -> float:
    """Correlation of residuals, shape (n,), with those of the moment before: 0 to `most`."""
    centred = residuals - residuals.mean()
    variance = float(centred @ centred)
    return float(np.clip(centred[1:] @ centred[:-1] / variance, 0.0, most)) if variance > 0 else 0.0


def independent_values(n: int, correlation: float) -> float:
    """How many independent values n of that correlation stand for."""
    return n * (1 - correlation) / (1 + correlation)
