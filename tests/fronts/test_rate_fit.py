"""Rate laws come back from noisy positions, with the right one the most probable."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.core import FrontFitError
from ionfront.fronts.position import FrontTrack
from ionfront.fronts.rate_fit import fit_exponent, fit_law, law_probabilities, mean_velocity, usable
from ionfront.physics import LAW_NAMES, Linear, Mixed, Parabolic, SelfLimiting

TIME = np.linspace(2, 60, 80)
ONSET = 1.0
LAWS = [Linear(1.5), Parabolic(120.0), Mixed(4.0, 240.0), SelfLimiting(90.0, 15.0)]


def measured(law, seed, noise_px=0.15, time=TIME, onset=ONSET):
    noise = np.random.default_rng(seed).normal(scale=noise_px, size=time.size)
    return np.maximum(law.position_nm(time - onset) + noise, 1e-6)


def track_of(position, depth=100.0):
    time = np.arange(len(position), dtype=float)
    return FrontTrack(time, np.asarray(position, float), np.zeros((1, time.size)), depth)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_every_law_comes_back_as_the_likeliest(law, seed):
    position = measured(law, seed)
    fits = {name: fit_law(name, TIME, position) for name in LAW_NAMES}
    probabilities = law_probabilities(fits)
    assert sum(probabilities.values()) == pytest.approx(1)
    assert max(probabilities, key=probabilities.__getitem__) == law.name
    fit = fits[law.name]
    assert fit.onset == pytest.approx(ONSET, abs=0.6)
    assert np.abs(fit.position(TIME) - law.position_nm(TIME - ONSET)).max() < 0.5
    tolerance = 0.15 if law.name == "mixed" else 0.05  # the two resistances of a mixed law trade against each other
    for name, value in vars(law).items():
        if name != "name":
            assert getattr(fit.law, name) == pytest.approx(value, rel=tolerance)


def test_a_share_of_the_evidence_leaves_the_order_and_takes_certainty():
    fits = {name: fit_law(name, TIME, measured(LAWS[0], 0)) for name in LAW_NAMES}
    whole, tenth = (law_probabilities(fits, evidence=share) for share in (1.0, 0.1))
    assert sorted(whole, key=whole.__getitem__) == sorted(tenth, key=tenth.__getitem__)
    likeliest = max(whole, key=whole.__getitem__)
    assert 1 / len(fits) < tenth[likeliest] < whole[likeliest]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_mean_velocity_is_that_of_the_law(law):
    t10, t90 = law.time_s(np.array([0.1, 0.9]) * law.position_nm(TIME[-1] - ONSET))
    truth = 0.8 * law.position_nm(TIME[-1] - ONSET) / (t90 - t10)
    fit = fit_law(law.name, TIME, measured(law, 0))
    assert mean_velocity(fit, TIME[-1], 1e3) == pytest.approx(float(truth), rel=0.03)


def test_a_front_that_ran_out_of_particle_swept_no_more_than_its_depth():
    fit = fit_law("parabolic", TIME, measured(Parabolic(120.0), 0))
    truth = Parabolic(120.0).time_s([5.0, 45.0])
    assert mean_velocity(fit, 60.0, 50.0) == pytest.approx(40 / (truth[1] - truth[0]), rel=0.05)


@settings(max_examples=8, deadline=None)
@given(st.sampled_from(LAWS), st.floats(1e-2, 1e2), st.floats(1e-2, 1e3))
def test_units_cancel(law, nm, s):
    position = measured(law, 0)
    in_px = fit_law(law.name, TIME, position)
    in_nm = fit_law(law.name, TIME * s, position * nm, pixel=nm)
    np.testing.assert_allclose(in_nm.position(TIME * s), in_px.position(TIME) * nm, atol=2e-3 * nm, rtol=1e-4)
    assert mean_velocity(in_nm, TIME[-1] * s, 1e3 * nm) == pytest.approx(
        mean_velocity(in_px, TIME[-1], 1e3) * nm / s, rel=1e-3
    )


def test_one_wild_frame_hardly_matters():
    position = measured(Linear(1.5), 0)
    position[40] += 30
    assert fit_law("linear", TIME, position).law.rate_nm_s == pytest.approx(1.5, rel=0.02)


def test_the_fit_starts_from_a_near_one_and_ends_at_the_same_place():
    position = measured(Mixed(4.0, 240.0), 1)
    fresh = fit_law("mixed", TIME, position)
    again = fit_law("mixed", TIME, position, near=fit_law("mixed", TIME, measured(Mixed(4.0, 240.0), 2)))
    np.testing.assert_allclose(again.position(TIME), fresh.position(TIME), atol=0.02)


@pytest.mark.parametrize(
    ("law", "exponent"), [(Linear(1.5), 1.0), (Parabolic(120.0), 0.5)], ids=["linear", "parabolic"]
)
@pytest.mark.parametrize("seed", range(3))
def test_the_exponent_tells_the_regimes_apart(law, exponent, seed):
    assert fit_exponent(TIME, measured(law, seed)) == pytest.approx(exponent, abs=0.05)


def test_only_a_moving_front_is_used():
    position = [0.0] * 4 + list(np.linspace(5, 95, 10)) + [99.5] * 5
    use = usable(track_of(position))
    assert use.tolist() == [False] * 4 + [True] * 10 + [False] * 5


def test_too_short_a_track_is_an_error_that_says_what_is_needed():
    with pytest.raises(FrontFitError, match=r"in 3 frames; a rate law needs"):
        usable(track_of([0, 0, 20, 40, 60, 99, 99, 99]))
