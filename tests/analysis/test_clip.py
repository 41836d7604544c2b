"""The clip of a report: every frame, tinted where a product is, and no longer than a page can bear."""

import io

import numpy as np
import xarray as xr
from PIL import Image

from ionfront.analysis.clip import clip_colours, overlay_clip
from ionfront.core import Calibration, PhaseScheme

SCHEME = PhaseScheme(("background", "pristine", "converted"), ("pristine", "converted"))


def clip_of(frames, labels):
    time = np.arange(len(frames)) * 0.5
    movie, ids = (xr.DataArray(values, {"time": time}, ("time", "y", "x")) for values in (frames, labels))
    return Image.open(io.BytesIO(overlay_clip(movie, ids, SCHEME, Calibration(1.0, 0.5))))


def picture(clip, index):
    clip.seek(index)
    return np.asarray(clip.convert("RGB"), int)


def test_products_are_tinted_and_nothing_else():
    frames = np.full((6, 64, 96), 100, np.uint16) + np.arange(96, dtype=np.uint16)
    labels = np.ones((6, 64, 96), np.uint8)
    labels[3:, 30:, 50:] = 2
    clip = clip_of(frames, labels)
    assert clip.n_frames == 6
    assert clip.size == (96, 64)
    colourful = np.ptp(picture(clip, 4), axis=-1) > 30
    assert colourful[34:, 54:].mean() > 0.95
    assert colourful[34:, :46].mean() < 0.05
    assert (np.ptp(picture(clip, 1)[30:], axis=-1) > 30).mean() < 0.05
    assert list(clip_colours(SCHEME)) == [2]


def test_a_long_movie_of_large_frames_stays_small():
    frames = np.random.default_rng(0).poisson(30, (300, 600, 40)).astype(np.uint16)
    clip = clip_of(frames, np.ones(frames.shape, np.uint8))
    assert clip.n_frames <= 60
    assert max(clip.size) <= 400


def test_frames_without_data_are_black():
    frames = np.full((3, 32, 32), np.nan, np.float32)
    assert picture(clip_of(frames, np.zeros((3, 32, 32), np.uint8)), 2)[20:].max() < 10
