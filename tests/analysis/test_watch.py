"""Foreign frames are counted, named and warned of."""

import numpy as np

from ionfront.analysis.watch import DomainWatch
from ionfront.core import UsageError


class Bright:
    def strangeness(self, frame):
        return 2.0 if frame.mean() > 1 else 0.5


def test_foreign_frames_are_named():
    watch = DomainWatch(Bright())
    for index, level in ((0, 0.0), (1, 5.0), (3, 0.0), (4, 7.0)):
        watch.see(index, np.full((4, 4), level))
    assert watch.record == [1, 4]
    (sentence,) = watch.warnings
    assert "2 of 4 frames" in sentence
    assert "number 1" in sentence


def test_what_was_not_checked_is_said_to_be_so():
    watch = DomainWatch(None)
    watch.see(0, np.zeros((4, 4)))
    assert watch.record is None
    (sentence,) = watch.warnings
    assert "not checked" in sentence
    assert "does not say what it was trained on" in sentence
    assert DomainWatch(Bright()).record == []
    assert DomainWatch(Bright()).warnings == ()


def test_frames_too_small_to_judge_are_not_called_usual():
    class Small:
        def strangeness(self, frame):
            raise UsageError("too small")

    watch = DomainWatch(Small())
    watch.see(0, np.zeros((4, 4)))
    assert watch.record is None
    assert "too small" in watch.warnings[0]
