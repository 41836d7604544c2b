"""Turns of a reaction: found soon after they happen, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.fronts.turns import TurnWatch


def turns_of(progress, smallest=0.03):
    """Frames at which turns are placed, frames in which they became certain, and the watch."""
    watch, placed, certain = TurnWatch(smallest), [], []
    for frame, value in enumerate(progress):
        if watch.see(float(value)):
            placed.append(watch.extreme_at)
            certain.append(frame)
    return placed, certain, watch


def zigzag(n_half_cycles, length=30, high=0.8):
    way = np.linspace(0, high, length)
    return np.concatenate([way if half % 2 == 0 else way[::-1] for half in range(n_half_cycles)])


@given(st.integers(1, 6), st.floats(0.0, 0.01), st.integers(0, 100))
def test_every_turn_is_found_near_its_frame(n_half_cycles, noise, seed):
    progress = zigzag(n_half_cycles)
    progress += noise * np.random.default_rng(seed).standard_normal(progress.size)
    placed, certain, watch = turns_of(progress)
    expected = 30 * np.arange(1, n_half_cycles)
    assert len(placed) == n_half_cycles - 1
    assert np.abs(placed - expected).max(initial=0) <= 2
    assert (np.array(certain) - expected).max(initial=0) <= 12
    assert watch.direction == ("insertion" if n_half_cycles % 2 else "extraction")


@given(st.floats(0.0, 0.05), st.integers(0, 1000))
def test_a_still_particle_and_a_one_way_reaction_never_turn(noise, seed):
    scatter = noise * np.random.default_rng(seed).standard_normal(200)
    still, one_way = np.full(200, 0.1), np.clip(np.linspace(-0.2, 1.2, 200), 0, 1)
    for progress in (still, one_way, one_way[::-1]):
        assert turns_of(progress + scatter)[0] == []
    assert turns_of(still + scatter)[2].direction is None


def test_a_movie_that_begins_reacted_goes_backwards_from_the_start():
    placed, _, watch = turns_of(zigzag(2)[30:])
    assert placed == []
    assert watch.direction == "extraction"


@pytest.mark.parametrize("gap", [slice(25, 35), slice(0, 5), slice(55, 60)])
def test_frames_that_show_nothing_change_little(gap):
    progress = zigzag(2)
    progress[gap] = np.nan
    placed, _, _ = turns_of(progress)
    assert len(placed) == 1
    assert abs(placed[0] - 30) <= 6


def test_a_relapse_smaller_than_a_reaction_is_none():
    progress = np.concatenate([np.linspace(0, 0.5, 30), np.linspace(0.5, 0.48, 5), np.linspace(0.48, 0.9, 20)])
    assert turns_of(progress)[0] == []


def test_a_single_frame_that_is_wrong_is_no_turn():
    progress = np.linspace(0, 1, 40)
    progress[20:22] = 0.0
    assert turns_of(progress)[0] == []


@pytest.mark.parametrize("seed", range(5))
def test_few_frames_of_a_slow_and_noisy_reaction_are_kept_apart(seed):
    progress = np.linspace(0, 0.6, 2000) + 0.01 * np.random.default_rng(seed).standard_normal(2000)
    watch, apart = TurnWatch(0.05), 0
    for value in progress:
        assert not watch.see(float(value))
        apart += watch.direction is not None and watch.wavering
    assert apart < 0.05 * 2000


def test_a_frame_that_falls_back_far_is_kept_apart():
    watch = TurnWatch(0.05)
    for value in np.linspace(0, 0.6, 60):
        watch.see(float(value))
    assert not watch.wavering
    watch.see(0.55)
    assert watch.wavering


def test_frames_that_go_wrong_by_twos_are_no_turn():
    """A fast camera: a network that is in doubt as a front sets out is wrong in single frames, some side by side."""
    rng = np.random.default_rng(0)
    progress = np.clip(np.linspace(-0.5, 0.9, 1500), 0, None) + rng.normal(0, 0.002, 1500)
    progress[500:560:8] += 0.15
    progress[502:560:8] += 0.06
    watch = TurnWatch(0.05)
    assert not any(watch.see(float(value)) for value in progress)
    assert watch.direction == "insertion"
