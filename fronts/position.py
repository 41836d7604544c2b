"""How far a front has come at each time, read off an arrival map by matching areas.

At time t the front stands where the particle area nearer to the entry equals the area reached by then. For
a front that follows the distance from the entry this is exact; for a rough, tilted or curved one it is its
mean position; and a pixel whose arrival time is wrong moves it by no more than that pixel's area.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["FrontTrack", "track_front"]

Floats = NDArray[np.float64]

_BLOCKS_ACROSS = 10  # of the particle's area: the blocks that are drawn anew by the bootstrap


@dataclass(frozen=True)
class FrontTrack:
    """Position of a front against time, with bootstrap replicates of the whole curve.

    Attributes:
        time: Times, shape (n,).
        position: Distance from the entry, shape (n,), in the unit of the distances given.
        replicates: Shape (n_replicates, n): the same from resampled blocks of the particle.
        depth: The farthest that the front can go.
        completed: Share of the particle reached by the end.
        completed_replicates: Shape (n_replicates,).
    """

    time: Floats
    position: Floats
    replicates: Floats
    depth: float
    completed: float
    completed_replicates: Floats

    @property
    def swept(self) -> float:
        """Distance covered by the end."""
        return float(self.position[-1])


def track_front(
    arrival: Floats,
    distance: Floats,
    time: ArrayLike,
    *,
    n_replicates: int = 200,
    seed: int = 0,
) -> FrontTrack:
    """Follow a front through an arrival map.

    Args:
        arrival: Arrival times, shape (y, x); infinite where never reached.
        distance: Geodesic distance from the entry, shape (y, x); NaN outside the particle.
        time: When to read the position, shape (n,), increasing, in the unit of `arrival`.
        n_replicates: Block bootstrap samples. Blocks are squares of about a hundredth of the particle, so
            that neighbouring pixels, which err alike, are drawn together.
        seed: Of the bootstrap.
    """
    moments = np.asarray(time, float)
    rows, columns = np.nonzero(np.isfinite(distance))
    depth_of, arrival_of = distance[rows, columns], arrival[rows, columns]
    block = _blocks(rows, columns)
    steps = 4 * int(np.ptp(rows) + np.ptp(columns) + 2)  # a few a pixel, whatever the unit of the distances
    grid = np.linspace(0.0, float(depth_of.max()) * (1 + 1e-9), 1 + max(64, steps))
    nearer = _cumulative(block, np.searchsorted(grid, depth_of), grid.size)
    reached = _cumulative(block, np.searchsorted(moments, arrival_of), moments.size)
    draws = _draws(nearer.shape[0], n_replicates, seed)
    position = _matched(nearer.sum(axis=0), reached.sum(axis=0), grid)
    replicates = [_matched(draw @ nearer, draw @ reached, grid) for draw in draws]
    return FrontTrack(
        time=moments,
        position=position,
        replicates=np.array(replicates).reshape(-1, moments.size),
        depth=float(grid[-1]),
        completed=float(reached[:, -1].sum() / rows.size),
        completed_replicates=(draws @ reached[:, -1]) / (draws @ nearer[:, -1]),
    )


def _blocks(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number of the block that each pixel belongs to, counted from 0."""
    side = max(4, int(np.sqrt(rows.size) / _BLOCKS_ACROSS))
    keys = (rows // side) * (int(columns.max()) // side + 1) + columns // side
    return np.asarray(np.unique(keys, return_inverse=True)[1])


def _cumulative(block: NDArray[np.intp], bin_of: NDArray[np.intp], n_bins: int) -> Floats:
    """How many pixels of each block lie at or below each bin, shape (block, bin)."""
    inside = bin_of < n_bins
    counts = np.zeros((int(block.max()) + 1, n_bins))
    np.add.at(counts, (block[inside], bin_of[inside]), 1.0)
    return np.cumsum(counts, axis=1)


def _draws(n_blocks: int, n_replicates: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=n_replicates).astype(float)


def _matched(nearer: Floats, reached: Floats, grid: Floats) -> Floats:
    """The distance within which as much area lies as was reached."""
    # Interpolation needs areas that strictly increase. Where they do not, as between the pixel rows of a bar that
    # lies along them, a hair of slope finds either end of the plateau; the front stands in its middle.
    hair = np.arange(nearer.size) * 1e-9
    first, last = np.interp(reached, nearer + hair, grid), np.interp(reached, nearer + hair - hair[-1] - 1e-9, grid)
    return np.where(reached > 0, (first + last) / 2, 0.0)
