"""Frames made smaller for a network that must see far, and its probabilities made large again.

What tells a phase may lie farther off than a network sees: the middle of a thick layer looks like what is below it.
At a fraction of the size the same network sees a multiple of the distance, at the square of that fraction of the cost.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ionfront.datasets import block_means

__all__ = ["enlarged", "reduced", "surest"]

Floats = NDArray[np.float32]


def reduced(channels: Floats, factor: int) -> Floats:
    """Means of blocks of `factor` x `factor` pixels, shape (channel, y, x); a last, incomplete block is filled up."""
    return block_means(channels, factor)


def enlarged(probabilities: Floats, factor: int, shape: tuple[int, int]) -> Floats:
    """Linear interpolation between the centres of blocks, (phase, y, x), cut to `shape`; sums over phases stay."""
    if factor == 1:
        return probabilities[:, : shape[0], : shape[1]]
    n_phases, rows, columns = probabilities.shape
    large = np.empty((n_phases, rows * factor, columns * factor), np.float32)
    tall = np.empty((rows * factor, columns), np.float32)
    for phase, out in zip(probabilities, large, strict=True):  # one by one: what lies between takes memory, too
        _interpolate(phase.T, tall.T, factor)
        _interpolate(tall, out, factor)
    return large[:, : shape[0], : shape[1]]


def surest(views: Sequence[Floats]) -> Floats:
    """Of several views of a frame, each half the size of the one before, what the surest says at each place.

    Args:
        views: Probabilities (phase, y, x), the largest first.

    Returns:
        Shape of the first.
    """
    found = views[-1]
    for larger in reversed(views[:-1]):
        found = enlarged(found, 2, (larger.shape[1], larger.shape[2]))
        np.copyto(found, larger, where=larger.max(axis=0) >= found.max(axis=0))
    return found


def _interpolate(values: Floats, out: Floats, factor: int) -> None:
    """Fill `out`, whose last axis is `factor` times as long; beyond the outermost centres values stay as they are."""
    before = np.concatenate([values[..., :1], values[..., :-1]], axis=-1)
    after = np.concatenate([values[..., 1:], values[..., -1:]], axis=-1)
    for place in range(factor):
        way = np.float32((place + 0.5) / factor - 0.5)
        neighbour = after if way > 0 else before
        np.add(values * (1 - abs(way)), neighbour * abs(way), out=out[..., place::factor])
