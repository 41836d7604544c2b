"""The microscope between specimen and file: drift, blur, electron counting, detector."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Camera", "random_camera"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Imaging conditions of one movie.

    Attributes:
        dose_e_px: Electrons a pixel and frame in vacuum.
        blur_px: Standard deviation of the point spread.
        counts_per_e: Gain of the detector.
        read_noise_e: Standard deviation of the read-out noise, in electrons.
        flicker: Relative standard deviation of the beam current from frame to frame.
        drift_px: Stage position by frame, shape (n_frames, 2), (y, x).
    """

    dose_e_px: float
    blur_px: float
    counts_per_e: float
    read_noise_e: float
    flicker: float
    drift_px: Floats

    def expose(self, signal: Floats, rng: np.random.Generator, averaged: int = 1) -> NDArray[np.uint16]:
        """Record a signal relative to vacuum, shape (y, x), as 16-bit counts, the mean of `averaged` exposures."""
        blurred = ndimage.gaussian_filter(signal, self.blur_px)
        current = averaged * self.dose_e_px * max(0.2, 1 + self.flicker * rng.standard_normal())
        read_out = rng.normal(0, self.read_noise_e * np.sqrt(averaged), signal.shape)
        electrons = rng.poisson(np.maximum(blurred, 0.0) * current) + read_out
        counts = 100 + self.counts_per_e * electrons / averaged  # a pedestal, as cameras add against clipping
        return np.asarray(np.clip(np.rint(counts), 0, 65535), np.uint16)


def random_camera(n_frames: int, rng: np.random.Generator) -> Camera:
    """Conditions drawn over what in situ movies show: 8 to 150 electrons a pixel, drift up to about 0.2 px a frame."""
    steady = rng.normal(0, 0.05, 2) * np.arange(n_frames)[:, None]
    jitter = np.cumsum(rng.normal(0, rng.uniform(0, 0.15), (n_frames, 2)), axis=0)
    return Camera(
        dose_e_px=float(np.exp(rng.uniform(np.log(8), np.log(150)))),
        blur_px=float(rng.uniform(0.5, 1.2)),
        counts_per_e=float(rng.uniform(5, 40)),
        read_noise_e=float(rng.uniform(0.2, 1.0)),
        flicker=float(rng.uniform(0, 0.03)),
        drift_px=steady + jitter - jitter[0],
    )
