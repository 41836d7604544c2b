"""What is known of each frame, a row of numbers for each, while frames come one by one."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Series"]

_FIRST = 64  # rows that there is room for


class Series:
    """An array that grows by a row at a time, in one piece, so that it is copied and sent as one.

    Args:
        width: Numbers in a row.
    """

    def __init__(self, width: int) -> None:
        self._rows = np.zeros((_FIRST, width))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> NDArray[np.float64]:
        """Shape (n, width); to be looked at, not written to."""
        return self._rows[: self._count]

    @property
    def last(self) -> NDArray[np.float64]:
        """The newest row.

        Raises:
            IndexError: There is none.
        """
        return np.asarray(self.rows[-1])

    def append(self, row: ArrayLike) -> None:
        """Take the next row, shape (width,)."""
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros((max(self._count, _FIRST), self._rows.shape[1]))])
        self._rows[self._count] = row
        self._count += 1

    def divided(self, by: float) -> "Series":
        """A copy with all numbers so many times smaller."""
        other = Series(self._rows.shape[1])
        other._rows, other._count = self.rows / by, self._count
        return other
