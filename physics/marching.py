"""Fast marching: how long a front needs to each point, when its speed is known everywhere."""

import numpy as np
import skfmm
from numpy.typing import NDArray

__all__ = ["travel_cost"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def travel_cost(
    inside: Mask, source: Mask, speed: Floats | None = None, spacing: tuple[float, float] = (1.0, 1.0)
) -> Floats:
    """Least time from a source to each point along paths inside a body: |grad T| F = 1.

    Fast marching (Sethian 1996, doi:10.1073/pnas.93.4.1591) as scikit-fmm does it.

    Args:
        inside: The body, shape (y, x).
        source: Where the front sets out, shape (y, x); its outline, half a pixel beyond its pixels, has time zero.
        speed: F, positive, shape (y, x); None is one everywhere, so that the cost is the distance in pixels.
        spacing: Length of a pixel (y, x). Unequal ones make a growth shape that is an ellipse.

    Returns:
        Shape (y, x); NaN outside the body, where it cannot be reached, and in sources that lie outside.
    """
    level = np.where(source, -0.5, 0.5)
    open_space = np.ma.MaskedArray(level, mask=~(inside | source))
    if speed is None:
        cost = skfmm.distance(open_space, dx=spacing)
    else:
        cost = skfmm.travel_time(open_space, np.ma.MaskedArray(speed, mask=open_space.mask), dx=spacing)
    return np.where(inside & ~(source & ~inside), np.ma.filled(cost, np.nan), np.nan)
