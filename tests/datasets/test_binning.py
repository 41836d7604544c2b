"""Binned movies are the means of blocks, and their calibration says so."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from ionfront.core import UsageError
from ionfront.datasets import calibration_of, open_movie


@pytest.fixture
def movie(tmp_path):
    np.save(tmp_path / "movie.npy", np.random.default_rng(0).integers(0, 4000, (3, 9, 12)).astype(np.uint16))
    return tmp_path / "movie.npy"


def test_a_pixel_is_the_mean_of_its_block(movie):
    plain, twice = open_movie(movie, pixel_size_nm=0.5), open_movie(movie, pixel_size_nm=0.5, binning=2)
    assert twice.shape == (3, 5, 6)
    assert_allclose(twice.values[:, :4], plain.values[:, :8].reshape(3, 4, 2, 6, 2).mean(axis=(2, 4)))
    assert_allclose(twice.values[:, 4], plain.values[:, 8].reshape(3, 6, 2).mean(axis=2))
    assert calibration_of(twice).pixel_size_nm == 1.0
    assert "2 x 2 binned" in calibration_of(twice).pixel_size_source
    assert float(twice["x"][1]) == 1.0


@pytest.mark.parametrize("factor", [0, -1, 65])
def test_what_makes_no_sense_is_refused(movie, factor):
    with pytest.raises(UsageError, match="binning"):
        open_movie(movie, binning=factor)
