"""A session goes on after anything, says the same again, and never takes a frame twice."""

import errno
import json
import os

import numpy as np
import pytest

from ionfront.acquisition import RESULT_FILES, Inline, Journal, Material, Rule, Session, SessionSettings, journal
from ionfront.core import MovieError, UsageError
from ionfront.models import load_segmenter

FRAME_S = 2.0
HALFWAY = Rule("halfway", "fraction", 0.5, ("blank",), frames=1)
SETTINGS = SessionSettings("bar", 0.5, Material("NiO", "Li"), rules=(HALFWAY,))


@pytest.fixture(scope="module")
def segmenter(comparing_onnx):
    return load_segmenter(comparing_onnx)


def looks():
    return Inline(3)


def begun(folder, segmenter, settings=SETTINGS):
    return Session.begin(folder / "session", settings, segmenter, looks)


def resumed(folder, segmenter):
    return Session(Journal(folder / "session"), segmenter, looks)


def pushed(session, frames, first=0):
    return [session.push(first + k, frame, FRAME_S * (first + k)) for k, frame in enumerate(frames)]


def timeless(answers):
    return [answer | {"state": {**answer["state"], "seconds": 0}} for answer in answers]


@pytest.fixture(scope="module")
def uninterrupted(grey, segmenter, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    session = begun(folder, segmenter)
    answers = pushed(session, grey)
    session.close()
    return timeless(answers), folder / "session"


@pytest.mark.parametrize("cuts", [(1, 2, 9), (13,), (6, 7, 8, 20)])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_broken_off_anywhere_it_ends_the_same(grey, segmenter, uninterrupted, cuts, checkpoint, tmp_path):
    session, answers = begun(tmp_path, segmenter), []
    for start, stop in zip((0, *cuts), (*cuts, len(grey)), strict=True):
        answers += pushed(session, grey[start:stop], first=start)
        if checkpoint:
            session.checkpoint()
        session = resumed(tmp_path, segmenter)
    expected, folder = uninterrupted
    assert [decision["rule"] for answer in answers for decision in answer["decisions"]] == ["halfway"]
    # what one look says stays until the next, and a resumed session has yet to look
    assert [answer["state"]["seen_s"] for answer in answers] == [answer["state"]["seen_s"] for answer in expected]
    assert [answer["state"]["area_nm2"] for answer in answers] == [answer["state"]["area_nm2"] for answer in expected]
    session.close()
    ours, theirs = (json.loads((at / "kinetics.json").read_text()) for at in (tmp_path / "session", folder))
    assert ours == theirs
    assert ours["cycles"][0]["transitions"][0]["law"] == "linear"


def test_what_was_said_is_said_again(grey, segmenter, tmp_path):
    session = begun(tmp_path, segmenter)
    first = pushed(session, grey[:6])
    assert pushed(session, grey[:6]) == first
    assert session.live.state.frame == 5
    assert list(resumed(tmp_path, segmenter).journal.answers(2, 3)) == first[2:5]


def test_a_frame_that_is_missing_is_asked_for(grey, segmenter, tmp_path):
    session = begun(tmp_path, segmenter)
    pushed(session, grey[:2])
    with pytest.raises(UsageError, match="2 is the next"):
        session.push(3, grey[3], 6.0)
    session.push(2, grey[2], 4.0)


def test_a_frame_that_cannot_be_used_leaves_no_trace(grey, segmenter, tmp_path):
    session = begun(tmp_path, segmenter)
    pushed(session, grey[:2])
    with pytest.raises(MovieError):
        session.push(2, np.zeros((5, 5)), 4.0)
    with pytest.raises(UsageError):
        session.push(2, grey[2], 1.0)
    assert session.journal.acknowledged == 2
    assert pushed(session, grey[2:4], first=2)[-1]["state"]["frame"] == 3


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_that_was_cut_off_was_never_said(grey, segmenter, cut, tmp_path):
    answers = pushed(begun(tmp_path, segmenter), grey[:8])
    path = tmp_path / "session" / "answers.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    session = resumed(tmp_path, segmenter)
    assert session.journal.acknowledged == 7
    assert timeless(pushed(session, grey[7:8], first=7))[0]["state"]["area_nm2"] == answers[7]["state"]["area_nm2"]


@pytest.mark.parametrize("when", ["frame", "answer"])
def test_a_full_disk_acknowledges_nothing_and_loses_nothing(grey, segmenter, when, tmp_path, monkeypatch):
    session = begun(tmp_path, segmenter)
    pushed(session, grey[:5])
    real, calls = os.fdatasync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == {"frame": 1, "answer": 2}[when]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(journal.os, "fdatasync", full)
    with pytest.raises(OSError, match="No space"):
        session.push(5, grey[5], 10.0)
    monkeypatch.undo()
    again = resumed(tmp_path, segmenter)
    assert again.journal.acknowledged == 5
    assert pushed(again, grey[5:8], first=5)[-1]["state"]["frame"] == 7


def test_old_frames_are_not_kept(grey, segmenter, tmp_path):
    session = begun(tmp_path, segmenter)
    pushed(session, grey[:7])
    frames = tmp_path / "session" / "frames"
    assert len(list(frames.iterdir())) == 7
    session.leave()
    assert list(frames.iterdir()) == []
    assert resumed(tmp_path, segmenter).live.state is None
    assert resumed(tmp_path, segmenter).push(7, grey[7], 14.0)["state"]["frame"] == 7


def test_a_closed_one_has_its_results_and_takes_nothing(grey, segmenter, uninterrupted):
    _, folder = uninterrupted
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(["answers.jsonl", "closed.json", "settings.json", *RESULT_FILES])
    assert Journal(folder).closed == {"why": "", "frames": len(grey)}
    with pytest.raises(UsageError, match="closed"):
        Session(Journal(folder), segmenter, looks)


def test_one_without_frames_says_why_there_is_nothing(segmenter, tmp_path):
    session = begun(tmp_path, segmenter)
    session.close()
    assert "push further" in session.journal.closed["why"]


def test_another_model_does_not_go_on(segmenter, grey_onnx, tmp_path):
    begun(tmp_path, segmenter)
    with pytest.raises(UsageError, match="another model"):
        Session(Journal(tmp_path / "session"), load_segmenter(grey_onnx), looks)


def test_a_folder_that_holds_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no live measurement"):
        Journal(tmp_path)


def test_settings_come_back():
    assert SessionSettings.read(json.loads(json.dumps(SETTINGS.record()))) == SETTINGS
