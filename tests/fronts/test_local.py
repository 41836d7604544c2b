"""Speed, direction and curvature of a front at each place that it passed."""

import numpy as np
import pytest

from ionfront.fronts.local import local_front

SIZE = 96
Y, X = np.mgrid[:SIZE, :SIZE].astype(float)


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.5, -1.2])
def test_a_plane_front_has_one_speed_and_direction(angle):
    swept = np.hypot(Y - 48, X - 48) < 40
    local = local_front((X * np.cos(angle) + Y * np.sin(angle)) / 2.5 + 400, swept)
    assert local.trusted.sum() > 3000
    assert local.speed[local.trusted] == pytest.approx(2.5, rel=1e-6)
    assert np.cos(local.direction[local.trusted] - angle) == pytest.approx(1)
    assert np.abs(local.curvature[local.trusted]).max() < 1e-6
    assert not local.trusted[~swept].any()


def test_a_circle_that_slows_is_followed_from_place_to_place():
    radius = np.hypot(Y - 48, X - 48)
    swept = (radius > 8) & (radius < 44)
    local = local_front(radius**2 / 100, swept)  # parabolic: speed 50 / r
    here = local.trusted & (radius > 15)
    assert local.speed[here] == pytest.approx(50 / radius[here], rel=0.05)
    assert np.median(local.curvature[here] * radius[here]) == pytest.approx(1, rel=0.05)


def test_where_nothing_moved_nothing_is_known():
    still = local_front(np.zeros((SIZE, SIZE)), np.ones((SIZE, SIZE), bool))
    assert not still.trusted.any()
    assert not local_front(X, np.zeros((SIZE, SIZE), bool)).trusted.any()
