"""Images that are no reaction movies: what a domain check must refuse, made by code.

Photographs by dead leaves (Lee, Mumford, Huang 2001, doi:10.1023/A:1011109015675), surfaces under a scanning
microscope, diffraction patterns, pages, patterns and noise. They teach where the domain ends; they are no test of the
check.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from .noise import smooth_noise

__all__ = ["OUTLIER_NAMES", "OutlierName", "random_outlier"]

OutlierName = Literal["leaves", "relief", "spots", "rings", "page", "pattern", "noise", "blank"]
OUTLIER_NAMES: tuple[OutlierName, ...] = ("leaves", "relief", "spots", "rings", "page", "pattern", "noise", "blank")

Floats = NDArray[np.float64]


def random_outlier(kind: OutlierName, size_px: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """An image of a kind, shape (size_px, size_px), mostly with some noise of a camera on it."""
    image = _KINDS[kind](size_px, rng)
    spread = float(image.std()) or 1.0
    image = image + spread * rng.choice([0.0, np.exp(rng.uniform(-5, 0.5))]) * rng.standard_normal(image.shape)
    return np.asarray(image if rng.random() < 0.5 else -image, np.float32)


def _leaves(size: int, rng: np.random.Generator) -> Floats:
    """Opaque shapes of all sizes that cover each other, as objects in photographs do."""
    image, bare = np.zeros((size, size)), np.ones((size, size), bool)
    smallest, power = rng.uniform(2, 6), rng.uniform(1.5, 2.2)
    for _ in range(400):
        radius = min(smallest * rng.random() ** (-1 / power), size)
        cy, cx = rng.uniform(-0.2, 1.2, 2) * size
        turn, squeeze, exponent = rng.uniform(0, np.pi), rng.uniform(0.3, 1), rng.choice([1, 2, 8])
        box = tuple(slice(max(int(at - 1.5 * radius), 0), max(int(at + 1.5 * radius) + 2, 0)) for at in (cy, cx))
        y, x = np.mgrid[:size, :size][:, *box]
        u = ((y - cy) * np.sin(turn) + (x - cx) * np.cos(turn)) / radius
        v = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / (radius * squeeze)
        new = bare[box] & (np.abs(u) ** exponent + np.abs(v) ** exponent <= 1)
        image[box][new] = (rng.random() + rng.normal(0, 0.3) * u + rng.normal(0, 0.3) * v)[new]
        bare[box] &= ~new
        if not bare.any():
            break
    image[bare] = rng.random()
    grain = rng.uniform(0, 0.1) * smooth_noise(size, rng.uniform(0.7, 4), rng)
    return np.asarray(ndimage.gaussian_filter(image + grain, rng.uniform(0, 1)))


def _relief(size: int, rng: np.random.Generator) -> Floats:
    """A rough surface under light from one side, bright at its edges."""
    height = sum(scale * smooth_noise(size, scale, rng) for scale in np.exp(rng.uniform(np.log(2), np.log(40), 4)))
    if rng.random() < 0.5:
        height = np.abs(height)
    gradient_y, gradient_x = np.gradient(np.asarray(height) * rng.uniform(0.1, 0.5))
    angle = rng.uniform(0, 2 * np.pi)
    light = (1 + gradient_y * np.sin(angle) + gradient_x * np.cos(angle)) / np.sqrt(1 + gradient_y**2 + gradient_x**2)
    return np.asarray(light + rng.uniform(0, 0.8) * np.hypot(gradient_y, gradient_x))


def _spots(size: int, rng: np.random.Generator) -> Floats:
    """Diffraction of one or two crystals: a lattice of spots or discs about a bright centre."""
    y, x = np.mgrid[:size, :size].astype(float) - size * rng.uniform(0.4, 0.6, (2, 1, 1))
    radius = np.hypot(y, x)
    image = np.exp(-radius / rng.uniform(10, 60)) * rng.uniform(0.1, 1)
    reach, width = size * rng.uniform(0.2, 0.6), rng.uniform(1, 8)
    for _ in range(int(rng.integers(1, 3))):
        a = rng.uniform(12, 50) * _unit(rng.uniform(0, np.pi))
        b = rng.uniform(12, 50) * _unit(rng.uniform(0, np.pi))
        for i in range(-8, 9):
            for j in range(-8, 9):
                at = i * a + j * b
                if np.hypot(*at) < size * 0.6 and (i or j):
                    strength = rng.exponential() * np.exp(-np.square(np.hypot(*at) / reach))
                    image = image + strength * np.exp(-np.square(np.hypot(y - at[0], x - at[1]) / width) / 2)
    image = image + rng.uniform(1, 20) * np.exp(-np.square(radius / width) / 2)
    return _compressed(image, radius, rng)


def _rings(size: int, rng: np.random.Generator) -> Floats:
    """Diffraction of a powder or a glass."""
    y, x = np.mgrid[:size, :size].astype(float) - size * rng.uniform(0.4, 0.6, (2, 1, 1))
    radius = np.hypot(y, x)
    image = np.exp(-radius / rng.uniform(15, 60))
    width = rng.choice([rng.uniform(0.8, 3), rng.uniform(6, 20)])
    spotty = 1 + rng.uniform(0, 0.8) * smooth_noise(size, 2, rng)
    for at in rng.uniform(0.08, 0.6, int(rng.integers(1, 8))) * size:
        image = image + rng.uniform(0.05, 0.5) * spotty * np.exp(-np.square((radius - at) / width) / 2)
    return _compressed(image, radius, rng)


def _compressed(image: Floats, radius: Floats, rng: np.random.Generator) -> Floats:
    """On a scale on which spots show, perhaps behind a beam stop."""
    image = np.maximum(image, 0)
    image = np.log(image + 0.01) if rng.random() < 0.5 else np.minimum(image, rng.uniform(0.3, 2))
    return np.asarray(np.where((radius < rng.uniform(5, 20)) & (rng.random() < 0.3), image.min(), image))


def _page(size: int, rng: np.random.Generator) -> Floats:
    """Text, lines and boxes: screens, charts, documents."""
    picture = Image.new("L", (size, size), int(rng.integers(180, 256)))
    pen = ImageDraw.Draw(picture)
    for top in range(int(rng.integers(0, 12)), size, int(rng.integers(11, 26))):
        letters = "".join(chr(int(c)) for c in rng.integers(40, 120, int(rng.integers(5, size // 5))))
        pen.text((int(rng.integers(0, size // 4)), top), letters, fill=int(rng.integers(0, 100)))
    for _ in range(int(rng.integers(0, 8))):
        box = np.sort(rng.integers(0, size, (2, 2)), axis=0)
        fill = int(rng.integers(256)) if rng.random() < 0.4 else None
        pen.rectangle([*box[0].tolist(), *box[1].tolist()], outline=int(rng.integers(256)), fill=fill)
    return np.asarray(picture, float) / 255


def _pattern(size: int, rng: np.random.Generator) -> Floats:
    """Gratings, chessboards, woven and granular textures from edge to edge."""
    y, x = np.mgrid[:size, :size].astype(float)
    kind = rng.integers(3)
    if kind == 0:
        turn, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
        waves = np.sin(2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / period)
        return np.asarray(waves if rng.random() < 0.5 else np.sign(waves))
    if kind == 1:
        period = rng.uniform(8, 50)
        return np.asarray((np.floor(x / period) + np.floor(y / period)) % 2)
    texture = smooth_noise(size, rng.uniform(1.5, 6), rng)
    return np.asarray(np.abs(texture) if rng.random() < 0.5 else np.sign(texture) * np.abs(texture) ** 0.3)


def _noise(size: int, rng: np.random.Generator) -> Floats:
    """Noise of any colour from edge to edge."""
    kind = rng.integers(3)
    if kind == 0:
        return np.asarray(rng.poisson(np.exp(rng.uniform(-3, 5)), (size, size)), float)
    if kind == 1:
        return np.asarray(rng.random((size, size)))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij"))
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / frequency ** rng.uniform(0, 2)
    return np.asarray(np.fft.irfft2(spectrum, (size, size)))


def _blank(size: int, rng: np.random.Generator) -> Floats:
    """Nothing: a shade that is even, slopes, or falls off to the corners."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    slope = rng.normal() * x + rng.normal() * y + rng.normal() * (x * x + y * y)
    return np.asarray(slope * rng.choice([0.0, 1.0]))


def _unit(angle: float) -> Floats:
    return np.array([np.sin(angle), np.cos(angle)])


_KINDS: dict[OutlierName, Callable[[int, np.random.Generator], Floats]] = {
    "leaves": _leaves,
    "relief": _relief,
    "spots": _spots,
    "rings": _rings,
    "page": _page,
    "pattern": _pattern,
    "noise": _noise,
    "blank": _blank,
}
