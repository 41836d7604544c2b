"""Frames pushed one by one end with what a movie on disk gives, and tell the truth on the way."""

import asyncio
import dataclasses
import json

import numpy as np
import pytest

from ionfront.acquisition import Inline, LiveFront, Material
from ionfront.analysis import analyze
from ionfront.core import MovieError, UsageError

from ..conftest import FIRST, SPEED_PX

PIXEL_NM, FRAME_S = 0.5, 2.0
TOLD_ELSEWHERE = ("source", "calibration")  # a camera has no file to name


def live_front(model, **settings):
    return LiveFront(model, pixel_size_nm=PIXEL_NM, **{"looks": Inline(3)} | settings)


def pushed(live, frames, first=0):
    return [live.push(frame, FRAME_S * (first + number)) for number, frame in enumerate(frames)]


def with_gaps(grey):
    frames = grey.copy()
    frames[[10, 23]] = np.nan
    return frames


def without(record, names):
    return {name: value for name, value in record.items() if name not in names}


@pytest.mark.parametrize(("averaged", "binning"), [(1, 1), (3, 1), (1, 2)])
def test_live_and_offline_agree_to_the_last_digit(grey, comparing_onnx, averaged, binning, tmp_path):
    frames = with_gaps(grey)
    np.save(tmp_path / "bar.npy", frames)
    offline = analyze(
        tmp_path / "bar.npy",
        tmp_path / "out",
        model=comparing_onnx,
        pixel_size_nm=PIXEL_NM,
        frame_time_s=FRAME_S,
        average_frames=averaged,
        binning=binning,
        material={"host": "NiO", "ion": "Li"},
    )
    # a movie that is known to be short has a shorter reference
    live = live_front(
        comparing_onnx,
        average_frames=averaged,
        binning=binning,
        reference_frames=2,
        material=Material("NiO", "Li"),
        looks=Inline(99),
    )
    pushed(live, frames)
    live.finish()
    assert json.loads(json.dumps(without(live.kinetics(), TOLD_ELSEWHERE))) == without(offline.kinetics, TOLD_ELSEWHERE)
    assert live.kinetics()["cycles"][0]["transitions"]


def test_the_position_is_right_in_every_frame(grey, grey_onnx):
    states = pushed(live_front(grey_onnx), grey)
    known = [state for state in states if state.fronts]
    assert len(known) > 12
    for state in known:
        (front,) = state.fronts
        true_nm = PIXEL_NM * SPEED_PX * (state.frame - FIRST)
        assert (front.before, front.after) == ("pristine", "converted")
        assert front.position.value == pytest.approx(true_nm, abs=2 * PIXEL_NM * SPEED_PX)
        assert front.position.low <= true_nm <= front.position.high
    last = known[-1].fronts[0]
    assert last.speed.low < PIXEL_NM * SPEED_PX / FRAME_S < last.speed.high
    assert last.law == "linear"
    assert last.depth == pytest.approx(60 * PIXEL_NM, abs=3 * PIXEL_NM)  # less the rim


def test_the_forecast_holds_the_moment_when_the_front_is_through(grey, grey_onnx):
    states = pushed(live_front(grey_onnx, material=Material("NiO", "Li")), grey)
    through_s = FRAME_S * (FIRST + 60 / SPEED_PX)
    late = [state.fronts[0] for state in states[16:]]
    held = [front.completion_s.low < through_s < front.completion_s.high for front in late if front.completion_s]
    assert len(held) >= 4
    assert all(held)
    assert all(0.5 < front.completion_probability <= 1 for front in late)


def test_a_still_movie_has_no_front(labels, grey, grey_onnx):
    live = live_front(grey_onnx)
    states = pushed(live, np.repeat(grey[:1], 20, axis=0))
    assert not any(state.fronts for state in states)
    assert states[-1].area["converted"] == 0
    assert not live.kinetics()["reaction_observed"]


def test_what_is_not_known_is_said_in_pixels_and_not_at_all(grey, grey_onnx):
    live = LiveFront(grey_onnx, looks=Inline(12))
    record = pushed(live, grey)[-1].record()
    assert record["fronts"][0]["position_px"]["value"] == pytest.approx(2 * SPEED_PX * (23 - FIRST) / 2, abs=4)
    assert record["fronts"][0]["completion_s"] is None
    assert record["dose_e_nm2"] is None
    json.dumps(record, allow_nan=False)


def test_doses_add_up(grey, grey_onnx):
    live = live_front(grey_onnx)
    for number in range(3):
        state = live.push(grey[number], float(number), dose_e_nm2=1.5)
    assert state.dose_e_nm2 == pytest.approx(4.5)


def test_frames_wait_for_what_they_are_averaged_and_compared_with(grey, comparing_onnx):
    live = live_front(comparing_onnx, average_frames=3)
    states = pushed(live, grey[:12])
    assert [state.waiting for state in states] == [1, 2, 3, 4, 3, 2, 1, 1, 1, 1, 1, 1]
    assert states[3].seen_s is None
    assert states[-1].seen_s == FRAME_S * 10
    live.finish()
    assert live.kinetics()["cycles"][0]["end_s"] == FRAME_S * 11


