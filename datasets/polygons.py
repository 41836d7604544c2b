"""Outlines to label images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.draw import polygon as polygon_pixels

__all__ = ["paint_polygons"]


def paint_polygons(
    shape: tuple[int, int], outlines: Sequence[tuple[int, ArrayLike]], elsewhere: int = 0
) -> NDArray[np.uint8]:
    """Label image (y, x) on which each outline fills the pixels whose centres it holds; later ones cover earlier ones.

    Args:
        shape: Height and width [px].
        outlines: Label id, and corners as (n, 2) x, y [px], measured from the image's upper left corner.
        elsewhere: Label id outside of all outlines.
    """
    labels = np.full(shape, elsewhere, np.uint8)
    for label_id, corners in outlines:
        x, y = np.asarray(corners, float).T
        # The centre of the first pixel lies at 0.5, 0.5 from the corner, and at index 0, 0.
        rows, columns = polygon_pixels(y - 0.5, x - 0.5, shape)
        labels[rows, columns] = label_id
    return labels
