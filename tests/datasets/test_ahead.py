"""Reading ahead changes nothing but when things are read."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.datasets import read_ahead


@given(items=st.lists(st.integers(), max_size=20), count=st.integers(1, 5))
@settings(deadline=None, max_examples=30)
def test_items_and_their_order_stay(items, count):
    assert list(read_ahead(items, count)) == items


def test_the_next_item_is_read_while_one_is_worked_on():
    read = []

    def items():
        for k in range(10):
            read.append(k)
            yield k

    ahead = read_ahead(items(), 2)
    assert next(ahead) == 0
    deadline = time.monotonic() + 5
    while len(read) < 4 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.05)
    assert read == [0, 1, 2, 3]  # one taken, two waiting, one in hand: no more are in memory
    ahead.close()


def test_an_error_comes_in_its_place():
    def items():
        yield 1
        raise OSError("the disk is gone")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_consumer_that_stops_leaves_no_thread(error):
    def work():
        for _ in read_ahead(iter(int, 1)):
            raise error

    before = threading.active_count()
    with pytest.raises(error):
        work()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.001)
    assert threading.active_count() == before
