"""Batches for Lightning: crops of labelled frames, of synthetic scenes, or of both."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import hashlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import cv2
import numpy as np
import torch
from lightning import LightningDataModule
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ionfront.core import DEFAULT_SCHEME, PhaseScheme, UsageError
from ionfront.models import Normalisation, for_network, normalise_channels

from .augment import Augmentation, Augmenter
from .augment_torch import BatchAugmenter
from .crops import NormalisedFrames, grid_crops, random_crop, shrunk
from .frames import Label, Labelled
from .pool import CropPool
from .sources import Sources, Tagged, read_sources, split_sources
from .synthetic import SceneFrames, Synthetic, draw_scene, draw_with_reference, scene_turn

__all__ = ["FixedCrops", "RandomCrops", "SegmentationData", "digest_of"]

Float = NDArray[np.float32]
Batch = tuple[Tensor, Tensor]
_APART = 1_000_000  # scenes of one process of a distributed run, from those of the next
_CHUNK = 16  # crops that a loader process hands over at a time to a pool

Draw = Callable[[int, np.random.Generator], tuple[Float, Label]]


class SegmentationData(LightningDataModule):  # type: ignore[misc]
    """Labelled frames and synthetic scenes as batches of image (batch, channel, y, x) and label (batch, y, x).

    Args:
        data: Labelled data sets, nnU-Net raw layout.
        held_out_groups: Groups that are never seen.
        validation_groups: Groups that choose the model.
        train_frames: Names of the only frames to train on; empty means all.
        synthetic: Synthetic scenes.
        channels: 1 for frames alone; 2 for frames with a reference, a frame that has none being its own.
        reduction: The network sees frames made smaller by this factor, and so as many times farther; travels into the
            model file.
        crop_size: Edge of a training crop, in pixels of the reduced frames.
        validation_crop: Edge of a validation crop, likewise.
        validation_crops: At most this many validation crops, evenly spaced.
        batch_size: Crops a step.
        samples_per_epoch: Training crops an epoch.
        foreground_bias: Probability that a crop is centred on a phase drawn evenly among those present.
        augmentation: Random changes to training crops.
        normalisation: Scale of grey values; travels into the model file.
        num_workers: Loader processes; 0 loads in the training process.
        cached_frames: Normalised frames kept in memory by each loader process.
        seed: Seed of crops and augmentation.

    Raises:
        UsageError: There is nothing to train on, labelled and synthetic phases differ, or the reduction is below 1.
        LabelledDataError: A data set breaks its layout.
    """

    def __init__(
        self,
        data: list[str] | None = None,
        held_out_groups: list[str] | None = None,
        validation_groups: list[str] | None = None,
        train_frames: list[str] | None = None,
        synthetic: Synthetic = Synthetic(),
        channels: Literal[1, 2] = 1,
        reduction: int = 1,
        crop_size: int = 256,
        validation_crop: int = 512,
        validation_crops: int = 64,
        batch_size: int = 8,
        samples_per_epoch: int = 800,
        foreground_bias: float = 0.5,
        augmentation: Augmentation = Augmentation(),
        normalisation: Normalisation = Normalisation(),
        num_workers: int = 1,
        cached_frames: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if reduction < 1:
            raise UsageError(f"reduction is {reduction}; it is a whole number, 1 for frames as they are.")
        self.labelled: Sequence[Labelled] = read_sources(data or [])
        self.scheme = _common_scheme(self.labelled, synthetic)
        self.phases = list(self.scheme.names)
        self.reaction_order = list(self.scheme.reaction_order)
        self.synthetic = synthetic
        self.normalisation = normalisation
        self.channels, self.reduction = channels, reduction
        self.batch_size = batch_size
        self._sources = split_sources(self.labelled, held_out_groups or [], validation_groups or [], train_frames or [])
        self._crop_size, self._validation_crop, self._validation_crops = crop_size, validation_crop, validation_crops
        self._samples, self._bias, self._augmentation = samples_per_epoch, foreground_bias, augmentation
        self._workers, self._cached, self._seed = num_workers, cached_frames, seed
        self._fixed: FixedCrops | None = None
        self._pooled = synthetic.scenes > 0 and synthetic.repeats > 1
        self._chunk = min(_CHUNK, batch_size) if self._pooled else batch_size
        self._pool: CropPool | None = None

    @property
    def sources(self) -> Sources:
        """The labelled frames of training and validation."""
        return self._sources

    @property
    def validation_frames(self) -> list[Tagged]:
        """Whole frames that choose the model, labelled and synthetic."""
        scenes = SceneFrames(self.synthetic).frames if self.synthetic.scenes else ()
        return [*self._sources.validation, *((frame, None) for frame in scenes)]

    def train_dataloader(self) -> DataLoader[Batch] | CropPool:
        """New crops for this epoch and this process of a distributed run; Lightning asks for it each epoch."""
        rank, world, epoch = _place_in_run(self)
        count = max(1, self._samples // world)
        if self._pooled:
            if self._pool is None:
                self._pool = self._new_pool(rank, epoch * count // self.synthetic.repeats, count)
            return self._pool
        augmenter = Augmenter(self._augmentation, self.normalisation)
        return self._loader(self._crops(rank, epoch * count, count, augmenter), self.batch_size)

    def _new_pool(self, rank: int, first: int, count: int) -> CropPool:
        device = "cpu" if self.trainer is None else self.trainer.strategy.root_device
        chance = torch.Generator(device).manual_seed(hash((self._seed, rank, first)))
        crops = self._crops(rank, first, sys.maxsize, None)
        return CropPool(
            self._loader(crops, self._chunk, pin_memory=chance.device.type == "cuda"),
            BatchAugmenter(self._augmentation, self.normalisation, chance),
            chance,
            batch_size=self.batch_size,
            repeats=self.synthetic.repeats,
            batches=max(1, count // self.batch_size),
        )

    def _crops(self, rank: int, first: int, count: int, augmenter: Augmenter | None) -> "RandomCrops":
        return RandomCrops(
            self._draw(rank),
            first=first,
            count=count,
            seed=self._seed + 1_000_003 * rank,
            size_px=self._crop_size,
            foreground_bias=self._bias,
            augmenter=augmenter,
            channels=self.channels,
        )

    def _loader(self, crops: "RandomCrops", batch_size: int, pin_memory: bool = False) -> DataLoader[Batch]:
        return DataLoader(
            crops,
            batch_size,
            num_workers=self._workers,
            drop_last=len(crops) >= batch_size,
            worker_init_fn=_alone,
            pin_memory=pin_memory,
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """The same crops every time."""
        size = self._validation_crop
        if not self.labelled:
            size = min(size, -(-self.synthetic.size_px // (32 * self.reduction)) * 32)
        if self._fixed is None:
            frames = NormalisedFrames(self.validation_frames, self.normalisation, self.reduction, cached=1)
            self._fixed = FixedCrops(frames, size, self._validation_crops, self.channels)
        return DataLoader(self._fixed, min(self.batch_size, 4))

    def digest(self) -> str:
        """SHA-256 over names and pixels of the labelled frames of training and validation, and the scenes' settings."""
        settings = repr(self.synthetic) if self.synthetic.scenes else ""
        return digest_of((*self._sources.train, *self._sources.validation), settings)

    def _draw(self, rank: int) -> Draw:
        frames = NormalisedFrames(self._sources.train, self.normalisation, self.reduction, self._cached)
        synthetic, norm, reduction = self.synthetic, self.normalisation, self.reduction
        fraction = 0.0 if not synthetic.scenes else 1.0 if not len(frames) else synthetic.fraction
        per_scene = max(1, self._samples // synthetic.repeats // max(1, synthetic.scenes))

        def from_scene(number: int, turn: int) -> tuple[Float, Label]:
            seed = synthetic.seed + number + rank * _APART * len(synthetic.families)  # each rank draws all families
            rng = np.random.default_rng((self._seed, seed, turn))
            if self.channels == 1:
                image, label = draw_scene(synthetic, seed, int(rng.integers(synthetic.n_frames)))
            else:
                image, label = draw_with_reference(synthetic, seed, rng)
            return shrunk(normalise_channels(image, norm), label, reduction)

        def draw(sample: int, rng: np.random.Generator) -> tuple[Float, Label]:
            if rng.random() >= fraction:
                return frames[int(rng.integers(len(frames)))]
            return from_scene(*scene_turn(sample, per_scene, self._chunk, max(1, self._workers)))

        return draw


def digest_of(tagged: Iterable[Tagged], settings: str = "") -> str:
    """SHA-256 over settings, and names and pixels of labelled frames in the order of their names, each once."""
    sha = hashlib.sha256(settings.encode())
    frames = {frame.name: frame for frame, _ in tagged}
    for name in sorted(frames):
        sha.update(name.encode())
        for array in frames[name].load():
            sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


class RandomCrops(Dataset[Batch]):
    """Crop number `first + i` of an endless, reproducible sequence."""

    def __init__(
        self,
        draw: Draw,
        *,
        first: int,
        count: int,
        seed: int,
        size_px: int,
        foreground_bias: float,
        augmenter: Augmenter | None,
        channels: int,
    ) -> None:
        self._draw, self._first, self._count, self._seed = draw, first, count, seed
        self._size_px, self._bias, self._augmenter, self._channels = size_px, foreground_bias, augmenter, channels

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self._count:
            raise IndexError(index)
        rng = np.random.default_rng((self._seed, self._first + index))
        image, label = self._draw(self._first + index, rng)
        image, label = random_crop(image, label, self._size_px, rng, self._bias)
        if self._augmenter is not None:
            image, label = self._augmenter(image, label, int(rng.integers(2**31)))
        return _tensors(image, label, self._channels)


class FixedCrops(Dataset[Batch]):
    """Evenly spaced crops out of all that cover what is labelled of the frames, made once and kept."""

    def __init__(self, frames: NormalisedFrames, size_px: int, most: int, channels: int) -> None:
        crops = [crop for index in range(len(frames)) for crop in grid_crops(*frames[index], size_px)]
        if not crops:
            raise UsageError(
                f"none of the {len(frames)} validation frames has a labelled pixel; scores need some: label them, or "
                "name other validation_groups."
            )
        picked = np.unique(np.linspace(0, len(crops) - 1, min(most, len(crops))).round().astype(int))
        chosen = [crops[index] for index in picked]
        self._crops = [_tensors(image, label, channels) for image, label in chosen]

    def __len__(self) -> int:
        return len(self._crops)

    def __getitem__(self, index: int) -> Batch:
        return self._crops[index]


def _alone(_worker: int) -> None:
    """Threads of a loader's own would only take turns with those that train."""
    threadpool_limits(1)
    cv2.setNumThreads(1)


def _common_scheme(labelled: Sequence[Labelled], synthetic: Synthetic) -> PhaseScheme:
    if not labelled and not synthetic.scenes:
        raise UsageError(
            "there is nothing to train on: give a labelled data set (--data DIR) or synthetic scenes "
            "(--data.synthetic.scenes 40)."
        )
    if labelled and synthetic.scenes and labelled[0].scheme.names != DEFAULT_SCHEME.names:
        raise UsageError(
            f"synthetic scenes have phases {list(DEFAULT_SCHEME.names)}, the data set has "
            f"{list(labelled[0].scheme.names)}; both together need the same: set synthetic.scenes to 0."
        )
    return labelled[0].scheme if labelled else DEFAULT_SCHEME


def _place_in_run(module: SegmentationData) -> tuple[int, int, int]:
    """Rank, number of processes and epoch; (0, 1, 0) outside a run."""
    trainer = module.trainer
    return (0, 1, 0) if trainer is None else (trainer.global_rank, trainer.world_size, trainer.current_epoch)


def _tensors(image: Float, label: Label, channels: int) -> Batch:
    frame = np.array(for_network(image, channels), np.float32)
    return torch.from_numpy(frame), torch.from_numpy(label.astype(np.int64))
