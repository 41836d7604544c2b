"""Particles beside the measured one, which touch it or lie apart, and react earlier, later or never."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .reaction import Course, random_course
from .shapes import Shape, ShapeName, random_shape

__all__ = ["with_neighbours"]

Mask = NDArray[np.bool_]


def with_neighbours(
    particle: Shape, course: Course, kinds: tuple[ShapeName, ...], rng: np.random.Generator
) -> tuple[Mask, Course]:
    """All the particles in view, and in which order the reaction reaches their points.

    Args:
        particle: The one that is measured; it covers its neighbours.
        course: Its own.
        kinds: Geometries of the neighbours.
        rng: Source of randomness.

    Returns:
        Where there is any particle, shape (y, x), and the course over all of them.
    """
    inside, delay = particle.inside, np.zeros(particle.inside.shape)
    for _ in range(int(rng.choice(4, p=[0.6, 0.2, 0.12, 0.08]))):
        size_px = round(inside.shape[0] * rng.uniform(0.3, 0.6))
        other = random_shape(kinds[rng.integers(len(kinds))], size_px, rng)
        place_px = _placed(random_course(other, rng).place_px, inside.shape, rng)
        new = np.isfinite(place_px) & ~inside
        later = float(rng.choice([rng.uniform(-0.1, 0.4), np.inf], p=[0.75, 0.25]))
        course = replace(course, place_px=np.where(new, place_px, course.place_px))
        delay = np.where(new, later, delay)
        inside = inside | new
    return inside, replace(course, delay=delay)


def _placed(small: NDArray[np.float64], shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """A small map somewhere in a frame of NaN, perhaps cut by its edges."""
    shift = rng.uniform(-0.3, 0.9, 2) * shape[0]
    wide = np.full(shape, np.nan)
    top, left = (int(s) for s in shift)
    rows = slice(max(top, 0), min(top + small.shape[0], shape[0]))
    columns = slice(max(left, 0), min(left + small.shape[1], shape[1]))
    wide[rows, columns] = small[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return wide
