"""Frames become crops of one size: random ones to train on, fixed ones to validate on."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ionfront.models import Normalisation, normalise_channels, reduced

from .frames import IGNORE, Frame, Label

__all__ = ["NormalisedFrames", "grid_crops", "random_crop", "shrunk"]

Float = NDArray[np.float32]


class NormalisedFrames:
    """Labelled frames as images (channel, y, x), each normalised whole, and labels; the last few are kept in memory.

    Args:
        frames: Frames and the data set's `ignore_label` for each.
        norm: Scale of the grey values.
        reduction: Images become means of blocks of this many pixels, squared, labels those in the middle of a block.
        cached: How many normalised frames stay in memory.
    """

    def __init__(
        self, frames: Sequence[tuple[Frame, int | None]], norm: Normalisation, reduction: int = 1, cached: int = 64
    ) -> None:
        self._frames = frames
        self._norm, self._reduction = norm, reduction
        self._load = lru_cache(maxsize=cached)(self._read)

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> tuple[Float, Label]:
        return self._load(index)

    def _read(self, index: int) -> tuple[Float, Label]:
        frame, ignore_label = self._frames[index]
        image, label = frame.load()
        if ignore_label is not None:
            label = np.where(label == ignore_label, np.uint8(IGNORE), label)
        return shrunk(normalise_channels(image, self._norm), label, self._reduction)


def shrunk(image: Float, label: Label, factor: int) -> tuple[Float, Label]:
    """Means of blocks of an image (channel, y, x), and the label ids (y, x) in their middle."""
    rows, columns = (np.minimum(np.arange(0, n, factor) + factor // 2, n - 1) for n in label.shape)
    return reduced(image, factor), label[np.ix_(rows, columns)]


def random_crop(
    image: Float, label: Label, size_px: int, rng: np.random.Generator, foreground_bias: float
) -> tuple[Float, Label]:
    """A square crop at a random place.

    Args:
        image: Normalised frame (channel, y, x).
        label: Label ids (y, x).
        size_px: Edge of the crop [px]; smaller frames are mirrored at their edges, unlabelled there.
        rng: Source of chance.
        foreground_bias: Probability that the crop is centred on a pixel of a phase drawn evenly among those present.
    """
    image, label = _at_least(image, label, size_px)
    limits = (label.shape[0] - size_px, label.shape[1] - size_px)
    corner = [int(rng.integers(limit + 1)) for limit in limits]
    if rng.random() < foreground_bias and (centre := _pixel_of_any_phase(label, rng)) is not None:
        corner = [int(np.clip(at - size_px // 2, 0, limit)) for at, limit in zip(centre, limits, strict=True)]
    window = np.s_[corner[0] : corner[0] + size_px, corner[1] : corner[1] + size_px]
    return image[:, *window], label[window]


def grid_crops(image: Float, label: Label, size_px: int) -> Iterator[tuple[Float, Label]]:
    """Square crops side by side that cover a frame once; what sticks out is mirrored and unlabelled."""
    shape = [-(-length // size_px) * size_px for length in label.shape]
    image, label = _filled(image, label, shape)
    for top in range(0, shape[0], size_px):
        for left in range(0, shape[1], size_px):
            window = np.s_[top : top + size_px, left : left + size_px]
            yield image[:, *window], label[window]


def _pixel_of_any_phase(label: Label, rng: np.random.Generator) -> tuple[int, int] | None:
    thin = label[::4, ::4]  # every 16th pixel finds any phase worth a crop, 16 times sooner
    present = np.unique(thin[thin != IGNORE])
    if present.size == 0:
        return None
    places = np.flatnonzero(thin == rng.choice(present))
    row, column = np.unravel_index(rng.choice(places), thin.shape)
    return int(row) * 4, int(column) * 4


def _at_least(image: Float, label: Label, size_px: int) -> tuple[Float, Label]:
    return _filled(image, label, [max(length, size_px) for length in label.shape])


def _filled(image: Float, label: Label, shape: Sequence[int]) -> tuple[Float, Label]:
    padding = [(0, wanted - length) for wanted, length in zip(shape, label.shape, strict=True)]
    if not any(after for _, after in padding):
        return image, label
    return np.pad(image, [(0, 0), *padding], mode="reflect"), np.pad(label, padding, constant_values=IGNORE)
