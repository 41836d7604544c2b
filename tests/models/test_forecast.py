"""Forecasts: the head's before anything is seen, the front's own once it moves."""

import numpy as np
import pytest

from ionfront.core import UsageError
from ionfront.datasets import all_steps, material_steps
from ionfront.models.forecast import Forecaster
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.reaction import Experiment, reactions

DEPTH = 300.0
TIME = np.linspace(0.0, 100.0, 101)


@pytest.fixture(scope="module")
def forecaster():
    return Forecaster(load_kinetics_head(), material_steps("Bi2Te3", "Na")[:1], Experiment(size_nm=DEPTH))


def seen(position, frames, error=1.0):
    noise = error * np.random.default_rng(0).standard_normal(TIME.size)
    return TIME[:frames], (position(TIME) + noise)[:frames]


def test_before_anything_is_seen_it_is_the_head_s(forecaster):
    said = load_kinetics_head().predict(
        reactions(list(material_steps("Bi2Te3", "Na")[:1]), [Experiment(size_nm=DEPTH)])
    )
    forecast = forecaster.forecast([], [], [DEPTH], error_nm=1.0)
    expected = np.log10(DEPTH) - said.log_speed[0, [0, 2, 1]]
    assert np.log10(forecast.time_s[0]) == pytest.approx(expected, abs=0.4)


@pytest.mark.parametrize(
    ("position", "when"),
    [(lambda t: 2.7 * t, 100.0), (lambda t: 27 * np.sqrt(t), 100.0), (lambda t: 13.5 * t, 20.0)],
    ids=["linear", "parabolic", "fast"],
)
def test_what_was_seen_overtakes_the_prior(forecaster, position, when):
    widths = []
    for share in (0.3, 0.6):
        frames = int(np.searchsorted(position(TIME), share * DEPTH)) + 1
        (forecast,) = forecaster.forecast(*seen(position, frames), [0.9 * DEPTH], error_nm=1.0).time_s
        assert forecast[1] < when < forecast[2]
        widths.append(np.log(forecast[2] / forecast[1]))
    assert widths[1] < widths[0]
    assert forecast[0] == pytest.approx(when, rel=0.15)


def test_places_that_were_passed_are_known_and_those_ahead_come_in_order(forecaster):
    time, position = seen(lambda t: 2.0 * t, 61, error=0.2)
    forecast = forecaster.forecast(time, position, [60.0, 150.0, 200.0, 290.0], error_nm=0.2)
    assert forecast.time_s[0] == pytest.approx([30.0] * 3, abs=0.5)
    assert forecast.reached[0] == 1.0
    assert (np.diff(forecast.time_s, axis=0) > 0).all()
    assert (forecast.time_s[1:] >= time[-1]).all()


def test_a_front_that_has_come_to_the_end_is_there(forecaster):
    time, position = seen(lambda t: np.minimum(6.0 * t, DEPTH), 101, error=0.2)
    forecast = forecaster.forecast(time, position, [150.0, 297.0], error_nm=0.2)
    assert forecast.time_s[:, 0] == pytest.approx([25.0, 49.5], abs=0.7)
    assert (forecast.reached == 1.0).all()


def test_a_front_that_stands_still_is_less_and_less_likely_to_arrive(forecaster):
    def stalled(t):
        return np.minimum(3.0 * t, 60.0)

    chances = [forecaster.forecast(*seen(stalled, n, 0.2), [270.0], error_nm=0.5).reached[0] for n in (15, 30, 101)]
    assert chances[0] > chances[1] > chances[2]
    assert chances[0] - chances[2] > 0.3


def test_a_front_that_has_not_set_out_is_waited_for(forecaster):
    early, late = (
        forecaster.forecast([0.0, now], [np.nan, np.nan], [150.0], error_nm=1.0).time_s[0] for now in (1.0, 1e4)
    )
    assert late[0] > early[0]
    assert late[1] >= 1e4


def test_time_has_no_unit_of_its_own(forecaster):
    time, position = seen(lambda t: 2.7 * t, 41)
    slow = forecaster.forecast(1000 * time, position, [270.0], error_nm=1.0).time_s
    fast = forecaster.forecast(time, position, [270.0], error_nm=1.0).time_s
    assert slow / 1000 == pytest.approx(fast, rel=0.25)


def test_an_unknown_host_is_any_host():
    any_host = Forecaster(load_kinetics_head(), all_steps(), Experiment(size_nm=DEPTH))
    (forecast,) = any_host.forecast(*seen(lambda t: 2.7 * t, 61), [270.0], error_nm=1.0).time_s
    assert forecast[1] < 100.0 < forecast[2]


def test_bad_input_is_refused(forecaster):
    with pytest.raises(UsageError, match="one position for each time"):
        forecaster.forecast([0.0, 1.0], [1.0], [10.0], error_nm=1.0)
    with pytest.raises(UsageError, match="rising"):
        forecaster.forecast([1.0, 0.5], [1.0, 2.0], [10.0], error_nm=1.0)
    with pytest.raises(UsageError, match="error_nm"):
        forecaster.forecast([0.0], [1.0], [10.0], error_nm=0.0)
    with pytest.raises(UsageError, match="a host and an ion"):
        Forecaster(load_kinetics_head(), [], Experiment())
