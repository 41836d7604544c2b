"""The random changes of `augment.py` for whole batches, on the device that trains: a GPU waits for no processor."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, conv2d, grid_sample, interpolate, pad

from ionfront.models import Normalisation

from .augment import BEND_PX, Augmentation

__all__ = ["BatchAugmenter"]


class BatchAugmenter:
    """Varies batches of normalised square crops as `Augmenter` varies one; gamma and shot noise act on the same scale.

    Args:
        settings: What may change.
        norm: Scale of the crops.
        generator: Source of chance; its device is that of the batches.
    """

    def __init__(self, settings: Augmentation, norm: Normalisation, generator: torch.Generator) -> None:
        self._settings, self._chance = settings, generator
        self._low, self._high = norm.clip

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Vary images (batch, channel, y, x), all channels alike but for noise, and label ids (batch, y, x)."""
        images, labels = self._bent(*self._turned(images, labels))
        return self._noisy(self._blurred(self._toned(images))), labels

    def _turned(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        s, both = self._settings, torch.cat([images, labels[:, None].to(images.dtype)], dim=1)
        both = torch.where(self._some(both, s.flip_x), both.flip(-1), both)
        both = torch.where(self._some(both, s.flip_y), both.flip(-2), both)
        quarter = self._some(both, s.rotate90)
        turns = torch.randint(4, quarter.shape, generator=self._chance, device=both.device) * quarter
        for turn in (1, 2, 3):
            both = torch.where(turns == turn, torch.rot90(both, turn, (-2, -1)), both)
        return both[:, :-1], both[:, -1].round().to(labels.dtype)

    def _bent(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        s, (count, _, height, width) = self._settings, images.shape
        if not (s.affine or s.elastic):
            return images, labels
        affine, elastic = self._some(images, s.affine).view(-1, 1), self._some(images, s.elastic)
        zoom = torch.where(affine, self._uniform(images, *s.scale).view(-1, 1), 1.0)
        angle = torch.where(affine, self._uniform(images, -s.rotate_deg, s.rotate_deg).view(-1, 1).deg2rad(), 0.0)
        zero = torch.zeros_like(angle)
        rows = [angle.cos() / zoom, -angle.sin() / zoom, zero, angle.sin() / zoom, angle.cos() / zoom, zero]
        grid = affine_grid(torch.cat(rows, dim=1).view(-1, 2, 3), [count, 1, height, width], align_corners=False)
        coarse = [count, 2, int(height / BEND_PX) + 3, int(width / BEND_PX) + 3]
        shifts = torch.randn(coarse, generator=self._chance, device=images.device)
        smooth = interpolate(shifts, (height, width), mode="bicubic", align_corners=False)
        share = smooth.new_tensor([2 / width, 2 / height]) * s.elastic_px  # grids go from -1 to 1
        grid = grid + torch.where(elastic, smooth.movedim(1, -1) * share, 0.0)
        moved = grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        ids = grid_sample(labels[:, None].float(), grid, mode="nearest", padding_mode="reflection", align_corners=False)
        changed = affine.view(-1, 1, 1, 1) | elastic
        kept_ids = torch.where(changed[:, 0], ids[:, 0].round().to(labels.dtype), labels)
        return torch.where(changed, moved, images), kept_ids

    def _toned(self, images: Tensor) -> Tensor:
        """Inverted, brighter, more contrast, another gamma: on the scale from 0 to 1 of `Augmenter`."""
        s, span = self._settings, self._high - self._low
        x = (images - self._low) / span
        x = torch.where(self._some(x, s.invert), 1 - x, x)
        tone = self._some(x, s.tone)
        contrast = torch.where(tone, 1 + self._uniform(x, -s.contrast, s.contrast), 1.0)
        brighter = torch.where(tone, self._uniform(x, -s.brightness, s.brightness) / span, 0.0)
        x = torch.clamp(x * contrast + brighter, 0, 1)
        gamma = torch.where(self._some(x, s.tone), self._uniform(x, 1 / (1 + s.gamma), 1 + s.gamma), 1.0)
        return torch.where(gamma == 1, x, x.clamp(min=1e-6) ** gamma) * span + self._low

    def _blurred(self, images: Tensor) -> Tensor:
        s, (count, channels, height, width) = self._settings, images.shape
        if not s.blur:
            return images
        sigma = self._uniform(images, 0.3, max(0.3, s.blur_sigma_px)).view(-1, 1)
        reach = max(1, round(3 * s.blur_sigma_px))
        kernel = torch.exp(-torch.arange(-reach, reach + 1, device=images.device).square() / (2 * sigma**2))
        kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, dim=0)
        flat = pad(images.reshape(1, count * channels, height, width), (reach,) * 4, mode="reflect")
        flat = conv2d(flat, kernel.view(-1, 1, 1, 2 * reach + 1), groups=count * channels)
        flat = conv2d(flat, kernel.view(-1, 1, 2 * reach + 1, 1), groups=count * channels)
        return torch.where(self._some(images, s.blur), flat.view_as(images), images)

    def _noisy(self, images: Tensor) -> Tensor:
        s = self._settings
        if not s.noise:
            return images
        steady = torch.where(self._some(images, s.noise), self._uniform(images, 0, s.noise_std), 0.0)
        # of counts the variance grows with the signal
        shot = torch.where(self._some(images, s.noise), self._uniform(images, s.shot_scale / 10, s.shot_scale), 0.0)
        share = (images - self._low) / (self._high - self._low)
        noise = torch.randn(images.shape, generator=self._chance, device=images.device)
        noisy = images + noise * torch.sqrt(steady**2 + shot * share.clamp(min=0))
        return noisy.clamp(self._low, self._high)

    def _some(self, images: Tensor, probability: float) -> Tensor:
        """True for a random share of a batch, shape (batch, 1, 1, 1)."""
        return self._uniform(images, 0, 1) < probability

    def _uniform(self, images: Tensor, low: float, high: float) -> Tensor:
        draws = torch.rand(len(images), 1, 1, 1, generator=self._chance, device=images.device)
        return low + (high - low) * draws
