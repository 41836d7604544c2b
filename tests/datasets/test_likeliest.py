"""Labels are the likeliest phases, the first of equals."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from ionfront.datasets import likeliest


@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 1, 7), (5, 300, 257)])
def test_it_is_argmax(shape):
    probabilities = np.random.default_rng(0).integers(0, 3, shape).astype(np.float32)  # with equals
    assert_array_equal(likeliest(probabilities), probabilities.argmax(axis=0))
