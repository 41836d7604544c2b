"""Crops that are used several times: loader processes draw new ones at their pace, training takes a mix of the last.

To draw a frame of a scene takes a processor as long as to train on it, and a GPU trains a hundred times as fast.
docs/decisions/0017-a-pool-of-crops.md.
"""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from .augment_torch import BatchAugmenter

__all__ = ["CropPool"]

Batch = tuple[Tensor, Tensor]

_KEPT_BATCHES, _FIRST_BATCHES = 64, 8


class CropPool:
    """Batches of crops drawn at random from the last ones that a loader gave, augmented anew each time.

    Args:
        loader: Endless chunks of crops (n, channel, y, x) and label ids (n, y, x).
        augment: Varies a batch; the pool lies on the device of its generator.
        generator: Draws the batches, on that device.
        batch_size: Crops a batch.
        repeats: How often a crop is used in the mean before another takes its place.
        batches: Batches of one iteration; the next goes on with what is there.
    """

    def __init__(
        self,
        loader: DataLoader[Batch],
        augment: BatchAugmenter,
        generator: torch.Generator,
        *,
        batch_size: int,
        repeats: int,
        batches: int,
    ) -> None:
        self._loader, self._augment, self._chance = loader, augment, generator
        self._batch_size, self._repeats, self._batches = batch_size, repeats, batches
        self._drawn = self._used = 0
        self._chunks: Iterator[Batch] | None = None

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[Batch]:
        for _ in range(self._batches):
            self._fill()
            held = min(self._drawn, len(self._images))
            picked = torch.randint(held, (self._batch_size,), generator=self._chance, device=self._chance.device)
            self._used += self._batch_size
            images, labels = self._augment(self._images[picked], self._labels[picked])
            yield images, labels.long()

    def _fill(self) -> None:
        """As many new crops as the pace asks for, each in place of the oldest."""
        if self._chunks is None:
            self._chunks = iter(self._loader)
        while self._drawn < _FIRST_BATCHES * self._batch_size + self._used / self._repeats:
            images, labels = next(self._chunks)
            if self._drawn == 0:
                size = _KEPT_BATCHES * self._batch_size
                self._images = torch.empty(size, *images.shape[1:], device=self._chance.device)
                self._labels = torch.empty(size, *labels.shape[1:], dtype=torch.uint8, device=self._chance.device)
            places = torch.arange(self._drawn, self._drawn + len(images), device=self._chance.device)
            places %= len(self._images)
            self._images[places] = images.to(self._chance.device, non_blocking=True)
            self._labels[places] = labels.to(self._chance.device, torch.uint8, non_blocking=True)
            self._drawn += len(images)
