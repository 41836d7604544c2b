"""The change test: noise sets it off as rarely as stated, and what changes is seen, sudden or creeping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.core import UsageError
from ionfront.models.change import ChangeSettings, ChangeTest

TILE = 32
STATED = 0.1
SIDE = 192


def brightness():
    """Two levels a factor of two apart, as of particle and support, scaled as a normalised frame."""
    levels = np.ones((SIDE, SIDE))
    levels[:, SIDE // 2 :] = 0.5
    return levels


def shot(levels, dose, rng):
    return (rng.poisson(levels * dose) / dose).astype(np.float32)


def false_alarms(dose, seed, frames=120):
    """Tiles that noise alone sets off, a frame."""
    rng = np.random.default_rng(seed)
    test = ChangeTest(TILE, ChangeSettings(tolerance=0, false_alarms=STATED))
    alarms = []
    for _ in range(frames):
        changed = test.changed(shot(brightness(), dose, rng))
        alarms.append(changed.sum())
        test.accept(changed)
    return np.mean(alarms[20:])


@pytest.mark.parametrize("dose", [8, 40, 150])
def test_shot_noise_sets_it_off_as_rarely_as_stated(dose):
    rate = np.mean([false_alarms(dose, seed) for seed in range(2)])
    assert 0 < rate < 4 * STATED


def test_frames_whose_noise_is_alike_are_judged_by_what_they_show():
    rng = np.random.default_rng(0)
    test = ChangeTest(TILE, ChangeSettings(tolerance=0, false_alarms=STATED))
    exposures = [shot(brightness(), 20, rng) for _ in range(124)]
    alarms = []
    for k in range(120):
        changed = test.changed(np.mean(exposures[k : k + 5], axis=0))
        test.accept(changed)
        alarms.append(changed.sum())
    assert np.mean(alarms[20:]) < 10 * STATED


def alarms_after(change, frames, dose=40, seed=0, settings=None):
    """Whether the tile with a change was set off in any frame; `change` takes levels and how many frames on."""
    rng = np.random.default_rng(seed)
    test = ChangeTest(TILE, settings or ChangeSettings(false_alarms=STATED))
    for _ in range(12):
        test.accept(test.changed(shot(brightness(), dose, rng)))
    seen = False
    for k in range(1, frames + 1):
        levels = brightness()
        change(levels, k)
        seen |= bool(test.changed(shot(levels, dose, rng))[1, 1])
    return seen


def test_a_small_sudden_change_is_seen_at_once():
    def spot(levels, _):
        levels[40:48, 40:48] -= 0.4

    assert all(alarms_after(spot, 1, seed=seed) for seed in range(8))


def test_a_faint_change_is_seen_after_some_frames():
    def spot(levels, _):
        levels[40:48, 40:48] -= 0.1  # 1.8 standard deviations of the difference of two blocks, at 40 electrons

    assert np.mean([alarms_after(spot, 1, seed=seed) for seed in range(8)]) < 0.3
    assert np.mean([alarms_after(spot, 40, seed=seed) for seed in range(8)]) > 0.7


def test_what_creeps_adds_up():
    def front(levels, k):
        levels[36:60, 36 : 36 + k // 10] -= 0.4  # a tenth of a pixel a frame

    assert all(alarms_after(front, 60, seed=seed) for seed in range(4))


@given(gain=st.floats(0.1, 10), offset=st.floats(-5, 5))
@settings(deadline=None, max_examples=4)
def test_units_do_not_matter(gain, offset):
    def seen(scale, shift):
        rng = np.random.default_rng(3)
        test = ChangeTest(TILE, ChangeSettings(tolerance=0, false_alarms=0.5))
        tiles = []
        for _ in range(20):
            tiles.append(test.changed(np.float32(scale) * shot(brightness(), 20, rng) + np.float32(shift)))
            test.accept(tiles[-1])
        return np.asarray(tiles)

    assert (seen(gain, offset) != seen(1, 0)).mean() < 0.01


def test_without_noise_the_tolerance_decides():
    test = ChangeTest(TILE, ChangeSettings(tolerance=0.04))
    levels = brightness().astype(np.float32)
    assert test.changed(levels).all()
    assert test.changed(levels).all()  # noise is not known yet
    assert not test.changed(levels + np.float32(0.03)).any()
    levels[:8, :8] += 0.05
    changed = test.changed(levels)
    assert changed[0, 0]
    assert changed.sum() == 1


def test_only_accepted_tiles_are_forgiven():
    test = ChangeTest(TILE, ChangeSettings(memory_frames=1))
    levels = brightness().astype(np.float32)
    for _ in range(2):
        test.changed(levels)
    changed = test.changed(levels + 1)  # a whole frame at once, which noise does not
    assert changed.all()
    changed[:, 0] = False
    test.accept(changed)
    assert np.array_equal(test.changed(levels + 1), ~changed)


@pytest.mark.parametrize("shape", [(32, 32), (40, 100), (17, 33)])
def test_tiles_of_any_frame(shape):
    changed = ChangeTest(TILE).changed(np.zeros(shape, np.float32))
    assert changed.shape == (-(-shape[0] // TILE), -(-shape[1] // TILE))


@pytest.mark.parametrize("wrong", [{"block_px": 0}, {"memory_frames": 0}, {"false_alarms": 0}, {"tolerance": -1}])
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(UsageError, match="needed"):
        ChangeSettings(**wrong)


def test_a_frame_that_was_recorded_twice_says_nothing_of_noise():
    rng = np.random.default_rng(0)
    test = ChangeTest(TILE)
    first = shot(brightness(), 20, rng)
    alarms = []
    for frame in [first, first, *(shot(brightness(), 20, rng) for _ in range(60))]:
        changed = test.changed(frame)
        alarms.append(changed.mean())
        test.accept(changed)
    assert np.mean(alarms[30:]) < 0.05
