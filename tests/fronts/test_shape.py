"""A front whose middle leads is convex, one whose middle lags is concave."""

import numpy as np
import pytest

from ionfront.fronts.local import local_front
from ionfront.fronts.shape import front_shape

SIZE = 128
Y, X = np.mgrid[:SIZE, :SIZE].astype(float)
R = np.hypot(Y - 64, X - 64)
SECTOR = (R > 15) & (R < 50)


def shape_of(arrival, reached, half_width_px=40.0):
    noisy = arrival + np.random.default_rng(0).normal(0, 0.3, arrival.shape)
    return front_shape(local_front(noisy, reached), half_width_px)


def test_a_growing_circle_is_convex_with_the_mean_curvature_of_its_circles():
    shape = shape_of(R, SECTOR)
    inner = (R > 19) & (R < 46)  # what the margin leaves
    assert shape.word == "convex"
    assert shape.curvature_per_px.value == pytest.approx(np.mean(1 / R[inner]), rel=0.1)
    assert shape.curvature_per_px.low > 0


def test_a_shrinking_core_is_concave_by_as_much():
    growing, shrinking = shape_of(R, SECTOR), shape_of(100 - R, SECTOR)
    assert shrinking.word == "concave"
    assert shrinking.curvature_per_px.value == pytest.approx(-growing.curvature_per_px.value, rel=0.1)


@pytest.mark.parametrize("angle", [0.0, 0.6])
def test_a_straight_front_is_planar(angle):
    shape = shape_of(Y * np.sin(angle) + X * np.cos(angle), SECTOR)
    assert shape.word == "planar"
    assert abs(shape.curvature_per_px.value) < 2e-3


def test_speed_does_not_matter():
    slow, fast = (front_shape(local_front(R / v, SECTOR), 40.0) for v in (0.01, 10.0))
    assert slow.curvature_per_px.value == pytest.approx(fast.curvature_per_px.value, rel=1e-6)


def test_too_thin_a_sweep_has_no_shape():
    assert shape_of(R, np.abs(X - 64) < 4) is None
