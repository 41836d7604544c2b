"""Frames made smaller and probabilities made large again: nothing moves, nothing is lost, sums stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.models import Architecture, ModelInfo, Segmenter
from ionfront.models.reduction import enlarged, reduced


@given(factor=st.integers(1, 5), rows=st.integers(1, 40), columns=st.integers(1, 40))
def test_sizes_come_back(factor, rows, columns):
    image = np.random.default_rng(rows).random((2, rows, columns), np.float32)
    small = reduced(image, factor)
    assert small.shape == (2, -(-rows // factor), -(-columns // factor))
    large = enlarged(np.stack([small[0], 1 - small[0]]), factor, (rows, columns))
    assert large.shape == image.shape
    assert large.dtype == np.float32
    assert large.sum(axis=0) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_nothing_moves(factor):
    y, x = np.mgrid[:60, :48].astype(np.float32)
    image = np.stack([y, x])
    again = enlarged(reduced(image, factor), factor, (60, 48))
    inside = np.s_[:, factor:-factor, factor:-factor]
    assert np.allclose(again[inside], image[inside], atol=1e-3)


class Bright:
    """A network that calls bright pixels phase 1, and keeps what it was shown."""

    def logits(self, tile):
        self.seen = tile.shape
        return np.stack([np.zeros_like(tile[0]), 20 * (tile[0] - 0.5)])


def test_a_model_of_reduced_frames_answers_for_whole_ones():
    network = Bright()
    info = ModelInfo(name="", version="", phases=("a", "b"), reduction=4, architecture=Architecture())
    image = np.zeros((256, 130))
    image[:, 64:] = 100
    labels = Segmenter(network, info, "").labels(image)
    assert network.seen == (1, 64, 48)
    assert np.array_equal(labels, (image > 50).astype(np.uint8))
