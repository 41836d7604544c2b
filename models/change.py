"""Has anything changed since the network last looked? A test by tile that shot noise does not set off.

A front is thin, and noise is not: so a tile is tested by the means of its small blocks, and changes when any of them
does. Each block is compared as it is now with how it was when the network last looked, never with the frame before, so
that what creeps adds up. That is done twice: for the frame itself, which shows what is sudden, and for a running mean
of frames, which shows what is faint and slow.

How far a block strays by noise alone is read off the movie: from how far blocks of that brightness strayed over the
last frames, in the median, as most of a frame does not change. No model of the detector is needed, and frames whose
noise is alike (averaged ones, compressed video) are judged by what they show. Where a whole frame changes at once, as
when the stage jumps, that looks like noise; so noise is let grow slowly only, and the jump is seen. Where it drifts for
long, noise is overrated all the same: `drift.py` watches for that.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ionfront.core import UsageError
from ionfront.datasets import block_means

__all__ = ["ChangeSettings", "ChangeTest"]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_LAG = 8
_GROWTH = 1.1  # noise of a frame over that of the frame before, at most
_LEAST_NOISE = 1e-3
_BINS, _BLOCKS_PER_BIN = 8, 128
_SAMPLED_BLOCKS = 2**14
_MEDIAN = float(ndtri(0.75))  # of |x|, for a normal x of standard deviation 1


@dataclass(frozen=True)
class ChangeSettings:
    """How a change is told from noise; lengths in pixels that the network sees.

    Attributes:
        block_px: Edge of a block.
        memory_frames: Length of the running mean.
        false_alarms: Blocks that noise alone may set off in a frame, on average.
        tolerance: A block whose mean has changed by less has not changed, however quiet the movie; a normalised frame
            goes from 0 to 1.

    Raises:
        UsageError: A setting is outside what makes sense.
    """

    block_px: int = 4
    memory_frames: int = 8
    false_alarms: float = 0.1
    tolerance: float = 0.04

    def __post_init__(self) -> None:
        if self.block_px < 1 or self.memory_frames < 1 or not 0 < self.false_alarms < 1 or self.tolerance < 0:
            raise UsageError(
                f"{self} was given; blocks of 1 px or more, a memory of 1 frame or more, false alarms between 0 and 1 "
                "a frame and a tolerance of 0 or more are needed."
            )


class ChangeTest:
    """Tells which tiles of a frame differ from what was last accepted.

    Args:
        tile_px: Edge of a tile, a multiple of the block's; tiles at the far edges may be shorter.
        settings: What counts as a change.
    """

    def __init__(self, tile_px: int, settings: ChangeSettings | None = None) -> None:
        self._settings = settings or ChangeSettings()
        self._tile = tile_px // self._settings.block_px
        self._states: deque[Floats] = deque(maxlen=_LAG + 1)
        self._accepted: Floats = np.zeros((2, 0, 0), np.float32)
        self._noise: Floats = np.full((2, 1, 1), np.inf, np.float32)
        self._seen = 0

    def changed(self, image: Floats) -> Bools:
        """Take in the next frame, normalised, shape (y, x); which tiles changed, shape (tile_y, tile_x).

        All of them in the first two frames, before noise is known.
        """
        state = self._remembered(block_means(image, self._settings.block_px))
        if self._seen == 1:
            self._accepted = state.copy()
        if self._seen <= self._settings.memory_frames:
            self._accepted[1] = state[1]  # nothing is compared with a mean of few frames
        significant = self._significant(state.size)
        if self._seen > 1 and not (self._repeated() and np.isfinite(self._noise).all()):
            # Noise that has been none for a while grows from where it begins to matter.
            least = max(self._settings.tolerance / significant, _LEAST_NOISE)
            self._noise = np.minimum(self._spread(), np.maximum(_GROWTH * self._noise, least))
        if self._seen <= 2:
            return self._any_of_tile(np.ones(state.shape[1:], np.bool_))
        limit = np.maximum(significant * self._noise, self._settings.tolerance)
        return self._any_of_tile((np.abs(state - self._accepted) > limit).any(axis=0))

    def accept(self, tiles: Bools) -> None:
        """These tiles, shape (tile_y, tile_x), were inferred from the frame that was taken in last."""
        state = self._states[-1]
        blocks = tiles.repeat(self._tile, axis=0).repeat(self._tile, axis=1)[: state.shape[1], : state.shape[2]]
        np.copyto(self._accepted, state, where=blocks)

    def _remembered(self, blocks: Floats) -> Floats:
        """The frame and the running mean, shape (2, y, x), kept for as long as noise is judged by them."""
        self._seen += 1
        mean = self._states[-1][1] if self._states else blocks
        weight = np.float32(max(1 / self._settings.memory_frames, 1 / self._seen))
        self._states.append(np.stack([blocks, mean + weight * (blocks - mean)]))
        return self._states[-1]

    def _repeated(self) -> bool:
        """Whether a recorder gave the frame before once more, which says nothing of noise."""
        return np.array_equal(self._states[-1][0], self._states[-2][0])

    def _significant(self, tests: int) -> float:
        """How many standard deviations noise exceeds so rarely."""
        return float(-ndtri(0.5 * self._settings.false_alarms / tests))

    def _spread(self) -> Floats:
        """Standard deviation of two states that differ by noise alone, shape (2, y, x)."""
        then, now = self._states[0], self._states[-1]
        alike = (1 - 1 / self._settings.memory_frames) ** (len(self._states) - 1)  # correlation of means so far apart
        scale = [1 / _MEDIAN, 1 / _MEDIAN / np.sqrt(1 - alike)]
        brightness = now[1]
        return np.stack([_median_by(brightness, np.abs(now[k] - then[k])) * np.float32(scale[k]) for k in range(2)])

    def _any_of_tile(self, blocks: Bools) -> Bools:
        rows, columns = (np.arange(0, length, self._tile) for length in blocks.shape)
        return np.logical_or.reduceat(np.logical_or.reduceat(blocks, rows, axis=0), columns, axis=1)


def _median_by(brightness: Floats, values: Floats) -> Floats:
    """Median of `values` among blocks about as bright, shape (y, x): shot noise grows with brightness."""
    step = -(-brightness.size // _SAMPLED_BLOCKS)
    some_brightness, some_values = brightness.ravel()[::step], values.ravel()[::step]
    order = np.argsort(some_brightness)
    groups = np.array_split(order, int(np.clip(order.size // _BLOCKS_PER_BIN, 1, _BINS)))
    centres = [float(np.median(some_brightness[group])) for group in groups]
    medians = [float(np.median(some_values[group])) for group in groups]
    return np.interp(brightness, centres, medians).astype(np.float32)
