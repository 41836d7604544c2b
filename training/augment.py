"""Random changes to training crops: what a microscope and a specimen may vary without a change of phase."""

from dataclasses import dataclass
from typing import Any

import albumentations as alb
import cv2
import numpy as np
from numpy.typing import NDArray

from ionfront.models import Normalisation

from .frames import Label

__all__ = ["BEND_PX", "Augmentation", "Augmenter"]


BEND_PX = 16.0
"""Shifts of an elastic deformation are smooth over this length."""
_SHIFT_OF_UNIT_NOISE = 3**-0.5 / (2 * np.pi**0.5 * BEND_PX)  # std of uniform noise, -1 to 1, smoothed over that length


@dataclass(frozen=True)
class Augmentation:
    """How much a crop is varied. A probability of zero turns a change off.

    Attributes:
        flip_x: Probability of the mirror image left to right.
        flip_y: Probability of the mirror image top to bottom; 0, as for rotate90, where specimens have an upright.
        rotate90: Probability of a quarter turn.
        affine: Probability of a scaling and rotation.
        scale: Smallest and largest zoom.
        rotate_deg: Largest rotation either way [degree].
        elastic: Probability of bending the crop smoothly: particles are seldom as straight as those of a generator.
        elastic_px: Standard deviation of the shifts that do so [px].
        invert: Probability of turning bright into dark. A bright field so turned, where mass is bright, is much like a
            dark field or HAADF.
        tone: Probability of each of brightness, contrast and gamma.
        brightness: Largest shift, as a share of the 1 % to 99 % range of the frame.
        contrast: Largest relative change of contrast.
        gamma: Largest relative change of the exponent.
        blur: Probability of a Gaussian blur.
        blur_sigma_px: Largest blur [px].
        noise: Probability of each of Gaussian and shot noise.
        noise_std: Largest standard deviation, as a share of the 1 % to 99 % range of the frame.
        shot_scale: Largest strength of shot noise, as albumentations counts it.
    """

    flip_x: float = 0.5
    flip_y: float = 0.5
    rotate90: float = 0.75
    affine: float = 0.5
    scale: tuple[float, float] = (0.7, 1.4)
    rotate_deg: float = 45.0
    elastic: float = 0.0
    elastic_px: float = 2.5
    invert: float = 0.0
    tone: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.3
    gamma: float = 0.3
    blur: float = 0.2
    blur_sigma_px: float = 1.5
    noise: float = 0.3
    noise_std: float = 0.1
    shot_scale: float = 0.05


class Augmenter:
    """Applies an `Augmentation` to normalised crops; the same seed gives the same change."""

    def __init__(self, settings: Augmentation, norm: Normalisation) -> None:
        self._low, high = norm.clip
        self._range = high - self._low
        self._pipeline = _pipeline(settings, self._range)

    def __call__(self, image: NDArray[np.float32], label: Label, seed: int) -> tuple[NDArray[np.float32], Label]:
        """Vary a crop: image (channel, y, x), every channel in the same way but for noise, and label ids (y, x)."""
        self._pipeline.set_random_seed(seed)
        # albumentations takes float images within 0 to 1, channels last
        scaled = np.ascontiguousarray(np.moveaxis((image - self._low) / self._range, 0, -1))
        varied = self._pipeline(image=scaled, mask=label)
        changed = np.moveaxis(varied["image"], -1, 0)
        return changed * np.float32(self._range) + np.float32(self._low), varied["mask"]


def _pipeline(s: Augmentation, clip_range: float) -> Any:
    brightness, noise_std = s.brightness / clip_range, s.noise_std / clip_range
    return alb.Compose(
        [
            alb.HorizontalFlip(p=s.flip_x),
            alb.VerticalFlip(p=s.flip_y),
            alb.RandomRotate90(p=s.rotate90),
            alb.Affine(
                scale=s.scale,
                rotate=(-s.rotate_deg, s.rotate_deg),
                border_mode=cv2.BORDER_REFLECT_101,
                p=s.affine,
            ),
            alb.ElasticTransform(
                alpha=s.elastic_px / _SHIFT_OF_UNIT_NOISE,
                sigma=BEND_PX,
                noise_distribution="uniform",
                border_mode=cv2.BORDER_REFLECT_101,
                p=s.elastic,
            ),
            alb.InvertImg(p=s.invert),
            alb.RandomBrightnessContrast(brightness, s.contrast, brightness_by_max=True, p=s.tone),
            alb.RandomGamma((100 / (1 + s.gamma), 100 * (1 + s.gamma)), p=s.tone),
            alb.GaussianBlur(blur_limit=0, sigma_limit=(0.3, max(0.3, s.blur_sigma_px)), p=s.blur),
            alb.GaussNoise(std_range=(0, noise_std), per_channel=True, p=s.noise),
            alb.ShotNoise(scale_range=(s.shot_scale / 10, s.shot_scale), p=s.noise if s.shot_scale > 0 else 0),
        ]
    )
