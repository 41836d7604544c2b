"""A U-Net that is given, beside the frame, maps of what it would else have to find out: textures, and what has changed.

The phases of a reaction differ in texture more than in grey value, and change shows in the difference of two images.
Convolutions with random weights come to see either only after more training than a laboratory can afford, so both are
worked out: docs/decisions/0007-a-reference-frame.md, 0015-texture-maps.md.
"""

from . import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

__all__ = ["Changes", "MapSeeingUnet", "Textures"]

STEP = 4
"""Maps are worked out at this part of the frame's size."""

FLOOR = 1e-6
_FINE_PX, _LOCAL_PX = 2.5, 4.0  # below the first scale is texture, over the second its strength is averaged
_BANDS_PX = (0.7, 1.4, 2.8)  # between these scales are the bands of texture, and one octave more above the last
_DIRECTION_PX = 6.0  # over this scale the directions of stripes are compared


class MapSeeingUnet(nn.Module):
    """From frames, (batch, 1, y, x), or (batch, 2, y, x) with references scaled alike, to logits (batch, phase, y, x).

    The U-Net sees the frame and, as further channels, maps of its textures and of what has changed. Those of changes
    are zero where a frame is its own reference: there it does what the same U-Net without these channels would do.

    Args:
        unet: U-Net of segmentation-models-pytorch from `seen(textures, changes)` channels to logits.
        textures: Whether it sees maps of textures.
        changes: Whether it sees maps of changes; frames come with references then.
    """

    def __init__(self, unet: Any, textures: bool, changes: bool) -> None:
        super().__init__()
        self.encoder, self.decoder, self.segmentation_head = unet.encoder, unet.decoder, unet.segmentation_head
        self.textures = Textures() if textures else None
        self.changes = Changes() if changes else None

    @staticmethod
    def seen(textures: bool, changes: bool) -> int:
        """Number of channels that the encoder is given; those of changes are the last."""
        return 1 + textures * Textures.COUNT + changes * Changes.COUNT

    def forward(self, frames: Tensor) -> Tensor:
        with torch.autocast(frames.device.type, enabled=False):  # differences of nearly equal values need all digits
            seen = self._with_maps(frames.float())
        logits: Tensor = self.segmentation_head(self.decoder(self.encoder(seen)))
        return logits

    def _with_maps(self, frames: Tensor) -> Tensor:
        now = frames[:, :1]
        maps = [] if self.textures is None else [self.textures(now)]
        if self.changes is not None:
            maps.append(self.changes(frames))
        large = interpolate(torch.cat(maps, dim=1), scale_factor=float(STEP), mode="bilinear", align_corners=False)
        return torch.cat([now, large], dim=1)


class Textures(nn.Module):
    """Maps of the textures of frames (batch, 1, y, x), shape (batch, 5, y / 4, x / 4), each scaled to about one.

    Strength of four bands an octave wide, which tells grains from noise and fine ones from coarse; and how far the
    gradients share a direction, which tells stripes from both (coherence of the structure tensor: J. Bigün and
    G. H. Granlund, Proc. ICCV 1987, 433).
    """

    COUNT = 5

    def __init__(self) -> None:
        super().__init__()
        for index, scale_px in enumerate(_BANDS_PX):
            self.register_buffer(f"band{index}", _gaussian(scale_px), persistent=False)
        self.register_buffer("local", _gaussian(_LOCAL_PX / 2), persistent=False)
        self.register_buffer("direction", _gaussian(_DIRECTION_PX / STEP), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        smooth = [_blurred(frames, getattr(self, f"band{index}")) for index in range(len(_BANDS_PX))]
        bands = [fine - coarse for fine, coarse in zip([frames, *smooth[:-1]], smooth, strict=True)]
        half = avg_pool2d(smooth[-1], 2)
        powers = [avg_pool2d(band * band, 2) for band in bands]
        powers.append(torch.square(half - _blurred(half, getattr(self, f"band{len(_BANDS_PX) - 1}"))))
        strengths = torch.sqrt(avg_pool2d(_blurred(torch.cat(powers, dim=1), self.local), 2) + FLOOR)
        return torch.cat([10 * strengths, 2 * self._coherence(smooth[0])], dim=1)

    def _coherence(self, smooth: Tensor) -> Tensor:
        along_x = smooth[:, :, 1:-1, 2:] - smooth[:, :, 1:-1, :-2]
        along_y = smooth[:, :, 2:, 1:-1] - smooth[:, :, :-2, 1:-1]
        x_x, y_y, x_y = along_x * along_x, along_y * along_y, along_x * along_y
        tensor = pad(torch.cat([x_x - y_y, 2 * x_y, x_x + y_y], dim=1), (1, 1, 1, 1), mode="replicate")
        tensor = _blurred(avg_pool2d(tensor, STEP), self.direction)
        return torch.sqrt(tensor[:, :1] ** 2 + tensor[:, 1:2] ** 2 + 1e-8) / (tensor[:, 2:] + 1e-4)


class Changes(nn.Module):
    """Maps of what changed, (batch, 4, y / 4, x / 4), each scaled to about one, all zero where nothing did.

    Difference of the local means, difference of the strengths of the textures, strength of the difference of the
    textures, and its share of both, which does not mind a change of contrast.
    """

    COUNT = 4

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fine", _gaussian(_FINE_PX), persistent=False)
        self.register_buffer("local", _gaussian(_LOCAL_PX / 2), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        means = _blurred(frames, self.fine)
        now, then = torch.tensor_split(frames - means, 2, dim=1)
        products = _blurred(avg_pool2d(torch.cat([now * now, then * then, now * then], dim=1), 2), self.local)
        of_now, of_then, common = torch.tensor_split(avg_pool2d(products, 2), 3, dim=1)
        small = avg_pool2d(means, STEP)
        changed = torch.clamp(of_now + of_then - 2 * common, min=0.0)
        lighter = 8 * (small[:, :1] - small[:, 1:])
        rougher = 10 * (torch.sqrt(of_now + FLOOR) - torch.sqrt(of_then + FLOOR))
        strength = 10 * (torch.sqrt(changed + FLOOR) - FLOOR**0.5)
        return torch.cat([lighter, rougher, strength, changed / (of_now + of_then + FLOOR)], dim=1)


def _gaussian(sigma_px: float) -> Tensor:
    reach = int(3 * sigma_px)
    weights = torch.exp(-torch.arange(-reach, reach + 1).float().square() / (2 * sigma_px**2))
    return weights / weights.sum()


def _blurred(images: Tensor, kernel: Any) -> Tensor:
    """Smooth each channel as an image of its own: OpenVINO takes minutes to prepare grouped kernels in bfloat16."""
    reach = len(kernel) // 2
    single = images.flatten(0, 1).unsqueeze(1)
    single = conv2d(pad(single, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    single = conv2d(pad(single, (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1))
    return single.reshape(images.shape)
