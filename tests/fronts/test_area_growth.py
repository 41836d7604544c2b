"""Avrami's exponent comes back from maps of nuclei that grow."""

import numpy as np
import pytest

from ionfront.fronts.area_growth import area_growth

SIZE = 200
Y, X = np.mgrid[:SIZE, :SIZE].astype(float)
PARTICLE = np.ones((SIZE, SIZE), bool)


def many_nuclei(seed, keep_forming):
    """Circles that grow at one pixel a frame from random places, there at frame 5 or appearing from then on."""
    rng = np.random.default_rng(seed)
    count = 1500 if keep_forming else 40
    places = rng.uniform(-60, SIZE + 60, (count, 2))
    starts = 5 + rng.uniform(0, 100, count) if keep_forming else np.full(count, 5.0)
    return np.min([s + np.hypot(Y - y, X - x) for (y, x), s in zip(places, starts, strict=True)], axis=0)


@pytest.mark.parametrize(("keep_forming", "exponent"), [(False, 2.0), (True, 3.0)])
def test_exponents_of_growing_discs(keep_forming, exponent):
    time = np.arange(0, 80, 3.0)
    found = [area_growth(many_nuclei(seed, keep_forming), PARTICLE, time) for seed in range(8)]
    assert np.mean([item.exponent.value for item in found]) == pytest.approx(exponent, abs=0.2)
    assert sum(item.exponent.low <= exponent <= item.exponent.high for item in found) >= 7
    assert np.mean([item.onset.value for item in found]) == pytest.approx(5, abs=1.0)


def test_what_had_reacted_before_gives_no_onset():
    arrival = many_nuclei(0, keep_forming=False)
    arrival[np.random.default_rng(0).random(arrival.shape) < 0.01] = 0.0
    assert area_growth(arrival, PARTICLE, np.arange(80.0)) is None
    assert area_growth(arrival, arrival > 0, np.arange(80.0)).exponent.value == pytest.approx(2, abs=0.6)


def test_a_reaction_in_a_corner_has_an_onset_within_the_movie():
    arrival = np.where((Y < 40) & (X < 40), 20 + Y / 2, np.inf)
    onset = area_growth(arrival, PARTICLE, np.arange(80.0)).onset
    assert onset.high < 30


def test_a_rate_has_the_unit_of_the_times():
    arrival = many_nuclei(0, keep_forming=False)
    per_frame, per_second = (area_growth(k * arrival, PARTICLE, k * np.arange(80.0)) for k in (1, 5))
    assert per_second.rate.value == pytest.approx(per_frame.rate.value / 5, rel=1e-3)
    assert per_second.exponent.value == pytest.approx(per_frame.exponent.value, rel=1e-3)


def test_a_front_that_nobody_saw_has_no_exponent():
    time = np.arange(80.0)
    assert area_growth(np.full((SIZE, SIZE), np.inf), PARTICLE, time) is None
    assert area_growth(np.full((SIZE, SIZE), 30.5), PARTICLE, time) is None
