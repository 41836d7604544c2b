"""Frames made smaller for a network that must see far, and its probabilities made large again.

What tells a phase may lie farther off than a network sees: the middle of a thick layer looks like what is below it.
At a fraction of the size the same network sees a multiple of the distance, at the square of that fraction of the cost.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["enlarged", "reduced"]

Floats = NDArray[np.float32]


def reduced(channels: Floats, factor: int) -> Floats:
    """Means of blocks of `factor` x `factor` pixels, shape (channel, y, x); a last, incomplete block is filled up."""
    if factor == 1:
        return channels
    count, rows, columns = channels.shape
    padded = np.pad(channels, ((0, 0), (0, -rows % factor), (0, -columns % factor)), mode="edge")
    blocks = padded.reshape(count, padded.shape[1] // factor, factor, padded.shape[2] // factor, factor)
    return np.asarray(blocks.mean(axis=(2, 4), dtype=np.float32))


def enlarged(probabilities: Floats, factor: int, shape: tuple[int, int]) -> Floats:
    """Linear interpolation between the centres of blocks, (phase, y, x), cut to `shape`; sums over phases stay."""
    if factor == 1:
        return probabilities
    large = ndimage.zoom(probabilities, (1, factor, factor), order=1, mode="nearest", grid_mode=True)
    return np.asarray(large[:, : shape[0], : shape[1]], np.float32)
