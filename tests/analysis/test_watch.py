"""Foreign frames are counted, named and warned of."""

import numpy as np

from ionfront.analysis.watch import DomainWatch


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


def test_a_model_that_cannot_say_says_nothing():
    watch = DomainWatch(None)
    watch.see(0, np.zeros((4, 4)))
    assert watch.record is None
    assert watch.warnings == ()
    assert DomainWatch(Bright()).record == []
