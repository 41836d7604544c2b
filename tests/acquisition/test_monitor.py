"""A camera is never held up, and what was not analysed is counted; what rules do stops nothing when it fails."""

import threading

import numpy as np
import pytest

from ionfront.acquisition import Actions, Decision, Inline, LiveFront, Monitor, Rule, Triggers, webhook
from ionfront.core import UsageError

DECISION = Decision("halfway", ("blank", "tell"), 3, 1.5, 0.9, "because", dry_run=False)


def live_front(model):
    return LiveFront(model, pixel_size_nm=0.5, looks=Inline(6))


class Recorded(list):
    def record(self, frame):
        self.append(frame)


class Slow:
    """Holds the analysis up until it is let go."""

    def __init__(self):
        self.seen, self.go, self.begun = [], threading.Event(), threading.Event()

    def __call__(self, state, decisions):
        self.begun.set()
        self.go.wait(30)
        self.seen.append(state.time_s)


def test_a_fast_camera_is_not_held_up_and_what_is_skipped_is_said(grey, grey_onnx):
    slow, recorded = Slow(), Recorded()
    live = live_front(grey_onnx)
    monitor = Monitor(live, tell=slow, recorder=recorded, waiting=3)
    monitor.take(grey[0], 0.0)
    assert slow.begun.wait(30)
    for number in range(1, 12):
        monitor.take(grey[number], float(number))
    slow.go.set()
    counts = monitor.finish()
    assert (counts.taken, counts.analysed, counts.skipped, counts.refused) == (12, 4, 8, 0)
    assert slow.seen == [0.0, 9.0, 10.0, 11.0]
    assert live.state.missed == 8
    assert any("8 of 12 frames" in warning for warning in live.kinetics()["warnings"])
    assert [frame.time_s for frame in recorded] == [float(number) for number in range(12)]


def test_it_may_stop_instead(grey, grey_onnx):
    slow = Slow()
    monitor = Monitor(live_front(grey_onnx), tell=slow, waiting=1, late="stop")
    monitor.take(grey[0], 0.0)
    assert slow.begun.wait(30)
    monitor.take(grey[1], 1.0)
    with pytest.raises(UsageError, match="faster than the processor"):
        monitor.take(grey[2], 2.0)
    slow.go.set()
    assert monitor.finish().analysed == 2


def test_frames_that_cannot_be_used_are_counted(grey, grey_onnx):
    monitor = Monitor(live_front(grey_onnx), waiting=99)
    for frame, time_s in ((grey[0], 0.0), (grey[1], 0.0), (grey[1][:9], 1.0), (grey[1], 1.0), (grey[2], 0.5)):
        monitor.take(frame, time_s)
    counts = monitor.finish()
    assert (counts.analysed, counts.refused) == (2, 3)
    assert "times need to rise" in counts.last_refusal
    with pytest.raises(UsageError, match="ended"):
        monitor.take(grey[3], 9.0)


def test_a_camera_that_uses_its_memory_again_does_no_harm(grey, grey_onnx):
    slow, buffer = Slow(), np.empty_like(grey[0])
    live = live_front(grey_onnx)
    monitor = Monitor(live, tell=slow, waiting=99)
    for number in range(6):
        buffer[:] = grey[number]
        monitor.take(buffer, float(number))
    slow.go.set()
    monitor.finish()
    expected = live_front(grey_onnx)
    for number in range(6):
        expected.push(grey[number], float(number))
    np.testing.assert_array_equal(live.image, expected.image)
    assert live.state.area == expected.state.area


def test_what_breaks_the_analysis_is_told_to_the_camera(grey, grey_onnx):
    def broken(_state, _decisions):
        raise RuntimeError("no more room")

    monitor = Monitor(live_front(grey_onnx), tell=broken)
    monitor.take(grey[0], 0.0)
    with pytest.raises(RuntimeError, match="no more room"):
        monitor.finish()
    with pytest.raises(RuntimeError, match="no more room"):
        monitor.take(grey[1], 1.0)


def test_rules_act_once_and_a_dry_run_does_not(grey, grey_onnx):
    for dry_run in (False, True):
        done, noted = [], []
        actions = Actions({"blank": done.append}, noted.append)
        rule = Rule("halfway", "fraction", 0.5, ("blank",), frames=1)
        actions.check([rule])
        monitor = Monitor(live_front(grey_onnx), triggers=Triggers([rule], dry_run=dry_run), act=actions, waiting=99)
        for number, frame in enumerate(grey):
            monitor.take(frame, 2.0 * number)
        monitor.finish()
        actions.close()
        assert len(done) == (0 if dry_run else 1)
        assert noted == ([] if dry_run else [{"rule": "halfway", "action": "blank", "error": ""}])


def test_an_action_that_fails_stops_no_other():
    noted, told = [], []

    def stuck(_decision):
        raise OSError("the shutter does not answer")

    actions = Actions({"blank": stuck, "tell": told.append}, noted.append)
    actions(DECISION)
    actions.close()
    assert told == [DECISION]
    assert [note["error"] for note in noted] == ["OSError: the shutter does not answer", ""]


def test_actions_that_there_are_not_are_refused_before_anything_begins():
    with pytest.raises(UsageError, match="there are: blank"):
        Actions({"blank": print}).check([Rule("it", "dose", 1.0, ("blanc",))])
    with pytest.raises(UsageError, match="http"):
        webhook("file:///etc/passwd")


def test_a_webhook_sends_the_decision(receiver):
    address, got = receiver
    webhook(f"{address}decided")(DECISION)
    assert got == [DECISION.record()]
