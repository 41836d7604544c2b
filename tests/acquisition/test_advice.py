"""Noise is known by its brightness, and advice on the dose is what a rehearsal with that noise gave."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.acquisition import Advice, DoseAdvisor, Inline, LiveFront, Option
from ionfront.acquisition.noise import noise_of
from ionfront.core import UsageError

PIXEL_NM, FRAME_S, DOSE = 0.5, 2.0, 10.0


def counted(gain, pedestal, dose, seed):
    """A frame with a step and a slope, of counted electrons."""
    rng = np.random.default_rng(seed)
    electrons = np.linspace(dose / 4, dose, 200)[None, :] * np.repeat([1.0, 0.6], 75)[:, None]
    return (pedestal + gain * rng.poisson(electrons)).astype(np.float32)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.5, 80.0), st.floats(0.0, 500.0), st.floats(20.0, 300.0), st.integers(0, 99))
def test_the_noise_of_counted_electrons_is_found(gain, pedestal, dose, seed):
    noise = noise_of([counted(gain, pedestal, dose, seed)])
    grey = pedestal + gain * np.array([0.3, 0.5, 0.9]) * dose
    np.testing.assert_allclose(noise.variance(grey), gain * (grey - pedestal), rtol=0.25)


def test_less_dose_has_the_noise_of_less_dose():
    full, quarter = counted(10.0, 100.0, 200.0, 1), counted(40.0, 100.0, 50.0, 2)
    less = noise_of([full]).with_less_dose(full, 0.25, np.random.default_rng(3))
    grey = np.array([700.0, 1200.0, 1800.0])
    np.testing.assert_allclose(noise_of([less]).variance(grey), noise_of([quarter]).variance(grey), rtol=0.25)
    assert abs(float(less.mean() - full.mean())) < 4.0  # its standard error is 1


def test_even_frames_are_no_trouble():
    frame = np.full((20, 30), 7.0)
    less = noise_of([frame]).with_less_dose(frame, 0.5, np.random.default_rng(0))
    np.testing.assert_array_equal(less, frame)


def test_advice_from_a_movie(grey, grey_onnx):
    live = LiveFront(grey_onnx, pixel_size_nm=PIXEL_NM, looks=Inline(3))
    advisor = DoseAdvisor(live.segmenter, pixel_size_nm=PIXEL_NM)
    for number, frame in enumerate(grey[:26]):
        state = live.push(frame, FRAME_S * number, dose_e_nm2=DOSE)
        advisor.push(frame, FRAME_S * number)
    advice = advisor.advise(9.0, state)
    assert len(advice.options) == 12
    assert advice.options[-1].rate_share == 1.0
    assert advice.frame_time_s == FRAME_S
    assert advice.dose_e_nm2_s == pytest.approx(DOSE / FRAME_S, rel=0.05)
    for one in advice.options:
        for other in advice.options:  # more dose in as many frames, or as much in more, is no worse
            if one.dose_share <= other.dose_share and one.every >= other.every:
                assert one.speed_error >= other.speed_error
    assert advice.chosen == next(option for option in advice.options if option.speed_error <= 9.0)


def test_the_least_dose_that_suffices_is_chosen_and_said():
    options = (Option(0.25, 2, 0.5), Option(0.5, 1, 0.2), Option(1.0, 1, 0.1))
    advice = Advice(0.3, options, frame_time_s=2.0, dose_e_nm2_s=100.0, left_s=40.0)
    assert advice.chosen == options[1]
    assert advice.dose_left_e_nm2(options[1]) == 2000.0
    assert "0.5 of a frame's dose, one every 2 s" in advice.sentence
    assert "2e+03 electrons" in advice.sentence
    hopeless = Advice(0.05, options, frame_time_s=2.0, dose_e_nm2_s=None, left_s=None)
    assert hopeless.chosen is None
    assert "10% as it is" in hopeless.sentence


def test_what_nobody_can_advise_on_is_refused(grey, grey_onnx):
    live = LiveFront(grey_onnx, looks=Inline(3))
    advisor = DoseAdvisor(live.segmenter)
    for number in range(10):
        state = live.push(grey[0], float(number))
        with pytest.raises(UsageError, match=r"ask later"):
            advisor.advise(0.1, state)
        advisor.push(grey[0], float(number))
    with pytest.raises(UsageError, match="above 0"):
        advisor.advise(0.0, state)


def test_frames_that_are_kept_are_few_and_spread_over_all(grey, grey_onnx):
    live = LiveFront(grey_onnx, looks=Inline(3))
    advisor = DoseAdvisor(live.segmenter)
    for number in range(200):
        advisor.push(grey[0], float(number))
    times = [time_s for _, time_s in advisor.kept]
    assert 12 <= len(times) <= 24
    assert np.unique(np.diff(times)).size == 1
    assert times[-1] > 180
