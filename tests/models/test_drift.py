"""A picture that moves is noticed at a part of a pixel, and noise or a reaction is not taken for it."""

import numpy as np
import pytest
from scipy import ndimage

from ionfront.models.drift import DriftWatch

SIDE = 256


def textured(seed=0):
    """A particle with grains in vacuum, as a normalised frame."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    grains = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 3)
    particle = ndimage.gaussian_filter((np.hypot(y, x) < 80).astype(float), 1)
    return 0.2 + particle * (0.5 + 0.15 * grains / grains.std())


def seen(levels, electrons=30, seed=0):
    return (np.random.default_rng(seed).poisson(levels * electrons) / electrons).astype(np.float32)


def watch_on(levels):
    watch = DriftWatch(0.25)
    watch.moved(seen(levels, seed=99))
    watch.accept()
    return watch


@pytest.mark.parametrize("way", [(0.5, 0), (0, -0.6), (3, 4), (-20.5, 7)])
def test_what_moved_is_seen(way):
    levels = textured()
    watch = watch_on(levels)
    moved = [watch.moved(seen(ndimage.shift(levels, way, mode="nearest"), seed=seed)) for seed in range(10)]
    assert all(moved)


def test_noise_moves_nothing():
    watch = watch_on(textured())
    assert np.mean([watch.moved(seen(textured(), seed=seed)) for seed in range(40)]) < 0.05


def test_a_front_moves_nothing():
    levels = textured()
    watch = watch_on(levels)
    darker = levels.copy()
    darker[:, : SIDE // 2] *= 0.8
    assert not watch.moved(seen(darker, seed=3))


def test_along_an_edge_nothing_is_known_of_motion():
    levels = np.where(np.arange(SIDE) < SIDE // 2, 1.0, 0.5) * np.ones((SIDE, SIDE))
    watch = watch_on(levels)
    assert np.mean([watch.moved(seen(levels, seed=seed)) for seed in range(40)]) < 0.05


def test_without_a_measure_or_a_picture_nothing_is_said():
    assert not DriftWatch(0.25).moved(textured().astype(np.float32))
    watch, even = DriftWatch(0.25), np.ones((SIDE, SIDE), np.float32)
    watch.moved(even)
    watch.accept()
    assert not watch.moved(even)
