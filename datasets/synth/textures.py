"""What each phase looks like under the beam, as electrons transmitted relative to vacuum.

Every phase keeps a signature that survives a change of mean: the pristine crystal carries broad bend
contours, the intercalated one fine stripes of staging, the converted one a nanocrystalline grain, the
alloyed one coarse soft patches. The numbers are of the order seen in bright-field movies, not fitted to one.
"""

import numpy as np
from numpy.typing import NDArray

from .noise import smooth_noise

__all__ = ["phase_texture", "support_texture"]

Floats = NDArray[np.float64]


def phase_texture(phase: str, size_px: int, rng: np.random.Generator) -> Floats:
    """Relative deviation of the signal from the phase's mean, shape (size_px, size_px).

    Raises:
        KeyError: The phase has no texture.
    """
    return _TEXTURES[phase](size_px, rng)


def support_texture(size_px: int, rng: np.random.Generator) -> Floats:
    """Vacuum (flat) or amorphous carbon (a fine faint grain) or a film of uneven thickness."""
    kind = rng.integers(3)
    if kind == 0:
        return np.zeros((size_px, size_px))
    grain = rng.uniform(0.01, 0.05) * smooth_noise(size_px, rng.uniform(0.7, 1.5), rng)
    return np.asarray(grain + (kind == 2) * rng.uniform(0.02, 0.06) * smooth_noise(size_px, size_px / 6, rng))


def _pristine(size_px: int, rng: np.random.Generator) -> Floats:
    bend = smooth_noise(size_px, rng.uniform(12, 30), rng)
    contour = np.exp(-np.square(bend - rng.uniform(-1, 1)) / (2 * 0.25**2))
    return np.asarray(rng.uniform(0.03, 0.08) * bend - rng.uniform(0.0, 0.25) * contour)


def _intercalated(size_px: int, rng: np.random.Generator) -> Floats:
    y, x = np.mgrid[:size_px, :size_px]
    angle, period = rng.uniform(0, np.pi), rng.uniform(5, 10)
    warp = rng.uniform(0.5, 2.0) * smooth_noise(size_px, 15, rng)
    stripes = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + warp)
    return np.asarray(rng.uniform(0.12, 0.25) * stripes + 0.04 * smooth_noise(size_px, 20, rng))


def _converted(size_px: int, rng: np.random.Generator) -> Floats:
    grains = smooth_noise(size_px, rng.uniform(1.2, 2.0), rng)
    return rng.uniform(0.16, 0.28) * grains + 0.04 * smooth_noise(size_px, 12, rng)


def _alloyed(size_px: int, rng: np.random.Generator) -> Floats:
    patches = np.tanh(2 * smooth_noise(size_px, rng.uniform(5, 9), rng))
    return rng.uniform(0.12, 0.22) * patches


_TEXTURES = {
    "pristine": _pristine,
    "intercalated": _intercalated,
    "converted": _converted,
    "alloyed": _alloyed,
}
