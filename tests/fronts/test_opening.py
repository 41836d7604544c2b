"""Openings of masks are scipy's."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage

from ionfront.fronts.opening import opened


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (41, 57)])
def test_it_is_scipys(shape, times):
    mask = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=shape), 1.5) > -0.05
    assert_array_equal(opened(mask, times), ndimage.binary_opening(mask, iterations=times))
