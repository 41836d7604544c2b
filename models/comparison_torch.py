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
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad, relu

__all__ = ["COMPARISON_PREFIX", "ChangeSeeingUnet", "ComparingUnet"]

COMPARISON_PREFIX = "comparison."

_STEP = 4  # the correction is worked out at a quarter of the frame's size
_WIDTH = 48
_DILATIONS = (1, 2, 4, 8)
_FINE_PX, _LOCAL_PX = 2.5, 4.0  # below the first scale is texture, over the second its strength is averaged
_FLOOR = 1e-6
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
        return logits + interpolate(correction, scale_factor=float(_STEP), mode="bilinear", align_corners=False)


class ChangeSeeingUnet(nn.Module):
    """From frames with references, shape (batch, 2, y, x), both scaled alike, to logits (batch, phase, y, x).

    The U-Net sees the frame and, as further channels, what has changed. All of these are zero where a frame is its own
    reference: there it does what the same U-Net with the first of its input channels alone would do.

    Args:
        unet: U-Net of segmentation-models-pytorch from `CHANNELS` channels to logits.
    """

    CHANNELS = 5

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.encoder, self.decoder, self.segmentation_head = unet.encoder, unet.decoder, unet.segmentation_head
        self.changes = _WhatChanged()

    def forward(self, frames: Tensor) -> Tensor:
        changes = interpolate(self.changes(frames), scale_factor=float(_STEP), mode="bilinear", align_corners=False)
        seen = torch.cat([frames[:, :1], changes], dim=1)
        logits: Tensor = self.segmentation_head(self.decoder(self.encoder(seen)))
        return logits


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
        seen = torch.cat([avg_pool2d(features, _STEP), avg_pool2d(logits, _STEP) / 3, self.changes(frames)], dim=1)
        views = []
        for layer in self.layers:
            seen = relu(layer(seen))
            views.append(seen)
        corrections: Tensor = self.last(torch.cat(views, dim=1))
        return corrections


class _Compared(nn.Module):
    """Local means of frames and references, (batch, 2, y / 4, x / 4), and of what remains of their textures the local
    mean products (batch, 1, y / 4, x / 4): of the frame with itself, of the reference with itself, of one with the
    other."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fine", _gaussian(_FINE_PX), persistent=False)
        self.register_buffer("local", _gaussian(_LOCAL_PX / 2), persistent=False)

    def compared(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        means = _blurred(frames, self.fine)
        now, then = torch.tensor_split(frames - means, 2, dim=1)
        products = _blurred(avg_pool2d(torch.cat([now * now, then * then, now * then], dim=1), 2), self.local)
        of_now, of_then, common = torch.tensor_split(avg_pool2d(products, 2), 3, dim=1)
        return avg_pool2d(means, _STEP), of_now, of_then, common


class _Changes(_Compared):
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
        alike = common / torch.sqrt(of_now * of_then + _FLOOR)
        changed = torch.clamp(of_now + of_then - 2 * common, min=0.0)
        strengths = torch.sqrt(torch.cat([changed, of_now, of_then], dim=1) + _FLOOR)
        maps: Tensor = torch.cat([small[:, :1] - small[:, 1:], small, strengths, alike], dim=1) * self.scale
        return maps


class _WhatChanged(_Compared):
    """Maps of what changed, (batch, 4, y / 4, x / 4), each scaled to about one, all zero where nothing did.

    Difference of the local means, difference of the strengths of the textures, strength of the difference of the
    textures, and its share of both, which does not mind a change of contrast.
    """

    COUNT = 4

    def forward(self, frames: Tensor) -> Tensor:
        small, of_now, of_then, common = self.compared(frames)
        changed = torch.clamp(of_now + of_then - 2 * common, min=0.0)
        lighter = 8 * (small[:, :1] - small[:, 1:])
        rougher = 10 * (torch.sqrt(of_now + _FLOOR) - torch.sqrt(of_then + _FLOOR))
        strength = 10 * (torch.sqrt(changed + _FLOOR) - _FLOOR**0.5)
        return torch.cat([lighter, rougher, strength, changed / (of_now + of_then + _FLOOR)], dim=1)


def _gaussian(sigma_px: float) -> Tensor:
    reach = int(3 * sigma_px)
    weights = torch.exp(-torch.arange(-reach, reach + 1).float().square() / (2 * sigma_px**2))
    return weights / weights.sum()


def _blurred(images: Tensor, kernel: Any) -> Tensor:
    count, reach = images.shape[1], len(kernel) // 2
    along_x = kernel.view(1, 1, 1, -1).repeat(count, 1, 1, 1)
    along_y = kernel.view(1, 1, -1, 1).repeat(count, 1, 1, 1)
    images = conv2d(pad(images, (reach, reach, 0, 0), mode="replicate"), along_x, groups=count)
    return conv2d(pad(images, (0, 0, reach, reach), mode="replicate"), along_y, groups=count)
