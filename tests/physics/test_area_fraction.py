"""Nucleation and growth: time undoes fraction, and exponents mean what theory says they may."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.physics import AreaFraction, avrami_readings

RATES, EXPONENTS = st.floats(1e-3, 1e3), st.floats(0.4, 4.2)


@given(RATES, EXPONENTS)
def test_time_undoes_fraction_and_a_share_of_1_over_e_is_left_after_one_over_the_rate(rate, exponent):
    law = AreaFraction(rate, exponent)
    shares = np.linspace(0.001, 0.999, 50)
    np.testing.assert_allclose(law.fraction(law.time_s(shares)), shares, rtol=1e-9)
    assert law.fraction(1 / rate) == pytest.approx(1 - np.exp(-1))
    assert law.fraction(-1.0) == 0
    assert np.isinf(law.time_s(1.0))


def test_exponents_have_the_readings_of_christians_table():
    assert len(avrami_readings(0.0, 5.0, 2)) == 4
    assert avrami_readings(2.9, 3.1, 2) == ("nuclei keep forming, the interface limits",)
    assert len(avrami_readings(1.9, 2.1, 2)) == 2  # two readings of one exponent
    assert avrami_readings(0.4, 0.6, 1) == ("all nuclei are there at the start, diffusion limits",)
    assert avrami_readings(3.4, 3.6, 1) == ()
