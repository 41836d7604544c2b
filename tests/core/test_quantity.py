import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.core import Quantity

FLOATS = st.floats(-1e6, 1e6)


def test_normal_samples_give_the_interval_of_a_normal():
    samples = np.random.default_rng(0).normal(10.0, 2.0, 20_000)
    quantity = Quantity.from_samples(10.0, samples)
    assert (quantity.low, quantity.high) == pytest.approx((10 - 1.96 * 2, 10 + 1.96 * 2), abs=0.1)


@given(FLOATS, st.lists(FLOATS, min_size=1))
def test_the_value_lies_in_its_own_interval(value, samples):
    quantity = Quantity.from_samples(value, samples)
    assert quantity.low <= quantity.value <= quantity.high
    assert quantity.value == value


@given(FLOATS, st.lists(FLOATS, min_size=1), st.randoms())
def test_what_is_not_finite_is_left_out_and_order_does_not_matter(value, samples, random):
    dirty = [*samples, math.nan, math.inf, -math.inf]
    random.shuffle(dirty)
    assert Quantity.from_samples(value, dirty) == Quantity.from_samples(value, samples)


def test_without_samples_the_interval_is_unknown():
    quantity = Quantity.from_samples(3.0, [math.nan])
    assert quantity.value == 3.0
    assert math.isnan(quantity.low)
    assert math.isnan(quantity.high)
