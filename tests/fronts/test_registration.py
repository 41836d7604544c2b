"""Drift comes out, swelling and reaction do not pass for it."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import expit

from ionfront.fronts.registration import DriftCorrector, shift_error_px


def disc(dy=0.0, dx=0.0, radius=25.0, size=96, reacted_to=-100.0):
    """Phase probabilities of a disc with a soft edge, reacted left of a line."""
    y, x = np.mgrid[:size, :size].astype(float)
    inside = expit((radius - np.hypot(y - size / 2 - dy, x - size / 2 - dx)) / 0.7)
    reacted = expit((reacted_to - (x - size / 2 - dx)) / 0.7)
    return np.stack([1 - inside, inside * (1 - reacted), inside * reacted]).astype(np.float32)


def aligned_by(corrector, frame):
    match = corrector.outline.match(frame)
    corrector.note(match)
    return match.probabilities


def drifts_of(frames):
    corrector = DriftCorrector(background=0)
    aligned = [aligned_by(corrector, frame) for frame in frames]
    return np.array(corrector.drift_px), aligned


@pytest.mark.parametrize("size", [96, 600])
def test_a_known_drift_comes_back(size):
    truth = np.array([[0.0, 0.0], [0.3, -0.2], [1.15, 0.4], [2.5, -1.75], [3.4, -4.6]])
    drift, aligned = drifts_of([disc(*shift, radius=size / 4, size=size) for shift in truth])
    assert np.abs(drift - truth).max() < (0.15 if size < 512 else 0.3)  # large frames are binned by two
    first = aligned[0]
    for frame, (dy, dx) in zip(aligned[1:], truth[1:], strict=True):
        unaligned = np.abs(disc(dy, dx, radius=size / 4, size=size) - first).mean()
        assert np.abs(frame - first).mean() < 0.6 * unaligned


def test_swelling_is_no_drift():
    drift, _ = drifts_of([disc(radius=25 * (1 + 0.05 * i / 9)) for i in range(10)])
    assert np.abs(drift).max() < 0.15


def test_drift_is_found_under_swelling_and_reaction():
    steps = np.linspace(0, 1, 10)
    truth = np.stack([2 * steps, -1.3 * steps], axis=1)
    frames = [
        disc(*shift, radius=25 * (1 + 0.05 * s), reacted_to=-25 + 50 * s) for s, shift in zip(steps, truth, strict=True)
    ]
    drift, _ = drifts_of(frames)
    assert np.abs(drift - truth).max() < 0.15


def test_without_a_background_or_a_particle_nothing_moves():
    corrector = DriftCorrector(background=None)
    frame = disc(3, 3)
    assert aligned_by(corrector, frame) is frame
    empty = np.zeros((3, 64, 64), np.float32)
    empty[0] = 1
    drift, _ = drifts_of([empty, empty])
    assert not drift.any()


def test_a_blanked_frame_lies_where_the_one_before_it_lay():
    corrector = DriftCorrector(background=0)
    corrector.note(None)
    for shift in (0.0, 2.0):
        aligned_by(corrector, disc(shift, 0))
    corrector.note(None)
    assert tuple(corrector.drift_px[0]) == (0.0, 0.0)
    assert tuple(corrector.drift_px[3]) == tuple(corrector.drift_px[2]) != (0.0, 0.0)


def rough_disc(rng, dy, dx, amplitude, swelling=0.0, size=160):
    """Phase probabilities of a disc whose outline is wrong by so many pixels, anew in every frame."""
    y, x = np.mgrid[:size, :size].astype(float)
    wrong = amplitude * 2 * np.sqrt(np.pi) * 4 * ndimage.gaussian_filter(rng.standard_normal((size, size)), 4)
    radius = np.hypot(y - size / 2 - dy, x - size / 2 - dx)
    inside = expit(0.25 * size * (1 + swelling) - radius + wrong)
    return np.stack([1 - inside, inside]).astype(np.float32)


@pytest.mark.parametrize(("amplitude", "swelling"), [(0.25, 0.0), (1.0, 0.0), (0.5, 0.05)])
def test_the_error_of_a_drift_is_as_large_as_it_says(amplitude, swelling):
    off, errors = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        corrector, truth = DriftCorrector(background=0), rng.normal(0, 2, (25, 2))
        for index, shift in enumerate(truth):
            aligned_by(corrector, rough_disc(rng, *shift, amplitude, swelling * index / 25))
        apart = (np.array(corrector.drift_px) - truth)[10:]
        off.append(apart - apart.mean(axis=0))  # where the reference lies is a matter of the first frames
        errors.append(np.array(corrector.error_px)[10:])
    held = (np.abs(np.concatenate(off)) < 1.96 * np.concatenate(errors)).mean()
    assert held > 0.88
    assert np.concatenate(errors).mean() < 1.5 * amplitude + 8 * swelling


@pytest.mark.parametrize(("size", "radius"), [(28, 9), (64, 8), (256, 5)])
def test_small_outlines_have_small_errors_or_none(size, radius):
    rng = np.random.default_rng(0)
    corrector = DriftCorrector(background=0)
    for shift in rng.normal(0, 0.5, (20, 2)):
        aligned_by(corrector, disc(*shift, radius=radius, size=size))
    errors = np.array(corrector.error_px)[1:]
    assert not (errors > 1).any()


def test_frames_without_an_outline_have_no_error_to_tell():
    corrector = DriftCorrector(background=0)
    aligned_by(corrector, disc(0, 0))
    corrector.note(None)
    empty = np.zeros((3, 96, 96), np.float32)
    empty[0] = 1
    aligned_by(corrector, empty)
    assert tuple(corrector.error_px[0]) == (0.0, 0.0)
    assert np.isnan(corrector.error_px[1:]).all()
    unregistered = DriftCorrector(background=None)
    aligned_by(unregistered, disc(0, 0))
    assert np.isnan(unregistered.error_px).all()
    flat = np.ones((40, 40), np.float32)
    assert np.isnan(shift_error_px(flat, flat)).all()
