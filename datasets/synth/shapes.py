"""Particles of the synthetic movies: an outline, and how far each point lies from where the ion enters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.physics import travel_cost

from .noise import smooth_noise

__all__ = ["SHAPE_NAMES", "Shape", "ShapeName", "distorted", "random_shape"]

ShapeName = Literal["wire", "flake", "sphere", "bent_wire", "aggregate", "hollow"]
SHAPE_NAMES: tuple[ShapeName, ...] = ("wire", "flake", "sphere", "bent_wire", "aggregate", "hollow")

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


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


def random_shape(kind: ShapeName, size_px: int, rng: np.random.Generator, closeness: float = 1.0) -> Shape:
    """A particle of a family, of random size, place and orientation, in a square frame.

    Args:
        kind: Family.
        size_px: Edge of the frame.
        rng: Source of randomness.
        closeness: Enlarges the particle; the frame shows its middle, and the ion comes in where the frame cuts it.
    """
    canvas_px = round(size_px * closeness)
    whole = _SHAPES[kind](canvas_px, rng)
    cut = (canvas_px - size_px) // 2
    distance_px = whole.distance_px[cut : cut + size_px, cut : cut + size_px]
    if cut == 0 or not np.isfinite(distance_px).any():
        return whole if cut == 0 else random_shape(kind, size_px, rng)
    centre = (whole.centre_px[0] - cut, whole.centre_px[1] - cut)
    return Shape(kind, distance_px - np.nanmin(distance_px), centre)


def distorted(shape: Shape, rng: np.random.Generator) -> Shape:
    """The same particle with an irregular outline, as few real ones are round or straight."""
    size = shape.distance_px.shape[0]
    y, x = np.mgrid[:size, :size].astype(float)
    size_of_it, amount = size / rng.uniform(3, 12), size * rng.uniform(0, 0.02)
    where = [axis + amount * smooth_noise(size, size_of_it, rng) for axis in (y, x)]
    near = shape.inside & (shape.distance_px <= np.nanmin(shape.distance_px) + 1.5)
    inside, entry = (ndimage.map_coordinates(mask.astype(float), where, order=1) > 0.5 for mask in (shape.inside, near))
    entry &= inside
    if not entry.any() or entry.all():
        return shape
    return Shape(shape.kind, np.maximum(travel_cost(inside, entry), 0.0), shape.centre_px, shape.axis)


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


def _bent_wire(size_px: int, rng: np.random.Generator) -> Shape:
    """A wire along an arc or an S, that the ion enters at one end."""
    y, x, centre = _grid(size_px, rng)
    along = np.linspace(-1, 1, 400)
    turn, bend, twist = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5), rng.uniform(-0.35, 0.35)
    half_length, half_width = size_px * rng.uniform(0.30, 0.42), size_px * rng.uniform(0.05, 0.12)
    u = half_length * along
    v = half_length * (bend * (np.square(along) - 1 / 3) + twist * (np.power(along, 3) - 0.6 * along))
    line_y, line_x = centre[0] + u * np.sin(turn) + v * np.cos(turn), centre[1] + u * np.cos(turn) - v * np.sin(turn)
    on_line = np.zeros(y.shape, bool)
    within = (line_y >= 0) & (line_y < size_px) & (line_x >= 0) & (line_x < size_px)
    on_line[line_y[within].astype(int), line_x[within].astype(int)] = True
    inside = np.asarray(ndimage.distance_transform_edt(~on_line) <= half_width)
    end = np.hypot(y - line_y[0], x - line_x[0]) <= 1.2 * half_width
    return _entered_through(inside, "bent_wire", end & _rim(inside), centre)


def _aggregate(size_px: int, rng: np.random.Generator) -> Shape:
    """Round grains that overlap into one body, which the ion enters where its outermost grain touches the electrode."""
    y, x, centre = _grid(size_px, rng)
    radius = size_px * rng.uniform(0.10, 0.17)
    inside = np.zeros(y.shape, bool)
    place = np.array(centre)
    for _ in range(int(rng.integers(4, 9))):
        r = radius * rng.uniform(0.7, 1.2)
        inside |= np.hypot(y - place[0], x - place[1]) <= r
        angle = rng.uniform(0, 2 * np.pi)
        place = place + rng.uniform(0.9, 1.4) * r * np.array([np.sin(angle), np.cos(angle)])
        place = np.clip(place, 1.3 * radius, size_px - 1.3 * radius)
    return _entered_through(inside, "aggregate", _side(inside, y, x, rng), centre)


def _hollow(size_px: int, rng: np.random.Generator) -> Shape:
    """A shell around a void, as hollow spheres and tubes seen end on are; the ion enters from one side of it."""
    y, x, centre = _grid(size_px, rng)
    outer = size_px * rng.uniform(0.26, 0.40)
    wobble = 1 + 0.05 * smooth_noise(size_px, size_px / 6, rng)
    shift = outer * rng.uniform(-0.12, 0.12, 2)
    inside = np.hypot(y - centre[0], x - centre[1]) <= outer * wobble
    inside &= np.hypot(y - centre[0] - shift[0], x - centre[1] - shift[1]) > outer * rng.uniform(0.35, 0.65) * wobble
    return _entered_through(inside, "hollow", _side(inside, y, x, rng), centre)


def _entered_through(inside: Mask, kind: ShapeName, entry: Mask, centre: tuple[float, float]) -> Shape:
    doors = ndimage.binary_dilation(entry) & ~inside
    return Shape(kind, travel_cost(inside, doors), centre)


def _side(inside: Mask, y: Floats, x: Floats, rng: np.random.Generator) -> Mask:
    """The part of a body's outer rim that lies farthest in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    height = y * np.sin(angle) + x * np.cos(angle)
    rim = _rim(ndimage.binary_fill_holes(inside))
    return np.asarray(rim & (height >= np.quantile(height[rim], rng.uniform(0.8, 0.95))))


def _rim(inside: Mask) -> Mask:
    return np.asarray(inside & ~ndimage.binary_erosion(inside))


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


_SHAPES: dict[ShapeName, Callable[[int, np.random.Generator], Shape]] = {
    "wire": _wire,
    "flake": _flake,
    "sphere": _sphere,
    "bent_wire": _bent_wire,
    "aggregate": _aggregate,
    "hollow": _hollow,
}
