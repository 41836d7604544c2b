"""Foreign images are what they are called, and each is another."""

import numpy as np
import pytest

from ionfront.datasets import OUTLIER_NAMES, random_outlier


@pytest.mark.parametrize("kind", OUTLIER_NAMES)
def test_images_are_finite_repeatable_and_different(kind):
    one, again, other = (random_outlier(kind, 96, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one.shape == (96, 96)
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
