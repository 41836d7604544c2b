"""Fronts that are faster along one direction are told from those that are not, and by how much they are."""

import numpy as np
import pytest
from scipy import ndimage

from ionfront.fronts.anisotropy import front_anisotropy
from ionfront.fronts.local import local_front

SIZE = 160
Y, X = np.mgrid[:SIZE, :SIZE].astype(float)


def grown(kind, ratio, seed, noise=1.0):
    """Arrival times of growth from a point, with correlated noise; the direction of its long axis [deg]."""
    rng = np.random.default_rng(seed)
    turn, (cy, cx) = rng.uniform(0, np.pi), 80 + rng.uniform(-10, 10, 2)
    u, v = (X - cx) * np.cos(turn) + (Y - cy) * np.sin(turn), (Y - cy) * np.cos(turn) - (X - cx) * np.sin(turn)
    u, v = u / np.sqrt(ratio), v * np.sqrt(ratio)
    arrival = {"ellipse": np.hypot(u, v), "rectangle": np.maximum(np.abs(u), np.abs(v))}[kind]
    rough = ndimage.gaussian_filter(rng.standard_normal((SIZE, SIZE)), 2)
    swept = (np.hypot(X - 80, Y - 80) < 65) & (np.hypot(u, v) > 4)
    return rng.uniform(0.5, 2) * (arrival + noise * rough / rough.std()), swept, np.degrees(turn)


def distance_deg(angle, other):
    return abs((angle - other + 90) % 180 - 90)


def test_intervals_of_the_ratio_hold_the_truth():
    held, exact = 0, []
    for seed in range(30):
        arrival, swept, turn = grown("ellipse", 1.3, seed)
        found = front_anisotropy(local_front(arrival, swept), seed=seed)
        assert found.form == "ellipse"
        assert distance_deg(found.fastest_deg.value, turn) < 5
        held += found.ratio.low <= 1.3 <= found.ratio.high
        exact.append(found.ratio.value)
    assert held >= 26
    assert np.mean(exact) == pytest.approx(1.3, abs=0.02)


def test_growth_into_circles_is_called_isotropic():
    found = [front_anisotropy(local_front(*grown("ellipse", 1.0, seed)[:2]), seed=seed) for seed in range(20)]
    isotropic = [item for item in found if item.form == "isotropic"]
    assert len(isotropic) >= 18
    assert all(item.ratio.value == 1 and item.ratio.high < 1.15 and item.fastest_deg is None for item in isotropic)


def test_growth_into_rectangles_is_told_from_ellipses():
    forms = [front_anisotropy(local_front(*grown("rectangle", 1.5, seed)[:2])).form for seed in range(5)]
    assert forms.count("rectangle") >= 4


def test_a_front_that_slows_as_it_turns_is_not_anisotropic():
    """Around a bend at half the speed: only the law's pace says that the direction has no part in it."""
    angle = np.arctan2(Y, X)
    swept = (np.hypot(Y, X) > 60) & (np.hypot(Y, X) < 120)
    way = 90 * angle
    arrival = np.square(way / way[swept].max()) * 100 + 1e-3 * way
    pace = 90 * np.pi / 2 / (2 * np.sqrt(np.maximum(arrival, 1e-9) * 100))
    told, untold = (front_anisotropy(local_front(arrival, swept), by) for by in (pace, 1.0))
    assert untold.ratio.value > 2
    assert told is None or told.ratio.value < 0.5 * untold.ratio.value


def test_a_front_that_goes_one_way_tells_nothing_of_the_others():
    assert front_anisotropy(local_front(X, np.hypot(Y - 80, X - 80) < 60)) is None
    assert front_anisotropy(local_front(X, np.zeros_like(X, bool))) is None
