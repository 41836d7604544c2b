"""Frames over ZeroMQ, from the guide's own publisher."""

import threading

import numpy as np
import pytest
import zmq

from ionfront.acquisition import FrameQueue
from ionfront.acquisition.adapters import attach
from ionfront.acquisition.adapters.zeromq import end_message, frame_message
from ionfront.core import MovieError


@pytest.fixture
def publisher():
    """A publisher's socket, which waits for its subscriber, and where it is."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        yield socket, f"tcp://127.0.0.1:{port}"


def send(socket, messages):
    def work():
        assert socket.recv() == b"\x01"  # somebody listens
        for parts in messages:
            socket.send_multipart(parts)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_frames_come_as_they_were_sent_and_lost_ones_are_told_of(publisher):
    socket, address = publisher
    images = np.random.default_rng(0).integers(0, 60000, (4, 5, 7)).astype(">u2")
    sent = [
        frame_message(image, 1e9 + 0.5 * number, number, dose_e_nm2=4.0, pixel_size_nm=0.25)
        for number, image in zip((7, 8, 11, 12), images, strict=True)
    ]
    thread = send(socket, [*sent, end_message()])
    source = attach(f"zmq:{address}", FrameQueue(99))
    frames = list(source.frames)
    thread.join()
    assert (source.pixel_size_nm, source.zero_s) == (0.25, 1e9 + 3.5)
    assert [frame.time_s for frame in frames] == [0.0, 0.5, 2.0, 2.5]
    assert [frame.missed for frame in frames] == [0, 0, 2, 0]
    assert [frame.dose_e_nm2 for frame in frames] == [4.0] * 4
    np.testing.assert_array_equal([frame.image for frame in frames], images)


def test_time_goes_on_where_it_was_left(publisher):
    socket, address = publisher
    thread = send(socket, [frame_message(np.zeros((2, 2)), 50.0, 0), end_message()])
    assert [frame.time_s for frame in attach(f"zmq:{address}", FrameQueue(), zero_s=20.0).frames] == [30.0]
    thread.join()


@pytest.mark.parametrize("parts", [[b"{}", b""], [b"hello"], [b'{"shape": [2, 2], "dtype": "<u2"}', b"123"]])
def test_what_is_no_frame_is_refused(publisher, parts):
    socket, address = publisher
    thread = send(socket, [parts])
    with pytest.raises(MovieError, match="no frame"):
        attach(f"zmq:{address}", FrameQueue())
    thread.join()


def test_no_address_is_refused():
    with pytest.raises(MovieError, match="cannot be read"):
        attach("zmq:nowhere", FrameQueue())
