"""A frame of any size through a network that takes limited ones: padded, cut into overlapping tiles, blended."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Axis", "Tiling", "apply_tiled", "padded_to", "plan_axis"]

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Tiling:
    """Sizes of tiles [px].

    Attributes:
        largest_px: No tile is longer than this.
        overlap_px: Neighbours share at least this much; weights change hands smoothly across it.
        stride_px: Tiles start and end on multiples of this: the network's own grid.
    """

    largest_px: int = 1152
    overlap_px: int = 128
    stride_px: int = 16


@dataclass(frozen=True)
class Axis:
    """Equal tiles along one axis.

    Attributes:
        length_px: The axis.
        padded_px: The axis, filled up to a multiple of the stride.
        tile_px: Length of each tile.
        starts_px: Where tiles start, rising.
    """

    length_px: int
    padded_px: int
    tile_px: int
    starts_px: tuple[int, ...]

    def weights(self) -> Float:
        """Share of each tile in each of its pixels, shape (tile, tile_px); shares of one pixel add up to one."""
        ramps = np.ones((len(self.starts_px), self.tile_px), np.float64)
        for index, (start, following) in enumerate(zip(self.starts_px, self.starts_px[1:], strict=False)):
            overlap = start + self.tile_px - following
            rise = np.sin(0.5 * np.pi * (np.arange(overlap) + 0.5) / overlap) ** 2
            ramps[index, -overlap:] *= 1 - rise
            ramps[index + 1, :overlap] *= rise
        total = np.zeros(self.padded_px)
        for start, ramp in zip(self.starts_px, ramps, strict=True):
            total[start : start + self.tile_px] += ramp
        shares = [ramp / total[start : start + self.tile_px] for start, ramp in zip(self.starts_px, ramps, strict=True)]
        return np.asarray(shares, np.float32)


def plan_axis(length_px: int, tiling: Tiling) -> Axis:
    """The fewest tiles that cover an axis, as short as they can then be."""
    stride = tiling.stride_px
    padded = _round_up(length_px, stride)
    count = 1
    if padded > tiling.largest_px:
        count = math.ceil((padded - tiling.overlap_px) / (tiling.largest_px - tiling.overlap_px))
    tile = min(padded, _round_up(math.ceil((padded + (count - 1) * tiling.overlap_px) / count), stride))
    starts = np.linspace(0, padded - tile, count) // stride * stride
    return Axis(length_px, padded, tile, tuple(int(start) for start in starts))


def apply_tiled(frame: Float, network: Callable[[Float], Float], tiling: Tiling) -> Float:
    """Run a network over a frame tile by tile and blend what comes out.

    Args:
        frame: Normalised frame, shape (channel, y, x).
        network: Takes a tile (channel, y, x), returns (phase, y, x) of the same size.
        tiling: Sizes of tiles.

    Returns:
        Blended output, shape (phase, y, x), of the frame's size.
    """
    rows, columns = plan_axis(frame.shape[1], tiling), plan_axis(frame.shape[2], tiling)
    padded = padded_to(frame, tiling.stride_px)
    if len(rows.starts_px) * len(columns.starts_px) == 1:
        return network(padded)[:, : rows.length_px, : columns.length_px]
    return _blend(padded, network, rows, columns)[:, : rows.length_px, : columns.length_px]


def padded_to(frame: Float, stride_px: int) -> Float:
    """A frame (channel, y, x) mirrored at its far edges, up to multiples of the network's stride."""
    rows, columns = frame.shape[1:]
    if rows % stride_px == 0 and columns % stride_px == 0:
        return frame
    return np.pad(frame, ((0, 0), (0, -rows % stride_px), (0, -columns % stride_px)), mode="reflect")


def _blend(padded: Float, network: Callable[[Float], Float], rows: Axis, columns: Axis) -> Float:
    blended = np.zeros((0, *padded.shape[1:]), np.float32)
    for top, row_share in zip(rows.starts_px, rows.weights(), strict=True):
        for left, column_share in zip(columns.starts_px, columns.weights(), strict=True):
            window = (slice(None), slice(top, top + rows.tile_px), slice(left, left + columns.tile_px))
            tile = network(padded[window])
            if not blended.size:
                blended = np.zeros((tile.shape[0], *padded.shape[1:]), np.float32)
            blended[window] += tile * (row_share[:, None] * column_share)
    return blended


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
