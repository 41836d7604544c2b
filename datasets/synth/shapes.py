"""Particles of the synthetic movies: an outline, and how far each point lies from where the ion enters."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["SHAPE_NAMES", "Shape", "ShapeName", "random_shape"]

ShapeName = Literal["wire", "flake", "sphere"]
SHAPE_NAMES: tuple[ShapeName, ...] = ("wire", "flake", "sphere")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """A particle before the reaction.

    Attributes:
        kind: Its family.
        distance_px: Geodesic distance from the ion's entry, shape (y, x); NaN outside the particle.
        centre_px: (y, x) about which it swells.
        axis: Unit vector (y, x) along a wire; zero for shapes that swell the same in all directions.
    """

    kind: ShapeName
    distance_px: Floats
    centre_px: tuple[float, float]
    axis: tuple[float, float] = (0.0, 0.0)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Where the particle is, shape (y, x)."""
        return np.isfinite(self.distance_px)

    @property
    def depth_px(self) -> float:
        """The farthest that a front can go."""
        return float(np.nanmax(self.distance_px))


def random_shape(kind: ShapeName, size_px: int, rng: np.random.Generator) -> Shape:
    """A particle of a family, of random size, place and orientation, in a square frame."""
    match kind:
        case "wire":
            return _wire(size_px, rng)
        case "flake":
            return _flake(size_px, rng)
        case "sphere":
            return _sphere(size_px, rng)


def _wire(size_px: int, rng: np.random.Generator) -> Shape:
    """A straight wire that the ion enters at one end; the front may lead or lag at its sides."""
    y, x, centre = _grid(size_px, rng)
    angle = rng.uniform(0, 2 * np.pi)
    axis = (float(np.sin(angle)), float(np.cos(angle)))
    along = (y - centre[0]) * axis[0] + (x - centre[1]) * axis[1]
    across = (y - centre[0]) * axis[1] - (x - centre[1]) * axis[0]
    half_length, half_width = size_px * rng.uniform(0.28, 0.42), size_px * rng.uniform(0.06, 0.16)
    edge = half_width * (1 + 0.06 * _smooth_noise_1d(along, half_length, rng))
    inside = (np.abs(along) <= half_length) & (np.abs(across) <= edge)
    return Shape("wire", np.where(inside, along + half_length, np.nan), centre, axis)


def _flake(size_px: int, rng: np.random.Generator) -> Shape:
    """A convex polygon that the ion enters through one edge or one corner."""
    y, x, centre = _grid(size_px, rng)
    corners = np.sort(rng.uniform(-0.25, 0.25, (n := int(rng.integers(4, 8)))) + np.arange(n)) * 2 * np.pi / n
    radius, squeeze, turn = size_px * rng.uniform(0.25, 0.40), rng.uniform(0.6, 1.0), rng.uniform(0, 2 * np.pi)
    u, v = radius * np.cos(corners), radius * squeeze * np.sin(corners)
    points = np.stack([u * np.sin(turn) + v * np.cos(turn), u * np.cos(turn) - v * np.sin(turn)], axis=1) + centre
    ends = np.roll(points, -1, axis=0)
    inside = np.ones(y.shape, bool)
    for (py, px), (qy, qx), (ry, rx) in zip(points, ends, np.roll(points, -2, axis=0), strict=True):
        side = (qx - px) * (y - py) - (qy - py) * (x - px)
        inside &= side * ((qx - px) * (ry - py) - (qy - py) * (rx - px)) >= 0
    first = int(rng.integers(n))
    start, end = points[first], ends[first] if rng.random() < 0.7 else points[first]
    return Shape("flake", np.where(inside, _distance_to_segment(y, x, start, end), np.nan), centre)


def _sphere(size_px: int, rng: np.random.Generator) -> Shape:
    """A round particle that the ion enters from all around; its outline is not quite a circle."""
    y, x, centre = _grid(size_px, rng)
    angle = np.arctan2(y - centre[0], x - centre[1])
    wobble = sum(rng.normal(0, 0.03) * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 4))
    inside = np.hypot(y - centre[0], x - centre[1]) <= size_px * rng.uniform(0.22, 0.40) * (1 + wobble)
    # The distance transform counts from the first pixel outside; the outline runs half a pixel before it.
    depth = ndimage.distance_transform_edt(inside) - 0.5
    return Shape("sphere", np.where(inside, depth, np.nan), centre)


def _grid(size_px: int, rng: np.random.Generator) -> tuple[Floats, Floats, tuple[float, float]]:
    y, x = np.mgrid[:size_px, :size_px].astype(float)
    centre_y, centre_x = size_px / 2 + size_px * rng.uniform(-0.06, 0.06, 2)
    return y, x, (float(centre_y), float(centre_x))


def _smooth_noise_1d(position: Floats, half_length: float, rng: np.random.Generator) -> Floats:
    knots = rng.normal(size=9)
    return np.interp(position, np.linspace(-half_length, half_length, 9), knots)


def _distance_to_segment(y: Floats, x: Floats, start: Floats, end: Floats) -> Floats:
    dy, dx = end - start
    length2 = float(dy * dy + dx * dx)
    along = ((y - start[0]) * dy + (x - start[1]) * dx) / length2 if length2 else np.zeros_like(y)
    along = np.clip(along, 0, 1)
    return np.asarray(np.hypot(y - start[0] - along * dy, x - start[1] - along * dx))
