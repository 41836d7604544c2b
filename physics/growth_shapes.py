"""Speed of a front by its direction: the support function of the shape that it grows into from a point.

Wulff's construction, or Huygens': an ellipse gives F^2 = a^2 nx^2 + b^2 ny^2; a rectangle F = a |nx| + b |ny|; a
diamond F = max(a |nx|, b |ny|); a lattice of k-fold symmetry F = 1 + e cos k t.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LatticeFold", "TwoAxes", "lattice_speed", "two_axes_speed"]

Floats = NDArray[np.float64]
TwoAxes = Literal["ellipse", "rectangle", "diamond"]
LatticeFold = Literal[4, 6]


def two_axes_speed(form: TwoAxes, angle_rad: ArrayLike, along: ArrayLike, across: ArrayLike) -> Floats:
    """Normal speed of a front whose normal makes an angle with the first axis.

    Args:
        form: Shape that the front grows into from a point.
        angle_rad: Between normal and first axis.
        along: Speed along the first axis.
        across: Speed along the second.
    """
    first = np.asarray(along) * np.abs(np.cos(angle_rad))
    second = np.asarray(across) * np.abs(np.sin(angle_rad))
    match form:
        case "ellipse":
            return np.asarray(np.hypot(first, second))
        case "rectangle":
            return np.asarray(first + second)
        case "diamond":
            return np.asarray(np.maximum(first, second))


def lattice_speed(fold: LatticeFold, angle_rad: ArrayLike, strength: ArrayLike) -> Floats:
    """1 + e cos k t, relative to the mean of all directions.

    Args:
        fold: k.
        angle_rad: t, from a direction in which the front is fastest.
        strength: e, below 1; beyond 1/(k^2 - 1) the growth shape has corners.
    """
    return np.asarray(1 + np.asarray(strength) * np.cos(fold * np.asarray(angle_rad)))
