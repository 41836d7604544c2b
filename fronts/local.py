"""A front at each place that it passed: how fast it went, in which direction, and how it was bent there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .geometry import local_gradient

__all__ = ["LOCAL_BLOCKS", "LocalFront", "local_front"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LOCAL_BLOCKS = {"across": 5, "least_px": 8}
"""Blocks that what is read off around pixels is drawn by: wider than its smoothing."""

_SMOOTHING_PX = 3.0
_MARGIN_PX = 4  # gradients are not trusted nearer to the outline


@dataclass(frozen=True)
class LocalFront:
    """What an arrival map T says of the front around each pixel.

    Attributes:
        speed: 1/|grad T|, shape (y, x), in pixels per time unit; NaN where it is not trusted.
        direction: Angle of grad T, the way that the front went, from x towards y [rad].
        curvature: div(grad T/|grad T|) [1/px]: positive where the front's middle leads, negative where it lags.
    """

    speed: Floats
    direction: Floats
    curvature: Floats

    @property
    def trusted(self) -> Mask:
        """Where all three are known, shape (y, x)."""
        return np.isfinite(self.speed) & np.isfinite(self.curvature)


def local_front(arrival: Floats, swept: Mask) -> LocalFront:
    """Read speed, direction and curvature off an arrival map.

    Args:
        arrival: Arrival times, shape (y, x).
        swept: Where the front is known to have passed within the movie.
    """
    gradient_y, gradient_x = local_gradient(np.where(swept, arrival, 0.0), swept, _SMOOTHING_PX)
    slowness = np.hypot(gradient_y, gradient_x)
    slowness[slowness == 0] = np.nan
    divergence = np.gradient(gradient_y / slowness, axis=0) + np.gradient(gradient_x / slowness, axis=1)
    inside = ndimage.binary_erosion(swept, iterations=_MARGIN_PX)
    return LocalFront(
        speed=np.where(inside, 1 / slowness, np.nan),
        direction=np.where(inside, np.arctan2(gradient_y, gradient_x), np.nan),
        curvature=np.where(inside, divergence, np.nan),
    )
