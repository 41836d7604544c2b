"""The segmentation network in training: loss, optimiser, schedule, validation scores."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import segmentation_models_pytorch as smp
import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, max_pool2d
from torchmetrics.classification import MulticlassConfusionMatrix

from ionfront.core import UsageError
from ionfront.models import Architecture, bundled_segmenter
from ionfront.models.unet_torch import build_unet, load_weights, weights_from_onnx

from .frames import IGNORE
from .schedule import Schedule, build_schedule, build_timed_schedule

__all__ = ["Loss", "SegmenterModule"]

_FRONT_PX = 5


@dataclass(frozen=True)
class Loss:
    """Cross-entropy plus Dice over labelled pixels.

    Attributes:
        cross_entropy: Weight of the cross-entropy.
        dice: Weight of the Dice loss.
        class_weights: Weight of each label id in the cross-entropy; None weighs pixels alike.
        label_smoothing: Share of each label spread over the other phases.
        front: Weight, in the cross-entropy, of pixels within 5 px of a boundary between phases other than id 0. A front
            is a small share of the pixels, but all that kinetics are measured by.
    """

    cross_entropy: float = 1.0
    dice: float = 0.5
    class_weights: list[float] | None = None
    label_smoothing: float = 0.0
    front: float = 1.0


class SegmenterModule(LightningModule):  # type: ignore[misc]
    """U-Net phase segmentation. Every argument is a knob of the recipe.

    Args:
        phases: Names by label id; the data module gives them.
        channels: 1, or 2 for frames with references; the data module gives it.
        decoder: Only "Unet" so far.
        encoder: Encoder, as segmentation-models-pytorch names it.
        encoder_depth: Halvings of resolution.
        decoder_channels: Width of each decoder stage, deepest first.
        encoder_weights: None, or "imagenet" where there is a network to download it.
        init_from: Model file to start from, or "bundled"; with another number of phases its head alone is new.
        learning_rate: Peak learning rate of AdamW.
        weight_decay: Weight decay of AdamW.
        schedule: Course of the learning rate.
        warmup_fraction: Share of all steps in which it rises.
        loss: Weights of the loss.
        textures: Whether the network is given maps of local texture too; it learns faster with them.
        freeze_norm: Whether batch normalisation keeps the statistics of `init_from`. Batches of a few crops, each from
            another specimen, have statistics unlike those of whole frames; a network that leans on them does worse
            when it is used.
        channels_last: Memory layout; faster on most hardware.

    Raises:
        UsageError: Encoder, widths and depth do not go together, or normalisation of a new network is to be frozen.
        ModelFileError: `init_from` cannot be used.
    """

    def __init__(
        self,
        phases: list[str],
        channels: int = 1,
        decoder: Literal["Unet"] = "Unet",
        encoder: str = "resnet18",
        encoder_depth: int = 4,
        decoder_channels: list[int] | None = None,
        encoder_weights: str | None = None,
        init_from: str | None = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        schedule: Schedule = "one-cycle",
        warmup_fraction: float = 0.1,
        loss: Loss = Loss(),
        textures: bool = False,
        freeze_norm: bool = False,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        if freeze_norm and init_from is None and encoder_weights is None:
            raise UsageError("freeze_norm keeps statistics that a new network does not have: give init_from too.")
        self.save_hyperparameters(ignore=["loss"], logger=False)
        self.architecture = Architecture(
            decoder=decoder,
            encoder=encoder,
            encoder_depth=encoder_depth,
            decoder_channels=tuple(decoder_channels or _default_widths(encoder_depth)),
            channels=channels,
            textures=textures,
        )
        self.phases = list(phases)
        self.network = build_unet(self.architecture, len(phases), encoder_weights)
        if init_from is not None:
            start = bundled_segmenter() if init_from == "bundled" else Path(init_from)
            load_weights(self.network, weights_from_onnx(start))
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self.network = self.network.to(memory_format=self._layout)  # type: ignore[call-overload]
        self._peak, self._decay = learning_rate, weight_decay
        self._schedule, self._warmup = schedule, warmup_fraction
        self.loss = _CombinedLoss(loss)
        self.confusion = MulticlassConfusionMatrix(len(phases), ignore_index=IGNORE)
        self._freeze_norm = freeze_norm
        self.progress: Callable[[], float] | None = None  # share of the run that is done; None counts steps
        self.train()

    def train(self, mode: bool = True) -> "SegmenterModule":
        """Training mode, but for normalisation that is frozen."""
        super().train(mode)
        if self._freeze_norm:
            for layer in self.network.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.eval()
        return self

    def forward(self, frames: Tensor) -> Tensor:
        """Logits (batch, phase, y, x) of normalised frames (batch, channel, y, x)."""
        logits: Tensor = self.network(frames.contiguous(memory_format=self._layout))
        return logits.float()  # of mixed precision

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        """Loss of one batch."""
        frames, labels = batch
        loss: Tensor = self.loss(self(frames), labels)
        self.log("train_loss", loss, prog_bar=True, on_step=True, on_epoch=True, batch_size=len(frames))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        """Count agreement between prediction and label."""
        frames, labels = batch
        logits = self(frames)
        self.log("val_loss", self.loss(logits, labels), sync_dist=True, batch_size=len(frames))
        self.confusion.update(logits.argmax(dim=1), labels)

    def on_validation_epoch_end(self) -> None:
        """Log intersection over union of each phase and their mean over the phases that occur."""
        scores = _iou(self.confusion.compute())
        self.confusion.reset()
        for name, score in zip(self.phases, scores, strict=True):
            if torch.isfinite(score):
                self.log(f"val_iou_{name}", score)
        self.log("val_mean_iou", scores.nanmean().nan_to_num(0.0), prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW under the chosen schedule, stepped with every batch."""
        optimizer = torch.optim.AdamW(_decay_groups(self.network, self._decay), lr=self._peak)
        if self.progress is not None:
            scheduler = build_timed_schedule(optimizer, self._schedule, self.progress, self._warmup)
        else:
            steps = int(self.trainer.estimated_stepping_batches)
            scheduler = build_schedule(optimizer, self._schedule, steps, self._warmup)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class _CombinedLoss(nn.Module):
    def __init__(self, settings: Loss) -> None:
        super().__init__()
        self._settings = settings
        self._dice = smp.losses.DiceLoss(mode="multiclass", ignore_index=IGNORE)
        weights = settings.class_weights
        self.register_buffer("_weights", None if weights is None else torch.tensor(weights), persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        if not (labels != IGNORE).any():
            return logits.sum() * 0
        weights: Any = self._weights
        by_pixel = cross_entropy(
            logits,
            labels,
            weights,
            ignore_index=IGNORE,
            reduction="none",
            label_smoothing=self._settings.label_smoothing,
        )
        counted = (labels != IGNORE).to(by_pixel.dtype)
        if self._settings.front != 1:
            counted = counted * torch.where(_near_front(labels), self._settings.front, 1.0)
        of_phase = counted if weights is None else counted * weights[labels.clamp(max=len(weights) - 1)]
        entropy = (by_pixel * counted).sum() / of_phase.sum()
        if not self._settings.dice:
            return self._settings.cross_entropy * entropy
        dice: Tensor = self._dice(logits, labels)
        return self._settings.cross_entropy * entropy + self._settings.dice * dice


def _near_front(labels: Tensor) -> Tensor:
    """Pixels of labels (batch, y, x) that have a boundary between phases other than id 0 near them."""
    inside = (labels != IGNORE) & (labels != 0)
    ids = labels[:, None].float()
    highest = max_pool2d(torch.where(inside[:, None], ids, -torch.inf), 2 * _FRONT_PX + 1, 1, _FRONT_PX)
    lowest = -max_pool2d(torch.where(inside[:, None], -ids, -torch.inf), 2 * _FRONT_PX + 1, 1, _FRONT_PX)
    return inside & (highest > lowest)[:, 0]


def _iou(confusion: Tensor) -> Tensor:
    """Intersection over union by phase; NaN for phases neither labelled nor predicted."""
    hits = confusion.diagonal().double()
    union = confusion.sum(0).double() + confusion.sum(1).double() - hits
    return (hits / union).float()


def _decay_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Convolutions decay; biases and normalisation do not."""
    return [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _default_widths(depth: int) -> tuple[int, ...]:
    return tuple(16 * 2**stage for stage in reversed(range(depth)))
