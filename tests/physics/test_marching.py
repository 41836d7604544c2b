"""Fast marching gives the times that geometry says."""

import numpy as np
import pytest

from ionfront.physics import travel_cost


def test_from_an_edge_the_cost_is_the_distance_over_the_speed():
    inside = np.ones((20, 30), bool)
    inside[:, 0] = False
    edge = np.zeros_like(inside)
    edge[:, 0] = True
    distance = travel_cost(inside, edge)
    np.testing.assert_allclose(distance[10, 1:], np.arange(29) + 0.5, atol=1e-6)
    assert np.isnan(distance[:, 0]).all()
    np.testing.assert_allclose(travel_cost(inside, edge, np.full(inside.shape, 4.0))[:, 1:], distance[:, 1:] / 4)


def test_a_path_goes_round_a_wall():
    inside = np.ones((41, 41), bool)
    inside[:30, 20] = False
    source = np.zeros_like(inside)
    source[5, 5] = True
    around = np.hypot(30 - 5, 20 - 5) + np.hypot(30 - 5, 35 - 20)
    assert travel_cost(inside, source)[5, 35] == pytest.approx(around, rel=0.06)


def test_what_cannot_be_reached_has_no_time():
    inside = np.ones((9, 9), bool)
    inside[:, 4] = False
    source = np.zeros_like(inside)
    source[4, 0] = True
    assert np.isnan(travel_cost(inside, source)[:, 5:]).all()


def test_unequal_spacing_makes_an_ellipse():
    inside = np.ones((61, 61), bool)
    source = np.zeros_like(inside)
    source[30, 30] = True
    cost = travel_cost(inside, source, np.ones(inside.shape), (2.0, 0.5))
    assert cost[50, 30] / cost[30, 50] == pytest.approx(4, rel=0.05)
