"""Faraday's law and works per ion, against numbers worked out by hand."""

import numpy as np
import pytest

from ionfront.physics import (
    capillary_work_ev,
    expansion_work_ev,
    front_current_a_m2,
    front_speed_of_current_nm_s,
)

NIO_NM3 = 0.4177**3 / 4  # rock salt, four formula units a cell


def test_the_current_of_a_front_in_nickel_oxide():
    assert front_current_a_m2(1.0, NIO_NM3, 2) == pytest.approx(17.6, rel=0.01)
    by_hand = 1e-9 / (NIO_NM3 * 1e-27) * 2 * 1.602176634e-19  # m/s over m3, times charge
    assert front_current_a_m2(1.0, NIO_NM3, 2) == pytest.approx(by_hand)


def test_current_and_speed_are_inverse():
    speeds = np.logspace(-3, 3, 7)
    np.testing.assert_allclose(front_speed_of_current_nm_s(front_current_a_m2(speeds, 0.17, 6), 0.17, 6), speeds)


def test_work_of_expansion():
    # 1 GPa on 0.1 nm3 that doubles, for one ion: 1e9 * 1e-28 J
    assert expansion_work_ev(2.0, 0.1, 1, 1.0) == pytest.approx(1e-19 / 1.602176634e-19)
    assert expansion_work_ev(1.64, 0.169, 6, 0.5 * 2 / 3) == pytest.approx(0.0375, abs=0.0005)
    assert expansion_work_ev(2.0, 0.1, 1, -1.0) < 0


def test_capillarity_matters_at_nanometres_only():
    flat, small, large = capillary_work_ev(0.5, np.array([0.0, 1 / 2, 1 / 200]), 0.02, 1)
    assert flat == 0
    assert small == pytest.approx(0.5 * 0.5e9 * 0.02e-27 / 1.602176634e-19)
    assert small > 0.02 > 100 * large / 10
