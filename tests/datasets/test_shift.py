"""Moved by parts of a pixel, as scipy moves them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from ionfront.datasets.shift import shifted

WAYS = st.one_of(st.floats(-30, 30), st.integers(-30, 30).map(float))


@given(way=st.tuples(WAYS, WAYS), shape=st.tuples(st.integers(1, 20), st.integers(1, 20)), seed=st.integers(0, 9))
def test_it_is_what_scipy_gives(way, shape, seed):
    image = np.random.default_rng(seed).random(shape).astype(np.float32)
    np.testing.assert_allclose(shifted(image, way), ndimage.shift(image, way, order=1, mode="nearest"), atol=2e-6)


def test_many_at_once_are_each_moved():
    images = np.random.default_rng(0).random((3, 12, 9)).astype(np.float32)
    np.testing.assert_array_equal(shifted(images, (1.25, -2.5))[1], shifted(images[1], (1.25, -2.5)))


@pytest.mark.parametrize("dtype", ["u1", "<u2", "f8"])
def test_any_type_becomes_float32(dtype):
    image = np.arange(12).reshape(3, 4).astype(dtype)
    assert shifted(image, (0.5, 0.0)).dtype == np.float32
    assert shifted(image, (0.5, 0.0))[1, 1] == 3.0
