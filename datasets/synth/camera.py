"""The microscope between specimen and detector: drift, beam, focus, electron counting."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .detectors import Detector, DetectorName, random_detector

__all__ = ["Camera", "random_camera", "random_wide_camera"]

Floats = NDArray[np.float64]

_BLANKED = 0.003  # of the beam that still gets through when it is blanked


@dataclass(frozen=True)
class Camera:
    """Imaging conditions of one movie.

    Attributes:
        dose_e_px: Electrons a pixel and frame in vacuum.
        blur_px: Standard deviation of the point spread by frame, shape (n_frames,), or one number.
        read_noise_e: Standard deviation of the read-out noise, in electrons.
        flicker: Relative standard deviation of the beam current from frame to frame.
        drift_px: Stage position by frame, shape (n_frames, 2), (y, x).
        detector: What records the electrons.
        fringe: Strength of Fresnel fringes at edges by frame, signed as the defocus, shape (n_frames,), or one number.
        beam: Beam current by frame relative to the dose, shape (n_frames,), or one number.
    """

    dose_e_px: float
    blur_px: float | Floats
    read_noise_e: float
    flicker: float
    drift_px: Floats
    detector: Detector
    fringe: float | Floats = 0.0
    beam: float | Floats = 1.0

    def expose(self, signal: Floats, index: int, rng: np.random.Generator, averaged: int = 1) -> NDArray[Any]:
        """Record frame `index` of a signal relative to vacuum, shape (y, x): the mean of `averaged` exposures."""
        seen = np.maximum(self._focused(signal, index), 0.0)
        current = averaged * self.dose_e_px * max(0.2, 1 + self.flicker * rng.standard_normal()) * _at(self.beam, index)
        read_out = rng.normal(0, self.read_noise_e * np.sqrt(averaged), signal.shape)
        return self.detector.record(rng.poisson(seen * current) + read_out, averaged)

    def blanked(self, index: int) -> bool:
        """Whether the beam was off in a frame."""
        return bool(_at(self.beam, index) <= _BLANKED)

    def _focused(self, signal: Floats, index: int) -> Floats:
        blur_px, fringe = _at(self.blur_px, index), _at(self.fringe, index)
        sharp = np.asarray(ndimage.gaussian_filter(signal, blur_px))
        if fringe == 0:
            return sharp
        return np.asarray(sharp + fringe * (sharp - ndimage.gaussian_filter(sharp, 1.5 + blur_px)))


def random_camera(n_frames: int, rng: np.random.Generator) -> Camera:
    """Good conditions: 8 to 150 electrons a pixel, 16 bits, drift up to about 0.2 px a frame, focus and beam held."""
    steady = rng.normal(0, 0.05, 2) * np.arange(n_frames)[:, None]
    jitter = np.cumsum(rng.normal(0, rng.uniform(0, 0.15), (n_frames, 2)), axis=0)
    return Camera(
        dose_e_px=float(np.exp(rng.uniform(np.log(8), np.log(150)))),
        blur_px=float(rng.uniform(0.5, 1.2)),
        detector=Detector(float(rng.uniform(5, 40))),
        read_noise_e=float(rng.uniform(0.2, 1.0)),
        flicker=float(rng.uniform(0, 0.03)),
        drift_px=steady + jitter - jitter[0],
    )


def random_wide_camera(n_frames: int, size_px: int, detector: DetectorName, rng: np.random.Generator) -> Camera:
    """Conditions as they come: 1 to 200 electrons a pixel, jumps of the stage, focus that drifts, a blanked beam."""
    good = random_camera(n_frames, rng)
    dose_e_px = float(np.exp(rng.triangular(np.log(1), np.log(40), np.log(200))))
    return Camera(
        dose_e_px=dose_e_px,
        blur_px=np.clip(rng.uniform(0.5, 1.2) + _wander(n_frames, rng.choice([0, 0.6], p=[0.6, 0.4]), rng), 0.4, 2.0),
        read_noise_e=0.0 if detector == "counting" else good.read_noise_e,
        flicker=float(rng.choice([good.flicker, rng.uniform(0.03, 0.15)], p=[0.8, 0.2])),
        drift_px=good.drift_px + _jumps_px(n_frames, size_px, rng),
        detector=random_detector(detector, size_px, dose_e_px, rng),
        fringe=rng.choice([0.0, rng.uniform(-1, 1)]) + _wander(n_frames, rng.choice([0, 0.5], p=[0.6, 0.4]), rng),
        beam=_beam(n_frames, rng),
    )


def _at(value: float | Floats, index: int) -> float:
    return float(value if np.ndim(value) == 0 else np.asarray(value)[index])


def _wander(n_frames: int, size: float, rng: np.random.Generator) -> Floats:
    """A slow random course of about the given size, from zero."""
    course = np.cumsum(rng.standard_normal(n_frames)) / np.sqrt(max(n_frames, 1))
    return np.asarray(size * (course - course[0]))


def _jumps_px(n_frames: int, size_px: int, rng: np.random.Generator) -> Floats:
    """A stage that slips once or twice in a movie, in one of four movies."""
    jumps = np.zeros((n_frames, 2))
    if rng.random() < 0.25:
        for frame in rng.integers(1, max(n_frames, 2), int(rng.integers(1, 3))):
            jumps[frame:] += rng.normal(0, 0.03 * size_px, 2)
    return jumps


def _beam(n_frames: int, rng: np.random.Generator) -> Floats:
    beam = np.exp(_wander(n_frames, rng.uniform(0, 0.15), rng))
    if rng.random() < 0.2 and n_frames > 4:
        start = int(rng.integers(1, n_frames - 1))
        beam[start : start + int(rng.integers(1, 4))] = _BLANKED
    return np.asarray(beam)
