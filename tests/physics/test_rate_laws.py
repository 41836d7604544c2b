"""Laws of the laws: time undoes position, nothing moves before the start, and units cancel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.physics import LAW_NAMES, Exponential, Linear, Mixed, Parabolic, SelfLimiting

SIZES = st.floats(1e-3, 1e3)
LAWS = st.one_of(
    st.builds(Linear, SIZES),
    st.builds(Parabolic, SIZES),
    st.builds(Mixed, SIZES, SIZES),
    st.builds(SelfLimiting, SIZES, SIZES),
    st.builds(Exponential, SIZES, SIZES),
)


def in_other_units(law, nm, s):
    """The same law where a length that was 1 is `nm` and a time that was 1 is `s`."""
    match law:
        case Linear(k):
            return Linear(k * nm / s)
        case Parabolic(B):
            return Parabolic(B * nm**2 / s)
        case Mixed(k, B):
            return Mixed(k * nm / s, B * nm**2 / s)
        case SelfLimiting(length, tau):
            return SelfLimiting(length * nm, tau * s)
        case Exponential(k, length):
            return Exponential(k * nm / s, length * nm)


def times(law):
    """Over which a law shows all of itself; a stalling one only until rounding hides what is left."""
    return np.linspace(0, 8 * law.tau_s, 50) if isinstance(law, SelfLimiting) else np.geomspace(1e-4, 1e4, 50)


@given(LAWS)
def test_time_undoes_position(law):
    time_s = times(law)
    position_nm = law.position_nm(time_s)
    np.testing.assert_allclose(law.time_s(position_nm), time_s, rtol=1e-6, atol=1e-9 * time_s[-1])
    np.testing.assert_allclose(law.position_nm(law.time_s(position_nm)), position_nm, rtol=1e-6)


@given(LAWS)
def test_a_front_only_advances_and_never_speeds_up(law):
    time_s = np.linspace(0, times(law)[-1], 200)
    steps = np.diff(law.position_nm(time_s))
    assert (steps > 0).all()
    assert (np.diff(steps) <= 1e-9 * steps[:-1]).all()


@given(LAWS, st.floats(-1e6, 0))
def test_nothing_moves_before_time_zero(law, time_s):
    assert law.position_nm(time_s) == 0
    assert law.time_s(0.0) == 0


@given(LAWS, SIZES, SIZES)
def test_units_cancel(law, nm, s):
    time_s = times(law)
    scaled = in_other_units(law, nm, s).position_nm(time_s * s)
    np.testing.assert_allclose(scaled, law.position_nm(time_s) * nm, rtol=1e-9)


@given(SIZES, SIZES)
def test_mixed_is_linear_at_first_and_parabolic_at_last(k, B):
    law = Mixed(k, B)
    crossover_s = B / k**2
    early, late = crossover_s * 1e-6, crossover_s * 1e8
    assert law.position_nm(early) == pytest.approx(Linear(k).position_nm(early), rel=1e-5)
    assert law.position_nm(late) == pytest.approx(Parabolic(B).position_nm(late), rel=1e-3)


@given(st.builds(Mixed, SIZES, SIZES), SIZES)
def test_the_two_resistances_of_mixed_add_up(law, position_nm):
    alone = Linear(law.rate_nm_s).time_s(position_nm) + Parabolic(law.B_nm2_s).time_s(position_nm)
    assert law.time_s(position_nm) == pytest.approx(float(alone))


@given(SIZES, SIZES)
def test_a_self_limiting_front_stalls_at_its_length_and_starts_at_length_over_tau(length, tau):
    law = SelfLimiting(length, tau)
    assert law.position_nm(100 * tau) == pytest.approx(length)
    assert np.isinf(law.time_s([length, 2 * length])).all()
    assert law.position_nm(1e-6 * tau) == pytest.approx(length * 1e-6, rel=1e-5)


@given(SIZES, SIZES)
def test_an_exponential_front_starts_at_its_rate_and_slows_by_e_over_its_length(rate, length):
    law, hair = Exponential(rate, length), 1e-5 * length
    assert law.position_nm(1e-7 * length / rate) == pytest.approx(1e-7 * length, rel=1e-4)
    here, there = (hair / (law.time_s(x + hair) - law.time_s(x)) for x in (0.5 * length, 1.5 * length))
    assert here / there == pytest.approx(np.e, rel=1e-4)


@given(LAWS)
def test_every_law_goes_by_a_name_of_its_own(law):
    assert law.name in (*LAW_NAMES, "exponential")
