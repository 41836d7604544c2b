"""How far a front has come at each time, read off an arrival map as a trimmed mean over its breadth.

At each distance d from the entry, a share F(d, t) of the particle has been reached by time t. The integral of F
over d is the mean position of a front along its breadth, rough, tilted or curved as it may be. Pixels that a
segmenter takes for product or for host all along would pull that mean, so the foremost and the hindmost fifth of
the breadth are trimmed: the integral of (F - 1/5) / (3/5), cut off below 0 and above 1, is exactly the trimmed mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionfront.core import Quantity

from .blocks import blocks_in, draws_of_blocks

__all__ = ["FrontTrack", "completed_fraction", "position_now", "track_front"]

Floats = NDArray[np.float64]

_TRIMMED = 0.2


@dataclass(frozen=True)
class FrontTrack:
    """Position of a front against time, with bootstrap replicates of the whole curve.

    Attributes:
        time: Times, shape (n,).
        position: Distance from the entry, shape (n,), in the unit of the distances given.
        replicates: Shape (n_replicates, n): the same from resampled blocks of the particle.
        depth: The farthest that the front can go.
        first: Where the measured part of the particle begins; a front before it is not seen yet.
    """

    time: Floats
    position: Floats
    replicates: Floats
    depth: float
    first: float = 0.0

    @property
    def swept(self) -> float:
        """Distance covered by the end."""
        return float(self.position[-1])

    @property
    def in_sight(self) -> NDArray[np.bool_]:
        """At which moments the front has come far enough to be seen, shape (n,)."""
        return np.asarray(self.position > max(0.02 * self.swept, self.first))


def track_front(
    arrival: Floats,
    distance: Floats,
    time: ArrayLike,
    *,
    pixel: float = 1.0,
    n_replicates: int = 200,
    seed: int = 0,
) -> FrontTrack:
    """Follow a front through an arrival map.

    Args:
        arrival: Arrival times, shape (y, x); infinite where never reached.
        distance: Geodesic distance from the entry, shape (y, x); NaN where nothing is measured.
        time: When to read the position, shape (n,), increasing, in the unit of `arrival`.
        pixel: Length of a pixel in the unit of `distance`: the width of a bin of distances.
        n_replicates: Block bootstrap samples. Blocks are squares of about a hundredth of the particle, so
            that neighbouring pixels, which err alike, are drawn together.
        seed: Of the bootstrap.
    """
    moments = np.asarray(time, float)
    rows, columns = np.nonzero(np.isfinite(distance))
    depth_of, arrival_of = distance[rows, columns], arrival[rows, columns]
    block = blocks_in(rows, columns)
    reading = _Reading(depth_of / pixel, np.searchsorted(moments, arrival_of), moments.size)
    draws = draws_of_blocks(int(block.max()) + 1, n_replicates, np.random.default_rng(seed))
    replicates = [reading.position_px(draw[block]) for draw in draws]
    return FrontTrack(
        time=moments,
        position=pixel * reading.position_px(np.ones(rows.size)),
        replicates=pixel * np.array(replicates).reshape(-1, moments.size),
        depth=float(depth_of.max()),
        first=pixel * float(np.ceil(depth_of.min() / pixel)),
    )


def position_now(reached: NDArray[np.bool_], distance: Floats, *, pixel: float = 1.0) -> float:
    """How far a front has come where it is known which pixels it has reached; arguments as for `track_front`."""
    inside = np.isfinite(distance)
    later = (~reached[inside]).astype(np.intp)
    return pixel * float(_Reading(distance[inside] / pixel, later, 1).position_px(np.ones(later.size))[0])


def completed_fraction(
    arrival: Floats, particle: NDArray[np.bool_], *, n_replicates: int = 200, seed: int = 0
) -> Quantity:
    """Share of a particle, shape (y, x), that was reached at all, with its block-bootstrap interval."""
    rows, columns = np.nonzero(particle)
    reached, block = np.isfinite(arrival[particle]), blocks_in(rows, columns)
    done, all_of = np.bincount(block, reached), np.bincount(block).astype(float)
    draws = draws_of_blocks(all_of.size, n_replicates, np.random.default_rng(seed))
    return Quantity.from_samples(float(reached.mean()), (draws @ done) / (draws @ all_of))


class _Reading:
    """Pixels sorted into bins of distance and time, once for all replicates."""

    def __init__(self, depth_px: Floats, moment: NDArray[np.intp], n_moments: int) -> None:
        self._bin = depth_px.astype(np.intp)
        self._depth_px = float(depth_px.max())
        self._shape = (int(self._bin.max()) + 1, n_moments + 1)  # the last moment is "not within the movie"
        self._cell = self._bin * self._shape[1] + moment

    def position_px(self, weight: Floats) -> Floats:
        """Trimmed mean position at each moment, shape (n_moments,), with pixels counted by `weight`."""
        counts = np.bincount(self._cell, weight, minlength=self._shape[0] * self._shape[1]).reshape(self._shape)
        total = counts.sum(axis=1)
        filled = np.flatnonzero(total > 0)
        share = np.cumsum(counts[filled, :-1], axis=1) / total[filled, None]
        passed = np.clip((share - _TRIMMED) / (1 - 2 * _TRIMMED), 0.0, 1.0)
        # A bin without pixels, as before the rim or between the pixel rows of a bar, goes as its neighbours do.
        return np.asarray(np.minimum(_widths(filled, self._shape[0]) @ passed, self._depth_px))


def _widths(filled: NDArray[np.intp], n_bins: int) -> Floats:
    """How many bins each filled one stands for, shape (n_filled,): its own and half of the empty ones beside it."""
    edges = np.concatenate([[0.0], (filled[1:] + filled[:-1] + 1) / 2, [float(n_bins)]])
    return np.diff(edges)
