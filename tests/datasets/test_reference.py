"""References: the mean of the first frames, laid under a later one, or left out where nothing says how."""

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from ionfront.datasets import Reference, first_frames, random_scene


def movie(frames):
    return xr.DataArray(np.asarray(frames), {"time": np.arange(len(frames))}, ("time", "y", "x"))


@pytest.fixture(scope="module")
def image():
    return random_scene(5, 128, 4, shape="flake").frame(0, 20)[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_reference_follows_the_drift_of_a_reacting_specimen(seed):
    scene = random_scene(610000 + seed, 256, 60)
    reference = Reference(scene.frame(0, 5)[0])
    frame, under = reference.behind(scene.frame(59)[0])
    assert np.array_equal(frame, scene.frame(59)[0])
    drift = scene.camera.drift_px[59] - scene.camera.drift_px[0]
    wanted = ndimage.shift(scene.frame(0, 5)[0].astype(float), drift, order=1, mode="nearest")
    moved = ndimage.gaussian_filter(under - wanted, 1)[8:-8, 8:-8]
    still = ndimage.gaussian_filter(scene.frame(0, 5)[0] - wanted, 1)[8:-8, 8:-8]
    assert moved.std() < max(0.6 * still.std(), 0.02 * wanted.std())
    assert reference.unmatched == 0


def test_large_frames_are_matched_to_the_pixel(image):
    large = np.kron(image, np.ones((5, 5)))
    under = Reference(large).behind(np.roll(large, (40, -25), (0, 1)))[1]
    assert np.abs(under - np.roll(large, (40, -25), (0, 1)))[60:-60, 60:-60].mean() < 0.03 * large.std()


def test_a_frame_of_something_else_goes_without(image):
    reference = Reference(image)
    other = np.random.default_rng(0).normal(500, 20, image.shape)
    assert reference.behind(other) is other
    assert reference.unmatched == 1


def test_constant_images_have_no_drift():
    assert Reference(np.ones((16, 16))).behind(np.ones((16, 16))).ndim == 2


def test_missing_pixels_are_borne(image):
    holed = image.astype(float)
    holed[:10, :10] = np.nan
    frame, under = Reference(image).behind(holed)
    assert np.isnan(frame[:10, :10]).all()
    assert np.isfinite(under).all()
    assert np.isfinite(first_frames(movie([holed])).behind(image)[1]).all()


def test_the_first_frames_that_show_something_are_meant(image):
    blank = np.full(image.shape, np.nan)
    frames = [blank, image + 2.0, blank, image - 2.0, *[np.roll(image, 5, axis=0).astype(float)] * 30]
    under = first_frames(movie(frames)).behind(image)[1]
    assert np.abs(under - image).max() < 1e-3 * image.max()


def test_a_movie_of_nothing_has_no_reference(image):
    assert first_frames(movie([np.full(image.shape, np.nan)] * 3)) is None
