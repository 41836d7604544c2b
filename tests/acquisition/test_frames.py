"""Between a camera and whoever takes its frames nothing is lost that is not told of."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.acquisition import FrameQueue
from ionfront.core import UsageError

IMAGE = np.zeros((2, 3), np.uint8)


@given(
    st.lists(st.one_of(st.just("take"), st.integers(0, 3)), max_size=40),
    st.integers(1, 5),
)
def test_every_frame_is_taken_or_told_of(events, most):
    queue = FrameQueue(most)
    frames, taken, lost = iter(queue), [], 0
    for event in events:
        if event != "take":
            queue.put(IMAGE, 0.0, missed=event)
            lost += event
        elif queue.taken - queue.skipped > len(taken):
            taken.append(next(frames))
    queue.end()
    taken += list(frames)
    assert len(taken) + sum(frame.missed for frame in taken) == queue.taken + lost
    assert queue.taken == len(taken) + queue.skipped


def test_it_ends_when_nothing_comes_for_long():
    queue = FrameQueue(idle_s=0.05)
    queue.put(IMAGE, 1.0)
    assert [frame.time_s for frame in queue] == [1.0]


def test_an_error_reaches_whoever_waits():
    queue = FrameQueue()
    threading.Timer(0.05, queue.end, (OSError("no beam"),)).start()
    with pytest.raises(OSError, match="no beam"):
        next(iter(queue))
    with pytest.raises(OSError, match="no beam"):
        queue.put(IMAGE, 0.0)


def test_no_room_at_all_is_refused():
    with pytest.raises(UsageError, match="1 or more"):
        FrameQueue(0)
