"""Squares of a particle that are drawn anew together, as neighbouring pixels err alike: the block bootstrap."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["blocks_in", "draws_of_blocks"]


def blocks_in(
    rows: NDArray[np.intp], columns: NDArray[np.intp], *, across: int = 10, least_px: int = 4
) -> NDArray[np.intp]:
    """Number of the block that each pixel belongs to, counted from 0, shape (pixel,).

    Args:
        rows: Of the pixels, shape (pixel,).
        columns: Likewise.
        across: About how many blocks lie side by side.
        least_px: A block's edge at least.
    """
    side = max(least_px, int(np.sqrt(rows.size) / across))
    keys = (rows // side) * (int(columns.max()) // side + 1) + columns // side
    return np.asarray(np.unique(keys, return_inverse=True)[1])


def draws_of_blocks(n_blocks: int, n_replicates: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How often each replicate draws each block, shape (replicate, block)."""
    return rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=n_replicates).astype(float)
