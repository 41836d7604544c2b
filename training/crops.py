"""Frames become crops of one size: random ones to train on, fixed ones to validate on."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ionfront.models import Normalisation, normalise_channels, reduced

from .frames import IGNORE, Frame, Label

__all__ = ["NormalisedFrames", "grid_crops", "random_crop", "shrunk", "shrunk_label"]

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
    """Means of blocks of an image (channel, y, x), and the label ids (y, x) in their middle; see `shrunk_label`."""
    return reduced(image, factor), shrunk_label(label, factor)


def shrunk_label(label: Label, factor: int) -> Label:
    """Label ids (y, x) in the middle of blocks.

    Where the middle is not labelled another pixel of the block speaks for it, or thin scribbles would be lost.
    """
    ids = _pixel_of_blocks(label, factor, (factor // 2, factor // 2))
    for place in np.ndindex(factor, factor):
        if not (ids == IGNORE).any():
            break
        ids = np.where(ids == IGNORE, _pixel_of_blocks(label, factor, place), ids)
    return ids


def random_crop(
    image: Float, label: Label, size_px: int, rng: np.random.Generator, foreground_bias: float
) -> tuple[Float, Label]:
    """A square crop at a random place, with a labelled pixel in it wherever the frame has one.

    Args:
        image: Normalised frame (channel, y, x).
        label: Label ids (y, x).
        size_px: Edge of the crop [px]; smaller frames are mirrored at their edges, unlabelled there.
        rng: Source of chance.
        foreground_bias: Probability that the crop is centred on a pixel of a phase drawn evenly among those present.
    """
    image, label = _at_least(image, label, size_px)
    limits = (label.shape[0] - size_px, label.shape[1] - size_px)
    window = _window([int(rng.integers(limit + 1)) for limit in limits], size_px)
    wants_phase = rng.random() < foreground_bias or not (label[window] != IGNORE).any()
    if wants_phase and (centre := _pixel_of_any_phase(label, rng)) is not None:
        corner = [int(np.clip(at - size_px // 2, 0, limit)) for at, limit in zip(centre, limits, strict=True)]
        window = _window(corner, size_px)
    return image[:, *window], label[window]


def grid_crops(image: Float, label: Label, size_px: int) -> Iterator[tuple[Float, Label]]:
    """Square crops side by side that cover what is labelled of a frame; what sticks out is mirrored and unlabelled."""
    shape = [-(-length // size_px) * size_px for length in label.shape]
    image, label = _filled(image, label, shape)
    for top in range(0, shape[0], size_px):
        for left in range(0, shape[1], size_px):
            window = _window((top, left), size_px)
            if (label[window] != IGNORE).any():
                yield image[:, *window], label[window]


def _pixel_of_blocks(label: Label, factor: int, place: tuple[int, int]) -> Label:
    rows, columns = (
        np.minimum(np.arange(0, n, factor) + offset, n - 1) for n, offset in zip(label.shape, place, strict=True)
    )
    return label[np.ix_(rows, columns)]


def _pixel_of_any_phase(label: Label, rng: np.random.Generator) -> tuple[int, int] | None:
    """A pixel of a phase drawn evenly among those present; None where nothing is labelled."""
    step = 4  # every 16th pixel finds any phase worth a crop, 16 times sooner
    if (label[::step, ::step] == IGNORE).any():
        step = 1  # but it may miss a scribble
    thin = label[::step, ::step]
    present = np.flatnonzero(np.bincount(thin.ravel(), minlength=IGNORE + 1)[:IGNORE])
    if present.size == 0:
        return None
    places = np.flatnonzero(thin == rng.choice(present))
    row, column = np.unravel_index(rng.choice(places), thin.shape)
    return int(row) * step, int(column) * step


def _window(corner: Sequence[int], size_px: int) -> tuple[slice, slice]:
    return slice(corner[0], corner[0] + size_px), slice(corner[1], corner[1] + size_px)


def _at_least(image: Float, label: Label, size_px: int) -> tuple[Float, Label]:
    return _filled(image, label, [max(length, size_px) for length in label.shape])


def _filled(image: Float, label: Label, shape: Sequence[int]) -> tuple[Float, Label]:
    padding = [(0, wanted - length) for wanted, length in zip(shape, label.shape, strict=True)]
    if not any(after for _, after in padding):
        return image, label
    return np.pad(image, [(0, 0), *padding], mode="reflect"), np.pad(label, padding, constant_values=IGNORE)
