"""A network, and the batches that fine-tune it on a few frames."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch.loggers import Logger
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from ionfront.core import DEFAULT_SCHEME
from ionfront.datasets import LabelledSet
from ionfront.models import ModelInfo, Segmenter, read_info

from .augment import Augmentation, Augmenter
from .crops import NormalisedFrames
from .data import Batch, RandomCrops
from .frames import Label
from .module import Loss, SegmenterModule
from .replay import replayed_frames
from .scale import reduction_for
from .sources import Tagged
from .timed_fit import Course, Snapshot, Weights, timed_fit

__all__ = ["FewShot", "Tuner"]

_ENDLESS = 10**9
_GENTLE = Augmentation(
    tone=0.3, brightness=0.05, contrast=0.1, gamma=0.1, blur=0.1, noise=0.2, noise_std=0.05
)  # a few frames come from one instrument, and their grey values tell most of what there is to learn


@dataclass(frozen=True)
class FewShot:
    """How a network is fine-tuned on a few frames.

    Attributes:
        learning_rate: Peak learning rate of AdamW, under a one-cycle schedule.
        weight_decay: Weight decay of AdamW.
        loss: Weights of the loss.
        crop_size: Edge of a crop, in pixels of the reduced frames.
        batch_size: Crops a step.
        foreground_bias: Probability that a crop is centred on a phase drawn evenly among those present.
        replay: Share of crops that are synthetic scenes, where the data have their phases.
        augmentation: Random changes to crops.
        judging: Share of the time that goes into the folds, whose models only give the score.
        num_workers: Loader processes; 0 loads in the training process.
    """

    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    loss: Loss = field(default_factory=Loss)
    crop_size: int = 192
    batch_size: int = 4
    foreground_bias: float = 0.3
    replay: float = 0.3
    augmentation: Augmentation = _GENTLE
    judging: float = 0.45
    num_workers: int = 1


class Tuner:
    """Starts networks from one model file and trains them on frames of one data set.

    Args:
        labelled: The data set: its phases, and the sizes of what is labelled.
        start: Model file to start from.
        settings: How networks are trained.
        seed: Seed of new weights, crops and augmentation.

    Attributes:
        info: Metadata that a fine-tuned model starts with: those of the model file, with the phases of the data.
        keeps: Whether the old task is kept: the data have the phases of the model, and of synthetic scenes.
        old: Weights of the model file; where its phases are others, with a new head.
    """

    def __init__(self, labelled: LabelledSet, start: Path, settings: FewShot, seed: int) -> None:
        self._start, self._settings, self._seed = start, settings, seed
        before = read_info(start).model_copy(update={"domain": None, "field_px": None})  # new frames are what they are
        same = before.phases == labelled.scheme.names
        self.keeps = same and before.phases == DEFAULT_SCHEME.names
        self.info = before if same else _with_new_phases(before, labelled)
        self._module = self._new_module()
        self.old = _copied(self._module.network)
        self._replayed = self._frames(replayed_frames(settings.crop_size * self.info.reduction) if self.keeps else [])

    def fit(
        self, frames: Sequence[Tagged], course: Course, shares: Sequence[float], logger: Logger | None = None
    ) -> list[Snapshot]:
        """Train a network from the start on these frames; see `timed_fit`."""
        return timed_fit(self._new_module(), self._batches(frames), course, shares, logger)

    def segmenter(self, weights: Weights) -> Segmenter:
        """These weights, ready for frames, with temperature 1. The segmenter before this one changes with it."""
        network = self.network(weights)
        return Segmenter(_InTorch(network), self.info.model_copy(update={"temperature": 1.0}), "")

    def network(self, weights: Weights) -> nn.Module:
        """The network with these weights."""
        network = self._module.network.cpu().eval()
        network.load_state_dict(weights)
        return network

    def _new_module(self) -> SegmenterModule:
        architecture, settings = self.info.architecture, self._settings
        torch.manual_seed(self._seed)
        return SegmenterModule(
            phases=list(self.info.phases),
            channels=architecture.channels,
            textures=architecture.textures,
            decoder=architecture.decoder,
            encoder=architecture.encoder,
            encoder_depth=architecture.encoder_depth,
            decoder_channels=list(architecture.decoder_channels),
            init_from=str(self._start),
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            loss=settings.loss,
            freeze_norm=True,
        )

    def _frames(self, tagged: Sequence[Tagged]) -> NormalisedFrames:
        """Frames that are in memory before a loader process starts, which would else load them anew for every fit."""
        frames = NormalisedFrames(tagged, self.info.normalisation, self.info.reduction)
        for index in range(len(frames)):
            frames[index]
        return frames

    def _batches(self, tagged: Sequence[Tagged]) -> DataLoader[Batch]:
        frames, replayed, settings = self._frames(tagged), self._replayed, self._settings

        def draw(_sample: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], Label]:
            pool = replayed if len(replayed) and rng.random() < settings.replay else frames
            return pool[int(rng.integers(len(pool)))]

        crops = RandomCrops(
            draw,
            first=0,
            count=_ENDLESS,
            seed=self._seed,
            size_px=settings.crop_size,
            foreground_bias=settings.foreground_bias,
            augmenter=Augmenter(settings.augmentation, self.info.normalisation),
            channels=self.info.architecture.channels,
        )
        return DataLoader(crops, settings.batch_size, num_workers=settings.num_workers)


class _InTorch:
    """A torch network as the engine wants it."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def logits(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = self._network(torch.from_numpy(tile)[None])[0].numpy()
        return logits


def _with_new_phases(before: ModelInfo, labelled: LabelledSet) -> ModelInfo:
    """Phases and scale of the data; what changed since a reference means nothing to new phases, so it is left out."""
    return before.model_copy(
        update={
            "phases": labelled.scheme.names,
            "reaction_order": labelled.scheme.reaction_order,
            "architecture": before.architecture.model_copy(update={"channels": 1}),
            "reduction": reduction_for(labelled),
            "pixel_size_range_nm": None,
        }
    )


def _copied(network: nn.Module) -> Weights:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
