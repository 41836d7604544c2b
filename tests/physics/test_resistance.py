"""A front in series with resistances: limits, and the closed law against its differential equation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from ionfront.physics import (
    butler_volmer,
    cost_v_s_nm,
    drive_in_series_ev,
    front_current_a_m2,
    series_law,
    speed_in_series_nm_s,
    tabulated_marcus_hush_chidsey,
)

VOLUME_NM3, IONS = 0.169, 6.0


@given(st.floats(1e-6, 1e3), st.floats(0, 3), st.floats(0, 10))
def test_front_and_resistance_share_the_drive(exchange, drive, cost):
    speed = float(speed_in_series_nm_s(butler_volmer, exchange, drive, cost))
    left = drive - cost * speed
    assert speed >= 0
    assert left >= -1e-9
    assert float(exchange * butler_volmer(left)) == pytest.approx(speed, rel=1e-4, abs=1e-12)


def test_without_resistance_the_front_has_all_the_drive():
    drive = np.array([-0.1, 0.0, 0.05, 0.3])
    np.testing.assert_allclose(speed_in_series_nm_s(butler_volmer, 2.0, drive, 0.0), 2 * butler_volmer(drive))


def test_a_fast_front_is_limited_by_the_resistance():
    speed = speed_in_series_nm_s(butler_volmer, 1e6, 1.0, 0.1)
    assert speed == pytest.approx(10.0, rel=0.02)


def test_nothing_goes_where_nothing_conducts():
    speeds = speed_in_series_nm_s(butler_volmer, 1.0, 0.5, np.array([np.inf, 0.0]))
    assert speeds[0] == 0
    assert speeds[1] > 0


def test_a_path_costs_as_ohm_says():
    cost = cost_v_s_nm(VOLUME_NM3, IONS, contact_ohm_m2=0.01, path_nm=500.0, conductivity_s_m=1e-4)
    assert cost == pytest.approx(front_current_a_m2(1.0, VOLUME_NM3, IONS) * (0.01 + 500e-9 / 1e-4))
    assert cost_v_s_nm(VOLUME_NM3, IONS) == 0


def test_the_law_of_linear_fronts_solves_its_equation():
    front, contact, conductivity, overpotential = 0.02, 0.01, 1e-6, 1.2
    law = series_law(
        overpotential, VOLUME_NM3, IONS, front_ohm_m2=front, contact_ohm_m2=contact, conductivity_s_m=conductivity
    )

    def speed(_, x):
        current = overpotential / (front + contact + x * 1e-9 / conductivity)
        return current / front_current_a_m2(1.0, VOLUME_NM3, IONS)

    times = np.linspace(0.0, 50.0, 11)
    course = integrate.solve_ivp(speed, (0, 50), [0.0], t_eval=times, rtol=1e-9, atol=1e-9).y[0]
    np.testing.assert_allclose(law.position_nm(times), course, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("burden", [0.0, 1e-3, 1.0, 1e6, 1e12])
def test_drive_and_what_the_resistance_takes_add_up(burden):
    psi = np.array([0.0, 1e-4, 0.05, 0.5, 3.0])

    def kinetics(drive):
        return tabulated_marcus_hush_chidsey(drive / 0.0257, 0.6 / 0.0257)

    drive = drive_in_series_ev(kinetics, np.full(5, burden), psi)
    assert drive + burden * kinetics(drive) == pytest.approx(psi, rel=1e-5)
