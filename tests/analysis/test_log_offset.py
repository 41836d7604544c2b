"""The offset of a log comes back with an interval that holds it, or not at all."""

import numpy as np
import pytest

from ionfront.analysis.log_offset import log_offset
from ionfront.core import ElectrochemistryError
from ionfront.datasets import ElectrochemicalLog

TIME = np.arange(0, 200, 2.0)


def a_log(*pulses, length_s=400):
    time = np.linspace(0, length_s, 2000)
    current = np.zeros(time.size)
    for start, end, amperes in pulses:
        current[(time >= start) & (time < end)] = amperes
    return ElectrochemicalLog(time, np.full(time.size, np.nan), current, "cell.csv")


CYCLED = a_log((50, 150, -1e-9), (190, 250, 1e-9))


def reacted(log, offset, noise, rng):
    """Share that follows the charge, with noise that stays a while."""
    left = np.zeros(TIME.size)
    for index in range(1, TIME.size):
        left[index] = 0.7 * left[index - 1] + rng.normal(0, noise)
    return -np.interp(TIME - offset, log.time_s, log.charge_c) / 1e-7 + left


def test_intervals_hold_the_offset():
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        offset = rng.uniform(-140, 0)
        found = log_offset(CYCLED, TIME, reacted(CYCLED, offset, 0.02, rng))
        held += found.low <= offset <= found.high
        assert abs(found.value - offset) < 12
    assert held >= 55


def test_frames_that_show_nothing_are_passed_over():
    progress = reacted(CYCLED, -60.0, 0.01, np.random.default_rng(0))
    progress[20:40] = np.nan
    assert log_offset(CYCLED, TIME, progress).value == pytest.approx(-60, abs=4)


def test_a_front_that_slows_while_the_current_does_not_is_no_clock():
    steady = a_log((0, 400, -1e-9))
    with pytest.raises(ElectrochemistryError, match="give the offset"):
        log_offset(steady, TIME, 1 - np.exp(-TIME / 50))


@pytest.mark.parametrize("progress", [TIME / 200, np.random.default_rng(0).random(TIME.size)])
def test_a_steady_course_and_noise_tell_nothing(progress):
    with pytest.raises(ElectrochemistryError, match="does not tell"):
        log_offset(a_log((0, 400, -1e-9)), TIME, progress)


def test_a_log_shorter_than_the_movie_is_not_placed():
    with pytest.raises(ElectrochemistryError, match="shorter"):
        log_offset(a_log((50, 90, -1e-9), length_s=100), TIME, TIME)


def test_where_a_log_begins_and_ends_is_no_event():
    steady = a_log((0, 400, -1e-9), length_s=218)  # hardly longer than the movie
    with pytest.raises(ElectrochemistryError, match="does not tell"):
        log_offset(steady, TIME, TIME / 200)
    late = a_log((40, 120, -1e-9), length_s=300)
    with pytest.raises(ElectrochemistryError, match="does not tell"):  # it began 10 s after the movie
        log_offset(late, TIME, np.interp(TIME - 10, late.time_s, -late.charge_c) + 1e-10 * np.sin(TIME))


def test_a_movie_without_a_reaction_tells_nothing():
    with pytest.raises(ElectrochemistryError, match="nothing reacts"):
        log_offset(CYCLED, TIME, np.ones(TIME.size))
