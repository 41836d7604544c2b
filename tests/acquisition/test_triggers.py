"""Rules fire once, at the right frame, on evidence, and on nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from ionfront.acquisition import FrontNow, FrontState, Rule, Triggers
from ionfront.core import Quantity, UsageError

ERROR_NM, SPEED_NM_S, DEPTH_NM = 2.0, 5.0, 100.0
QUIET = FrontState(
    frame=0,
    time_s=0.0,
    seen_s=0.0,
    waiting=0,
    missed=0,
    blanked=False,
    foreign=False,
    dose_e_nm2=None,
    length_unit="nm",
    area={},
    share={},
    half_cycle=1,
    direction="insertion",
    fronts=(),
    looked_s=None,
    warnings=(),
    seconds=0.0,
)


def about(value, error=ERROR_NM):
    return Quantity(value, value - 1.96 * error, value + 1.96 * error)


def front(position_nm, speed_nm_s=SPEED_NM_S, after="converted", **more):
    return FrontNow("pristine", after, 1, about(position_nm), DEPTH_NM, about(speed_nm_s, 0.2), **more)


def at(frame, *fronts, **more):
    return replace(QUIET, frame=frame, time_s=float(frame), fronts=fronts, **more)


def course(n=30, **more):
    """A front at 5 nm a frame, which is through at frame 20."""
    return [at(k, front(min(SPEED_NM_S * k, DEPTH_NM), **more)) for k in range(n)]


def fired(rule, states):
    triggers = Triggers([rule])
    return [(state.frame, decision) for state in states for decision in triggers.see(state)]


@pytest.mark.parametrize(
    ("when", "value", "expected"),
    [("position", 48.0, 11), ("fraction", 0.5, 11), ("completion_within", 3.5, 18), ("front_starts", 1.0, 1)],
)
def test_a_rule_fires_once_at_its_moment(when, value, expected):
    states = [
        at(k, front(5.0 * k, completion_s=Quantity(20.0, 19.8, 20.2), completion_probability=0.9)) for k in range(20)
    ]
    ((frame, decision),) = fired(Rule("it", when, value, ("blank",)), states)
    assert frame == expected  # the second frame in a row
    assert decision.actions == ("blank",)
    assert decision.probability >= 0.5
    assert "pristine->converted is at" in decision.because


def test_confidence_waits_for_the_interval():
    (early,), (late,) = (fired(Rule("it", "position", 50.0, confidence=p, frames=1), course()) for p in (0.02, 0.98))
    assert early[0] == 10  # 50 nm itself: 45 nm is 2.5 standard errors short
    assert late[0] == 11


def test_one_frame_that_goes_wrong_fires_nothing():
    states = course(8)
    states[4] = at(4, front(90.0))
    assert fired(Rule("it", "position", 60.0), states) == []


def test_a_blanked_frame_neither_counts_nor_interrupts():
    states = course()
    states.insert(11, replace(states[10], blanked=True))
    ((frame, _),) = fired(Rule("it", "position", 49.0), states)
    assert frame == 11


def test_a_front_that_nobody_sees_fires_nothing():
    rules = [Rule(when, when, 1.5 if when == "speed_change" else 1.0) for when in ("position", "speed_change", "dose")]
    triggers = Triggers(rules)
    assert not any(triggers.see(at(k)) for k in range(50))


def test_speeds():
    states = [at(k, front(2.0 * k, speed_nm_s=5.0 if k < 20 else 2.0)) for k in range(40)]
    assert [frame for frame, _ in fired(Rule("slow", "speed_below", 3.0), states)] == [21]
    assert [frame for frame, _ in fired(Rule("change", "speed_change", 2.0), states)] == [21]
    assert fired(Rule("fast", "speed_above", 6.0), states) == []


def test_a_front_that_is_through_is_not_slow():
    states = [*course(20), *(at(k, front(100.0, speed_nm_s=0.0)) for k in range(20, 40))]
    assert fired(Rule("slow", "speed_below", 3.0), states) == []
    assert [frame for frame, _ in fired(Rule("through", "completion_within", 1.0), states)] == [21]


def holding(frame, share, **more):
    """A state in which so much has been converted."""
    return at(frame, seen_s=float(frame), share={"pristine": 1 - share, "converted": share}, **more)


def test_a_share_is_read_from_what_was_seen_last():
    rng = np.random.default_rng(0)
    states = [holding(k, 0.02 * k + rng.normal(0, 0.01)) for k in range(45)]
    rule = Rule("half", "share", 0.5, into="converted")
    ((frame, decision),) = fired(rule, states)
    assert frame in (25, 26, 27)  # the second in a row
    assert decision.because.startswith("converted holds 5")
    ((sure, _),) = fired(replace(rule, confidence=0.99), states)
    assert sure > frame
    assert fired(replace(rule, into="pristine", value=0.9), states)[0][0] == 4  # it begins with all of it


def test_a_share_says_how_well_it_is_known():
    rng = np.random.default_rng(1)
    held = []
    for _ in range(300):
        states = [holding(k, 0.03 * k + rng.normal(0, 0.02)) for k in range(9)]
        triggers = Triggers([Rule("it", "share", 0.24, into="converted", confidence=0.9, frames=1)])
        held.append(bool([decision for state in states for decision in triggers.see(state) if state.frame == 8]))
    assert 0.03 < np.mean(held) < 0.2  # it is 0.24 just now, so that about one in ten says so with 90 %


def test_frames_that_go_wrong_or_say_nothing_do_not_make_a_share():
    states = [holding(k, 0.1) for k in range(30)]
    states[10] = holding(10, 0.9)
    states[11] = holding(11, 0.9)
    states[20] = replace(states[20], share={}, blanked=True)
    assert fired(Rule("half", "share", 0.5, into="converted"), states) == []
    assert fired(Rule("none", "share", 0.5, into="alloyed"), states) == []
    assert fired(Rule("held", "share", 0.5, into="converted"), [replace(states[10], frame=k) for k in range(30)]) == []


def test_a_second_front_and_its_product():
    states = [at(k, front(4.0 * k), *([front(2.0 * (k - 9), after="alloyed")] if k > 9 else [])) for k in range(25)]
    assert [frame for frame, _ in fired(Rule("second", "front_starts", 2), states)] == [11]
    ((frame, decision),) = fired(Rule("alloy", "position", 20.0, into="alloyed"), states)
    assert frame == 20
    assert "alloyed" in decision.because


def test_dose_and_foreign_frames():
    states = [at(k, dose_e_nm2=10.0 * k, foreign=k > 6) for k in range(12)]
    assert [frame for frame, _ in fired(Rule("dose", "dose", 50.0, frames=1), states)] == [5]
    assert [frame for frame, _ in fired(Rule("foreign", "out_of_domain", frames=3), states)] == [9]


def test_dry_run_says_so():
    triggers = Triggers([Rule("it", "position", 30.0, ("blank",))], dry_run=True)
    (decision,) = [decision for state in course() for decision in triggers.see(state)]
    assert decision.dry_run
    assert triggers.fired == ("it",)


@pytest.mark.parametrize("cut", range(0, 25, 3))
def test_restored_it_fires_neither_twice_nor_late(cut):
    rules = [
        Rule("there", "position", 50.0, frames=3),
        Rule("half", "share", 0.5, into="converted"),
        Rule("change", "speed_change", 2.0),
    ]
    states = course()
    states[18:] = [at(state.frame, front(90.0, speed_nm_s=1.0)) for state in states[18:]]
    states = [replace(state, seen_s=state.time_s, share={"converted": state.frame / 30}) for state in states]
    whole, before, after = (Triggers(rules) for _ in range(3))
    expected = [decision for state in states for decision in whole.see(state)]
    first = [decision for state in states[:cut] for decision in before.see(state)]
    after.restore(before.save())
    assert first + [decision for state in states[cut:] for decision in after.see(state)] == expected
    assert [decision.rule for decision in expected] == ["there", "half", "change"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"when": "luck", "value": 1.0},
        {"when": "position", "value": 0.0},
        {"when": "position", "value": np.nan},
        {"when": "speed_change", "value": 0.5},
        {"when": "fraction", "value": 1.2},
        {"when": "share", "value": 1.2, "into": "converted"},
        {"when": "share", "value": 0.5},
        {"when": "dose", "value": 1.0, "confidence": 1.0},
        {"when": "dose", "value": 1.0, "frames": 0},
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        Rule("it", **wrong)


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(UsageError, match="name of its own"):
        Triggers([Rule("it", "dose", 1.0), Rule("it", "dose", 2.0)])


@pytest.mark.parametrize(("when", "value"), [("position", 50.0), ("fraction", 0.5), ("completion_within", 1.0)])
def test_what_the_newest_frames_seem_to_show_has_to_be_expected(when, value):
    seen = front(99.0)
    for expected, fires in ((about(20.0), False), (about(99.0), True)):
        triggers = Triggers([Rule("it", when, value, frames=1)])
        now = replace(QUIET, fronts=(replace(seen, expected=expected),))
        assert bool(triggers.see(now)) is fires


def test_a_front_has_set_out_when_it_is_expected_somewhere():
    triggers = Triggers([Rule("first", "front_starts", 1, frames=1)])
    for expected, fires in ((Quantity(1.0, 0.0, 6.0), False), (Quantity(8.0, 3.0, 13.0), True)):
        fronts = (replace(front(30.0), expected=expected),)
        assert bool(triggers.see(replace(QUIET, fronts=fronts))) is fires
