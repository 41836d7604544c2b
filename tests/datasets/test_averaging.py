"""Means of neighbouring frames: which frames they hold, and how many a movie asks for."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from ionfront.datasets import averaged_frames, frames_to_average, random_scene


def means(values, count):
    frames = [None if value is None else np.full((2, 2), value, np.uint16) for value in values]
    return [None if mean is None else float(mean[0, 0]) for mean in averaged_frames(frames, count)]


def test_the_frames_around_each():
    assert means([0, 3, 6, 9, 30], 3) == [0, 3, 6, 15, 30]
    assert means([0, 3, 6, 9, 27], 5) == [0, 3, 9, 14, 27]
    assert means([0, 3, 6, 9, 30], 1) == [0, 3, 6, 9, 30]


def test_blanked_frames_stay_blanked_and_count_nowhere():
    assert means([0, None, 6, 9, 30], 3) == [0, None, 6, 15, 30]
    assert means([None, None], 3) == [None, None]
    assert means([], 5) == []


@given(st.lists(st.integers(0, 60_000), max_size=20), st.sampled_from([1, 3, 5, 7]))
def test_every_frame_gets_the_mean_of_as_many_on_either_side(values, count):
    last = len(values) - 1
    reach = [min(count // 2, k, last - k) for k in range(len(values))]
    assert means(values, count) == pytest.approx([np.mean(values[k - r : k + r + 1]) for k, r in enumerate(reach)])


def test_a_pixel_without_data_is_left_out_of_its_mean():
    frames = np.arange(5.0)[:, None, None] * np.ones((5, 1, 2))
    frames[1, 0, 0], frames[3:, 0, 1] = np.nan, np.nan
    mean = [frame[0] for frame in averaged_frames(frames, 3)]
    assert mean[2].tolist() == [2.5, 1.5]
    assert np.isnan(mean[4][1])


def test_a_beam_that_flickers_is_no_noise():
    still = movie(3000)
    flicker = 1 + 0.1 * np.cos(np.arange(60))[:, None, None]
    assert frames_to_average(still * flicker) == 1


def movie(dose_e_px, drift_px=0.0, n_frames=60):
    scene = random_scene(3, 192, n_frames, shape="flake", law="linear")
    drift = np.outer(np.arange(n_frames), [drift_px, 0.0])
    camera = replace(scene.camera, dose_e_px=dose_e_px, read_noise_e=0.2, drift_px=drift)
    scene = replace(scene, camera=camera)
    return xr.DataArray(np.stack([scene.frame(k)[0] for k in range(n_frames)]), dims=("time", "y", "x"))


def test_noise_asks_for_more_frames_drift_and_a_short_movie_for_fewer():
    assert frames_to_average(movie(10)) == 5
    assert frames_to_average(movie(3000)) == 1
    assert frames_to_average(movie(150)) == 3
    assert frames_to_average(movie(10, drift_px=0.7)) == 3
    assert frames_to_average(movie(10, n_frames=18)) == 1


def test_a_movie_without_anything_to_see_is_not_averaged():
    assert frames_to_average(xr.DataArray(np.zeros((40, 16, 16), np.uint8), dims=("time", "y", "x"))) == 1
    assert frames_to_average(xr.DataArray(np.full((40, 16, 16), np.nan), dims=("time", "y", "x"))) == 1
