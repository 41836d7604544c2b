"""Whether a front is concave, planar or convex, from the divergence of its normal."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ionfront.core import Quantity

from .blocks import blocks_in, draws_of_blocks
from .local import LOCAL_BLOCKS, LocalFront

__all__ = ["FrontShape", "front_shape"]

Floats = NDArray[np.float64]
ShapeWord = Literal["concave", "planar", "convex"]

_PLANAR_SAG = 0.05  # sagitta over half width below which a front counts as planar whatever its interval
_FEWEST_PX = 50


@dataclass(frozen=True)
class FrontShape:
    """Mean curvature of a front, div(grad T/|grad T|): positive where its middle leads, negative where it lags."""

    word: ShapeWord
    curvature_per_px: Quantity


def front_shape(
    local: LocalFront, half_width_px: float, *, n_replicates: int = 200, seed: int = 0
) -> FrontShape | None:
    """Mean curvature with its block-bootstrap interval; None where the swept area is too thin to have one.

    Args:
        local: The front at each place.
        half_width_px: Half the extent of the front along itself.
        n_replicates: Bootstrap samples over blocks of the swept area.
        seed: Of the bootstrap.
    """
    rows, columns = np.nonzero(local.trusted)
    if rows.size < _FEWEST_PX:
        return None
    block = blocks_in(rows, columns, **LOCAL_BLOCKS)
    total = np.bincount(block, np.clip(local.curvature[rows, columns], -1.0, 1.0))
    count = np.bincount(block)
    draws = draws_of_blocks(count.size, n_replicates, np.random.default_rng(seed))
    value = float(total.sum() / count.sum())
    curvature = Quantity.from_samples(value, (draws @ total) / (draws @ count))
    return FrontShape(_word(curvature, half_width_px), curvature)


def _word(curvature: Quantity, half_width_px: float) -> ShapeWord:
    # The sagitta of an arc of half width w is about curvature * w^2 / 2.
    flat = abs(curvature.value) * half_width_px / 2 < _PLANAR_SAG
    if flat or curvature.low <= 0 <= curvature.high:
        return "planar"
    return "convex" if curvature.value > 0 else "concave"
