"""What the inside of each phase looks like in the wide families of scenes, and how that lives from frame to frame.

Each phase keeps what tells it apart by eye: the pristine crystal is smooth between bend contours, the intercalated one
is striped, banded by stages or strained, the converted one a fine grain of metal in M2O or M2Te, the alloyed one
amorphous and soft or made of coarse grains. Lattice fringes appear where the pixels are small enough. Sizes follow the
pixel size loosely, and amplitudes are of the order seen in published movies; none is fitted to one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .noise import smooth_noise

__all__ = ["Pattern", "random_pattern"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pattern:
    """Relative deviation from the mean signal of a phase.

    Attributes:
        steady: What stays, shape (y, x).
        flicker: Two fields that turn into each other and their negatives as grains tilt, shape (2, y, x).
        turns: How often they do in a movie.
        bend: Tilt of the lattice planes, shape (y, x); a bend contour runs where it equals the contour's own.
        contour: (tilt at the start, change over the movie, width, depth) of the contour.
    """

    steady: Floats
    flicker: Floats
    turns: float
    bend: Floats
    contour: tuple[float, float, float, float]

    def at(self, progress: float) -> Floats:
        """The pattern when a share of the movie has passed, shape (y, x)."""
        angle = 2 * np.pi * self.turns * progress
        tilt, travel, width, depth = self.contour
        contour = depth * np.exp(-np.square((self.bend - tilt - travel * progress) / width) / 2)
        return np.asarray(self.steady + np.cos(angle) * self.flicker[0] + np.sin(angle) * self.flicker[1] - contour)


def random_pattern(phase: str, size_px: int, pixel_size_nm: float, rng: np.random.Generator) -> Pattern:
    """Draw the inside of a phase.

    Raises:
        KeyError: The phase has no pattern.
    """
    return _PATTERNS[phase](size_px, pixel_size_nm, rng)


def _pristine(size: int, pixel_size_nm: float, rng: np.random.Generator) -> Pattern:
    bend = smooth_noise(size, rng.uniform(10, 40), rng)
    steady = rng.uniform(0.0, 0.08) * bend + _fringes(size, pixel_size_nm, rng)
    contour = (rng.uniform(-1.5, 1.5), rng.uniform(-1.5, 1.5), rng.uniform(0.12, 0.35), rng.uniform(0.0, 0.35))
    return Pattern(steady, np.zeros((2, size, size)), 0.0, bend, contour)


def _intercalated(size: int, pixel_size_nm: float, rng: np.random.Generator) -> Pattern:
    kind, amplitude = rng.integers(3), rng.uniform(0.10, 0.25)
    if kind == 0:  # planar defects, moire of host and product
        steady = amplitude * _stripes(size, rng.uniform(4, 12), rng)
    elif kind == 1:  # domains of stages, long along the layers
        steady = amplitude * np.tanh(2.5 * _drawn_out(size, rng.uniform(2, 4), rng.uniform(8, 20), rng))
    else:  # strained: contours crowd
        steady = amplitude * np.cos(rng.uniform(4, 8) * smooth_noise(size, rng.uniform(14, 24), rng))
    steady = steady + _fringes(size, pixel_size_nm, rng)
    bend = smooth_noise(size, 20, rng)
    contour = (rng.uniform(-1, 1), rng.uniform(-1.5, 1.5), 0.25, rng.uniform(0.0, 0.15))
    return Pattern(steady, np.zeros((2, size, size)), 0.0, bend, contour)


def _converted(size: int, pixel_size_nm: float, rng: np.random.Generator) -> Pattern:
    grain_px = float(np.clip(rng.uniform(1.5, 4) / pixel_size_nm / 2.4, 0.9, 3.0)) * rng.uniform(0.8, 1.2)
    grains = np.stack([smooth_noise(size, grain_px, rng) for _ in range(3)])
    if rng.random() < 0.3:  # metal particles stand out from the matrix, one way
        grains = np.maximum(grains - 0.8, 0) * 2.5
        grains -= grains.mean(axis=(1, 2), keepdims=True)
    live, amplitude = rng.uniform(0.2, 0.8), rng.uniform(0.14, 0.30)
    steady = amplitude * np.sqrt(1 - live**2) * grains[0] + 0.04 * smooth_noise(size, 12, rng)
    steady = steady + _fringes(size, pixel_size_nm, rng) * (grains[0] > 0.5)
    return Pattern(steady, amplitude * live * grains[1:], rng.uniform(0.2, 8), *_no_contour(size))


def _alloyed(size: int, pixel_size_nm: float, rng: np.random.Generator) -> Pattern:
    if rng.random() < 0.5:  # amorphous: soft patches in a faint grain
        steady = rng.uniform(0.06, 0.18) * np.tanh(2 * smooth_noise(size, rng.uniform(5, 10), rng))
        steady = steady + rng.uniform(0.01, 0.04) * smooth_noise(size, 1.2, rng)
        return Pattern(steady, np.zeros((2, size, size)), 0.0, *_no_contour(size))
    grains = _grains(size, rng.uniform(8, 18), rng)  # polycrystalline
    shades = rng.uniform(0.12, 0.25) * rng.standard_normal((3, int(grains.max()) + 1))
    live = rng.uniform(0.1, 0.6)
    steady = np.sqrt(1 - live**2) * shades[0][grains] + _fringes(size, pixel_size_nm, rng) * (shades[0][grains] > 0)
    return Pattern(steady, live * shades[1:][:, grains], rng.uniform(0.2, 3), *_no_contour(size))


def _no_contour(size: int) -> tuple[Floats, tuple[float, float, float, float]]:
    return np.zeros((size, size)), (0.0, 0.0, 1.0, 0.0)


def _stripes(size: int, period_px: float, rng: np.random.Generator) -> Floats:
    y, x = np.mgrid[:size, :size]
    angle = rng.uniform(0, np.pi)
    warp = rng.uniform(0.3, 2.0) * smooth_noise(size, rng.uniform(12, 30), rng)
    return np.asarray(np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period_px + warp))


def _fringes(size: int, pixel_size_nm: float, rng: np.random.Generator) -> Floats:
    """Lattice fringes of 0.2 to 0.8 nm, seen where a period takes more than two and a half pixels."""
    period_px = rng.uniform(0.2, 0.8) / pixel_size_nm
    amplitude = rng.uniform(0.0, 0.15)
    if period_px < 2.5:
        return np.zeros((size, size))
    return np.asarray(amplitude * _stripes(size, period_px, rng))


def _drawn_out(size: int, across_px: float, along_px: float, rng: np.random.Generator) -> Floats:
    """Noise that is long in one direction."""
    field = ndimage.gaussian_filter(rng.standard_normal((2 * size, 2 * size)), (across_px, along_px), mode="wrap")
    turned = ndimage.rotate(field, float(rng.uniform(0, 180)), reshape=False, order=1, mode="wrap")
    field = turned[size // 2 : size // 2 + size, size // 2 : size // 2 + size]
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-9))


def _grains(size: int, diameter_px: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which grain each pixel belongs to, shape (y, x): cells nearest to scattered seeds (Voronoi)."""
    seeds = np.ones((size, size), bool)
    count = max(4, int((size / diameter_px) ** 2))
    seeds[rng.integers(size, size=count), rng.integers(size, size=count)] = False
    nearest = ndimage.distance_transform_edt(seeds, return_distances=False, return_indices=True)
    return np.asarray(np.unique(nearest[0] * size + nearest[1], return_inverse=True)[1].reshape(size, size))


_PATTERNS = {
    "pristine": _pristine,
    "intercalated": _intercalated,
    "converted": _converted,
    "alloyed": _alloyed,
}
