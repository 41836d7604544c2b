"""What lies around and over the particles: carbon films and their holes, the electrode, electrolyte, a shell.

All of it is background to the labels. Everything is given as mass thickness in the units of the particles' own.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .noise import smooth_noise

__all__ = ["random_shell", "random_surroundings"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def random_surroundings(inside: Mask, rng: np.random.Generator) -> Floats:
    """Mass thickness of support, film and electrode, shape (y, x); the electrode stops where the particles begin."""
    size = inside.shape[0]
    mass = _support(size, rng)
    if rng.random() < 0.25:
        mass = mass + _electrolyte(size, rng)
    if rng.random() < 0.35:
        mass = np.where(inside, mass, mass + _electrode(size, rng))
    return mass


def random_shell(inside: Mask, rng: np.random.Generator) -> Floats:
    """Mass thickness of an SEI-like shell outside the particles, uneven, 1 to 6 px thick, shape (y, x)."""
    size = inside.shape[0]
    outside_px = ndimage.distance_transform_edt(~inside)
    thickness_px = rng.uniform(1, 6) * np.clip(1 + 0.4 * smooth_noise(size, rng.uniform(5, 15), rng), 0.1, None)
    return np.where(~inside & (outside_px <= thickness_px), rng.uniform(0.08, 0.35), 0.0)


def _support(size: int, rng: np.random.Generator) -> Floats:
    """Vacuum, amorphous carbon, carbon of uneven thickness, or the bars of a lacey film."""
    kind = rng.integers(4)
    if kind == 0:
        return np.zeros((size, size))
    grain = rng.uniform(0.005, 0.05) * smooth_noise(size, rng.uniform(0.7, 1.8), rng)
    film = rng.uniform(0.02, 0.2) + grain
    if kind == 1:
        return np.asarray(film)
    uneven = smooth_noise(size, size / rng.uniform(3, 8), rng)
    if kind == 2:
        return np.asarray(film + rng.uniform(0.02, 0.08) * uneven)
    width = rng.uniform(0.12, 0.35)
    return np.asarray((np.abs(uneven - rng.uniform(-0.8, 0.8)) < width) * (film + rng.uniform(0.05, 0.5)))


def _electrolyte(size: int, rng: np.random.Generator) -> Floats:
    """A film that covers part of the view, with a rounded edge."""
    reach = smooth_noise(size, size / rng.uniform(3, 6), rng) - rng.uniform(-0.6, 0.8)
    return np.asarray(rng.uniform(0.05, 0.3) * np.clip(6 * reach, 0, 1))


def _electrode(size: int, rng: np.random.Generator) -> Floats:
    """The metal and its oxide, or the tip that holds the sample: heavy, rough, from one side of the view."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    height = y * np.sin(angle) + x * np.cos(angle)
    edge = rng.uniform(0.22, 0.45) + 0.04 * smooth_noise(size, size / rng.uniform(6, 16), rng)
    body = np.clip(size * (height - edge) / rng.uniform(2, 12), 0, 1)
    uneven = 1 + 0.15 * smooth_noise(size, rng.uniform(3, 15), rng)
    return np.asarray(rng.uniform(0.4, 2.0) * body * uneven)