@pytest.mark.parametrize(
    ("frame", "time_s", "dose", "error"),
    [
        (np.zeros((48, 81)), 9.0, None, MovieError),
        (np.zeros((48, 80, 3)), 9.0, None, MovieError),
        (np.zeros((48, 80), complex), 9.0, None, MovieError),
        (np.zeros((48, 80)), 2.0, None, UsageError),
        (np.zeros((48, 80)), 1.0, None, UsageError),
        (np.zeros((48, 80)), np.nan, None, UsageError),
        (np.zeros((48, 80)), 1e300, None, UsageError),
        (np.zeros((48, 80)), 9.0, -1.0, UsageError),
        (np.zeros((48, 80)), 9.0, np.inf, UsageError),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(grey, grey_onnx, frame, time_s, dose, error):
    live = live_front(grey_onnx)
    before = pushed(live, grey[:2])[-1]
    with pytest.raises(error):
        live.push(frame, time_s, dose_e_nm2=dose)
    assert live.state == before
    assert live.push(grey[2], 4.0).frame == 2


def test_restored_after_a_crash_it_goes_on_as_if_nothing_had_been(grey, comparing_onnx):
    frames = with_gaps(grey)
    whole, broken, restored = (live_front(comparing_onnx, average_frames=3) for _ in range(3))
    pushed(whole, frames[:13])
    pushed(broken, frames[:13])
    restored.restore(broken.save())
    ours, theirs = (pushed(live, frames[13:], first=13) for live in (restored, whole))
    assert ours[-1].fronts
    assert [without(s.record(), ["seconds"]) for s in ours] == [without(s.record(), ["seconds"]) for s in theirs]
    whole.finish()
    restored.finish()
    assert restored.kinetics() == whole.kinetics()


def test_looks_beside_the_frames_say_the_same(grey, grey_onnx):
    with live_front(grey_onnx, looks=None) as aside:
        pushed(aside, grey)
        looks = aside._looks
        while not looks.wait(24, timeout_s=0.1):
            looks.offer(aside._view)
    inline = live_front(grey_onnx)
    pushed(inline, grey)
    ours, theirs = aside.look.fronts[0], inline.look.fronts[0]
    np.testing.assert_array_equal(ours.position, theirs.position)
    assert (ours.law, ours.speed) == (theirs.law, theirs.speed)


def test_a_process_beside_that_dies_is_begun_anew(grey, grey_onnx):
    with live_front(grey_onnx, looks=None) as live:
        pushed(live, grey[:16])
        looks = live._looks
        assert looks.wait(1)
        looks._child.kill()
        while not looks.trouble and looks.newest.frame < 16:
            looks.offer(live._view)
        while not looks.wait(16, timeout_s=0.1):
            looks.offer(live._view)
        assert looks.trouble == ""
        assert live.push(grey[16], 99.0).fronts


def test_a_look_that_is_overdue_is_told_of(grey, grey_onnx, monkeypatch):
    monkeypatch.setattr("ionfront.acquisition.aside._LATE_S", 0.0)
    with live_front(grey_onnx, looks=None) as live:
        states = pushed(live, grey[:3])
    assert any("too much to do" in warning for state in states for warning in state.warnings)


@pytest.mark.parametrize("damage", [lambda b: b[:-40], lambda b: b"PK" + bytes(100), lambda b: b""])
def test_a_damaged_state_is_refused(grey, grey_onnx, damage):
    live = live_front(grey_onnx)
    pushed(live, grey[:3])
    with pytest.raises(UsageError, match="begin a new one"):
        live_front(grey_onnx).restore(damage(live.save()))


@pytest.mark.parametrize(
    "wrong", [{"host": "NiO"}, {"host": "NiO", "ion": "Xe"}, {"host": "NiO", "ion": "Li", "bias_v": 1e9}]
)
def test_a_material_that_is_none_is_refused(wrong):
    with pytest.raises(UsageError):
        Material(**wrong)


def test_binned_frames_tell_the_same_nanometres(grey, grey_onnx):
    twice = np.kron(grey, np.ones((1, 2, 2), np.float32))
    live = LiveFront(grey_onnx, pixel_size_nm=PIXEL_NM / 2, binning=2, looks=Inline(3))
    assert [state.record() for state in states_without_clock(pushed(live, twice))] == [
        state.record() for state in states_without_clock(pushed(live_front(grey_onnx), grey))
    ]
    assert live.calibration.pixel_size_source == "user, 2 x 2 binned"
    with pytest.raises(UsageError, match="binning"):
        LiveFront(grey_onnx, binning=0)


def states_without_clock(states):
    return [dataclasses.replace(state, seconds=0.0) for state in states]


def test_coroutines_take_frames_in_order(grey, grey_onnx):
    async def followed():
        with live_front(grey_onnx) as live:
            return await asyncio.gather(*(live.push_async(frame, FRAME_S * k) for k, frame in enumerate(grey[:8])))

    assert [state.frame for state in asyncio.run(followed())] == list(range(8))


def test_a_clock_that_jumps_ahead_ends_nothing(grey, grey_onnx):
    live = live_front(grey_onnx)
    for number, frame in enumerate(grey):
        live.push(frame, FRAME_S * number + (3600.0 if number > 10 else 0.0))
    assert live.state.frame == len(grey) - 1
    assert live.kinetics()["cycles"][0]["transitions"]


def test_what_is_held_may_be_analysed_after_it_was_closed(grey, grey_onnx):
    with live_front(grey_onnx, average_frames=3) as live:
        assert pushed(live, grey[:8])[-1].waiting == 1
    live.finish()
    assert live.result().time.size == 8
