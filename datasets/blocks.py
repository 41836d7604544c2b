"""Images made smaller by the means of their blocks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["block_means"]


def block_means(images: NDArray[Any], edge: int) -> NDArray[np.float32]:
    """Means of blocks of `edge` x `edge` pixels, shape (..., y / edge, x / edge), edges of the image rounded up.

    Args:
        images: Shape (..., y, x). A last, incomplete block is filled up with the pixels at the border.
        edge: Edge of a block [px].
    """
    if edge == 1:
        return np.asarray(images, np.float32)
    values = np.asarray(images)
    rows, columns = values.shape[-2:]
    if rows % edge or columns % edge:
        values = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(0, -rows % edge), (0, -columns % edge)], mode="edge")
    # Sums of strided views: numpy's mean over such short axes takes ten times as long. No copy of all as floats.
    stripes = values[..., ::edge, :].astype(np.float32)
    for k in range(1, edge):
        stripes += values[..., k::edge, :]
    blocks = stripes[..., ::edge].copy()
    for k in range(1, edge):
        blocks += stripes[..., k::edge]
    blocks *= np.float32(1 / edge**2)
    return np.asarray(blocks, np.float32)
