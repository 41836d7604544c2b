"""Which windows a network must look at so that it sees every changed tile with what lies around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["WindowAxis", "covering", "plan_windows"]

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class WindowAxis:
    """Places for a window along one axis.

    Attributes:
        window_px: Length of every window.
        starts_px: Where a window may start, rising.
        covers: Which tiles a window at each start shows with a margin around them, shape (start, tile); the edge of
            the frame needs no margin.
        edges_px: Where tiles begin, and where the last one ends.
    """

    window_px: int
    starts_px: tuple[int, ...]
    covers: Bools
    edges_px: tuple[int, ...]

    def core(self, place: int) -> slice:
        """The pixels of the tiles that the window at a place covers."""
        (tiles,) = np.nonzero(self.covers[place])
        return slice(self.edges_px[tiles[0]], self.edges_px[tiles[-1] + 1])


def plan_windows(length_px: int, window_px: int, margin_px: int, tile_px: int) -> WindowAxis:
    """Places along an axis of `length_px`, each a multiple of `tile_px` or at the far end; every tile has one."""
    window = min(window_px, length_px)
    edges = np.append(np.arange(0, length_px, tile_px), length_px)
    starts = np.append(np.arange(0, length_px - window, tile_px), length_px - window)
    first = np.where(starts == 0, 0, starts + margin_px)
    last = np.where(starts == length_px - window, length_px, starts + window - margin_px)
    covers = (edges[:-1] >= first[:, None]) & (edges[1:] <= last[:, None])
    return WindowAxis(window, tuple(starts.tolist()), covers, tuple(edges.tolist()))


def covering(tiles: Bools, rows: WindowAxis, columns: WindowAxis) -> list[tuple[int, int]]:
    """Places (row, column) of windows that together cover `tiles`, each in turn the one that covers most of the rest.

    Greedy set cover: at most ln(n) times as many as the fewest possible (Chvátal 1979, doi:10.1287/moor.4.3.233).
    """
    left, places = tiles.copy(), []
    while left.any():
        counts = rows.covers.astype(int) @ left @ columns.covers.T.astype(int)
        row, column = _middle(counts == counts.max())
        places.append((row, column))
        left &= ~np.outer(rows.covers[row], columns.covers[column])
    return places


def _middle(equals: Bools) -> tuple[int, int]:
    """Of places that cover as much, the one in their middle: there tiles have most around them."""
    candidates = np.argwhere(equals)
    row, column = candidates[np.square(candidates - candidates.mean(axis=0)).sum(axis=1).argmin()]
    return int(row), int(column)
