"""Whether a front is concave, planar or convex, from the divergence of its normal."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.core import Quantity

from .geometry import front_normal

__all__ = ["FrontShape", "front_shape"]

Floats = NDArray[np.float64]
ShapeWord = Literal["concave", "planar", "convex"]

_PLANAR_SAG = 0.05  # sagitta over half width below which a front counts as planar whatever its interval
_SMOOTHING_PX = 3.0
_MARGIN_PX = 4  # the normal is not trusted nearer to the outline


@dataclass(frozen=True)
class FrontShape:
    """Mean curvature of a front, div(grad T/|grad T|): positive where its middle leads, negative where it lags."""

    word: ShapeWord
    curvature_per_px: Quantity


def front_shape(
    arrival: Floats, reached: NDArray[np.bool_], half_width_px: float, *, n_replicates: int = 200, seed: int = 0
) -> FrontShape | None:
    """Curvature with its block-bootstrap interval; None where the swept area is too thin to have one.

    Args:
        arrival: Arrival times, shape (y, x).
        reached: Where the front has passed.
        half_width_px: Half the extent of the front along itself.
        n_replicates: Bootstrap samples over blocks of the swept area.
        seed: Of the bootstrap.
    """
    normal_y, normal_x = front_normal(arrival, reached, _SMOOTHING_PX)
    divergence = np.gradient(normal_y, axis=0) + np.gradient(normal_x, axis=1)
    trusted = ndimage.binary_erosion(reached, iterations=_MARGIN_PX) & np.isfinite(divergence)
    if trusted.sum() < 50:
        return None
    rows, columns = np.nonzero(trusted)
    side = max(8, int(np.sqrt(rows.size) / 5))
    _, block = np.unique((rows // side) * trusted.shape[1] + columns // side, return_inverse=True)
    total = np.bincount(block, np.clip(divergence[trusted], -1.0, 1.0))
    count = np.bincount(block)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(count.size, np.full(count.size, 1 / count.size), size=n_replicates)
    value = float(total.sum() / count.sum())
    curvature = Quantity.from_samples(value, (draws @ total) / (draws @ count))
    return FrontShape(_word(curvature, half_width_px), curvature)


def _word(curvature: Quantity, half_width_px: float) -> ShapeWord:
    # The sagitta of an arc of half width w is about curvature * w^2 / 2.
    flat = abs(curvature.value) * half_width_px / 2 < _PLANAR_SAG
    if flat or curvature.low <= 0 <= curvature.high:
        return "planar"
    return "convex" if curvature.value > 0 else "concave"
