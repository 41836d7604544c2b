"""Medians of neighbourhoods are scipy's."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import ndimage

from ionfront.models.median import median_of_nine


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (31, 40)])
def test_it_is_scipys(shape):
    image = np.random.default_rng(0).integers(0, 9, shape).astype(float)
    assert_array_equal(median_of_nine(image), ndimage.median_filter(image, 3, mode="nearest"))
