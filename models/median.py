"""The median of a pixel's neighbourhood."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["median_of_nine"]

Floats = NDArray[np.floating[Any]]


def median_of_nine(image: Floats) -> Floats:
    """The median of each pixel and its eight neighbours, shape (y, x); beyond the border is what lies at it.

    It gives what `scipy.ndimage.median_filter(image, 3, mode="nearest")` does, several times faster.

    Of the columns of three, sorted: the median of the largest low, the middle of the middles and the smallest high.
    """
    padded = np.pad(image, 1, mode="edge")
    low, middle, high = _sorted_three(padded[:-2], padded[1:-1], padded[2:])
    largest_low = np.maximum(np.maximum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    middle_middle = _sorted_three(middle[:, :-2], middle[:, 1:-1], middle[:, 2:])[1]
    smallest_high = np.minimum(np.minimum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    return _sorted_three(largest_low, middle_middle, smallest_high)[1]


def _sorted_three(one: Floats, two: Floats, three: Floats) -> tuple[Floats, Floats, Floats]:
    low, high = np.minimum(one, two), np.maximum(one, two)
    return np.minimum(low, three), np.maximum(low, np.minimum(high, three)), np.maximum(high, three)
