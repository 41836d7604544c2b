"""A U-Net that compares: what it says of a frame by itself, corrected by what has changed since the reference.

A U-Net with a second input channel would have to find out by itself that change shows in the difference of two images,
and does not within any training that a laboratory can afford. So the changes are worked out: of the local mean, of the
local texture, and how far the texture is still the same one.
"""

from . import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, relu

from .maps_torch import FLOOR, STEP, Compared

__all__ = ["COMPARISON_PREFIX", "ComparingUnet"]

COMPARISON_PREFIX = "comparison."

_WIDTH = 48
_DILATIONS = (1, 2, 4, 8)
_SCALES = (8.0, 3.0, 3.0, 10.0, 10.0, 10.0, 3.0)  # of the maps of changes


class ComparingUnet(nn.Module):
    """From frames with references, shape (batch, 2, y, x), both scaled alike, to logits (batch, phase, y, x).

    Args:
        unet: U-Net of segmentation-models-pytorch from one channel to logits.
        features: Channels of its last decoder stage.
        n_phases: Number of label ids.
    """

    def __init__(self, unet: Any, features: int, n_phases: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.segmentation_head = unet.encoder, unet.decoder, unet.segmentation_head
        self.comparison = _Comparison(features, n_phases)

    def forward(self, frames: Tensor) -> Tensor:
        features = self.decoder(self.encoder(frames[:, :1]))
        logits: Tensor = self.segmentation_head(features)
        correction = self.comparison(features, logits, frames)
        return logits + interpolate(correction, scale_factor=float(STEP), mode="bilinear", align_corners=False)


class _Comparison(nn.Module):
    """Corrections of logits (batch, phase, y / 4, x / 4), zero before training."""

    def __init__(self, features: int, n_phases: int) -> None:
        super().__init__()
        self.changes = _Changes()
        channels = (features + n_phases + _Changes.COUNT, *(_WIDTH for _ in _DILATIONS))
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation, padding_mode="replicate")
            for before, after, dilation in zip(channels[:-1], channels[1:], _DILATIONS, strict=True)
        )
        self.last = nn.Conv2d(_WIDTH * len(_DILATIONS), n_phases, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, logits: Tensor, frames: Tensor) -> Tensor:
        seen = torch.cat([avg_pool2d(features, STEP), avg_pool2d(logits, STEP) / 3, self.changes(frames)], dim=1)
        views = []
        for layer in self.layers:
            seen = relu(layer(seen))
            views.append(seen)
        corrections: Tensor = self.last(torch.cat(views, dim=1))
        return corrections


class _Changes(Compared):
    """Maps of what changed, (batch, 7, y / 4, x / 4), each scaled to about one.

    Difference of the local means, both means; strength of the difference of the textures, of both textures; and their
    correlation coefficient, which does not mind a change of contrast.
    """

    COUNT = 7
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(_SCALES).view(1, -1, 1, 1), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        small, of_now, of_then, common = self.compared(frames)
        alike = common / torch.sqrt(of_now * of_then + FLOOR)
        changed = torch.clamp(of_now + of_then - 2 * common, min=0.0)
        strengths = torch.sqrt(torch.cat([changed, of_now, of_then], dim=1) + FLOOR)
        maps: Tensor = torch.cat([small[:, :1] - small[:, 1:], small, strengths, alike], dim=1) * self.scale
        return maps
