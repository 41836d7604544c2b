"""What is left of a mask without its thin parts."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["opened"]

Mask = NDArray[np.bool_]


def opened(mask: Mask, times: int) -> Mask:
    """The mask (y, x), eroded and dilated so many times by a cross of 5 pixels; outside it is empty.

    It gives what `scipy.ndimage.binary_opening` does, several times faster, by whole rows.
    """
    padded = np.pad(mask, 1)
    for both in (np.logical_and, np.logical_or):
        for _ in range(times):
            padded[1:-1, 1:-1] = _of_cross(padded, both)
    return np.asarray(padded[1:-1, 1:-1])


def _of_cross(padded: Mask, both: np.ufunc) -> Mask:
    found = both(padded[1:-1, 1:-1], padded[:-2, 1:-1])
    for neighbours in (padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        both(found, neighbours, out=found)
    return np.asarray(found)
