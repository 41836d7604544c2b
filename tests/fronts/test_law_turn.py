"""A front that changes its law in mid-course is told from one that does not."""

import numpy as np
import pytest

from ionfront.fronts.further_laws import weigh_further_laws
from ionfront.fronts.law_turn import find_turn
from ionfront.fronts.rate_fit import fit_law
from ionfront.physics import LAW_NAMES, Exponential, Linear, Mixed, Parabolic, SelfLimiting

TIME = np.linspace(1, 60, 60)


def noisy(position, seed, scale=0.2):
    rng = np.random.default_rng(seed)
    return np.maximum(position + rng.normal(0, scale, position.size), 1e-3)


def turn_of(position, seed=0, scale_error=0.012):
    curves = [noisy(position, seed + 100 + k) for k in range(20)]
    use = position > 1
    curves = [curve[use] for curve in curves]
    fits = {name: fit_law(name, TIME[use], position[use]) for name in LAW_NAMES}
    further = weigh_further_laws(fits, TIME[use], position[use], [], 1.0, None)
    return find_turn(further.closest, TIME[use], position[use], curves, 1.0, scale_error)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("slow", "fast"), [(0.6, 2.2), (2.2, 0.6)])
def test_a_step_of_the_speed_is_found(slow, fast, seed):
    position = slow * np.minimum(TIME, 25) + fast * np.maximum(TIME - 25, 0)
    turn = turn_of(noisy(position, seed), seed)
    assert turn.time.low - 1 < 25 < turn.time.high + 1
    assert turn.time.value == pytest.approx(25, abs=1.5)
    assert turn.speed_before.value == pytest.approx(slow, rel=0.25)
    assert turn.speed_after.value == pytest.approx(fast, rel=0.25)


def test_a_front_that_runs_freely_and_then_stalls_is_found():
    position = 2.0 * np.minimum(TIME, 30) + SelfLimiting(12.0, 6.0).position_nm(TIME - 30)
    turn = turn_of(noisy(position, 1))
    assert turn is None or turn.after == "self_limiting"  # its speed does not jump


@pytest.mark.parametrize(
    "law", [Linear(1.5), Parabolic(120.0), Mixed(4.0, 240.0), SelfLimiting(80.0, 18.0), Exponential(6.0, 25.0)]
)
def test_one_law_has_no_turn(law):
    assert [turn_of(noisy(law.position_nm(TIME), seed), seed) for seed in range(6)] == [None] * 6


def test_correlated_errors_are_no_turn():
    found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        walk = np.convolve(rng.normal(0, 1, 80), np.ones(10) / 10**0.5, "valid")[:60]
        found += turn_of(np.maximum(Linear(1.5).position_nm(TIME) + 0.8 * walk, 1e-3), seed) is not None
    assert found <= 1


def test_a_bend_that_the_network_may_have_made_is_no_turn():
    position = noisy(1.2 * np.minimum(TIME, 25) + 1.9 * np.maximum(TIME - 25, 0), 0)
    assert turn_of(position, scale_error=0.012) is not None
    assert turn_of(position, scale_error=0.15) is None


def test_few_frames_tell_of_no_turn():
    assert find_turn(fit_law("linear", TIME[:10], TIME[:10]), TIME[:10], TIME[:10], [], 1.0, 0.012) is None
