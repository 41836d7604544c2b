"""Normalisation: robust, unitless, and indifferent to gain and offset."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.core import UsageError
from ionfront.models import Normalisation, normalise

NORM = Normalisation()


def noise(shape=(40, 60), seed=0):
    return np.random.default_rng(seed).normal(1000, 100, shape)


@given(gain=st.floats(0.01, 1000), offset=st.floats(-1e4, 1e4))
@settings(deadline=None, max_examples=25)
def test_gain_and_offset_change_nothing(gain, offset):
    assert np.allclose(normalise(gain * noise() + offset, NORM), normalise(noise(), NORM), atol=2e-2)


def test_percentiles_become_zero_and_one():
    scaled = normalise(noise(), NORM)
    assert scaled.dtype == np.float32
    assert np.percentile(scaled, [1, 99]) == pytest.approx([0, 1], abs=1e-4)


def test_one_hot_pixel_changes_nothing_else():
    frame, hot = noise((200, 200)), noise((200, 200))
    hot[7, 9] = 1e9
    difference = np.abs(normalise(frame, NORM) - normalise(hot, NORM))
    difference[7, 9] = 0
    assert difference.max() < 0.02


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf])
def test_a_frame_without_contrast_is_zero(value):
    assert not normalise(np.full((5, 6), value), NORM).any()


def test_missing_pixels_become_zero():
    frame = noise()
    frame[3:5, 4] = [np.nan, np.inf]
    scaled = normalise(frame, NORM)
    assert not scaled[3:5, 4].any()
    assert np.isfinite(scaled).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float16, np.float64, bool])
def test_any_real_type(dtype):
    frame = np.tile(np.arange(100), (50, 1)) % 128
    assert normalise(frame.astype(dtype), NORM).shape == (50, 100)


def test_large_frames_are_sampled_the_same_way_every_time():
    frame = noise((1500, 1200))
    assert np.array_equal(normalise(frame, NORM), normalise(frame, NORM))
    assert np.percentile(normalise(frame, NORM), [1, 99]) == pytest.approx([0, 1], abs=0.02)


@pytest.mark.parametrize("frame", [np.zeros((2, 3, 4)), np.zeros((0, 4)), np.zeros((3, 3), complex)])
def test_what_is_no_grey_image_is_refused(frame):
    with pytest.raises(UsageError, match="one grey image"):
        normalise(frame, NORM)


def test_impossible_percentiles_are_refused():
    with pytest.raises(UsageError, match="must each rise"):
        Normalisation(low=60, high=40)
