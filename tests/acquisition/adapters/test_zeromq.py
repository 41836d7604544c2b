"""Frames over ZeroMQ, from the guide's own publisher."""

import socket
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
    with zmq.Context() as context, context.socket(zmq.XPUB) as sender:
        port = sender.bind_to_random_port("tcp://127.0.0.1")
        yield sender, f"tcp://127.0.0.1:{port}"


def send(sender, messages):
    def work():
        assert sender.recv() == b"\x01"  # somebody listens
        for parts in messages:
            sender.send_multipart(parts)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_frames_come_as_they_were_sent_and_lost_ones_are_told_of(publisher):
    sender, address = publisher
    images = np.random.default_rng(0).integers(0, 60000, (4, 5, 7)).astype(">u2")
    sent = [
        frame_message(image, 1e9 + 0.5 * number, number, dose_e_nm2=4.0, pixel_size_nm=0.25)
        for number, image in zip((7, 8, 11, 12), images, strict=True)
    ]
    thread = send(sender, [*sent, end_message()])
    source = attach(f"zmq:{address}", FrameQueue(99))
    frames = list(source.frames)
    thread.join()
    assert (source.pixel_size_nm, source.zero_s) == (0.25, 1e9 + 3.5)
    assert [frame.time_s for frame in frames] == [0.0, 0.5, 2.0, 2.5]
    assert [frame.missed for frame in frames] == [0, 0, 2, 0]
    assert [frame.dose_e_nm2 for frame in frames] == [4.0] * 4
    np.testing.assert_array_equal([frame.image for frame in frames], images)


def test_the_lines_of_the_guide_publish(grey, guide_lines):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    names = {"address": address, "camera": [(image, 2.0 * number) for number, image in enumerate(grey[:5])]}
    thread = threading.Thread(target=exec, args=(guide_lines("ZeroMQ"), names))
    thread.start()
    source = attach(f"zmq:{address}", FrameQueue(99))
    frames = list(source.frames)
    thread.join()
    names["publisher"].close()
    np.testing.assert_array_equal([frame.image for frame in frames], grey[:5])
    assert [frame.dose_e_nm2 for frame in frames] == [40.0] * 5
    assert source.pixel_size_nm == 0.5


def test_time_goes_on_where_it_was_left(publisher):
    sender, address = publisher
    thread = send(sender, [frame_message(np.zeros((2, 2)), 50.0, 0), end_message()])
    assert [frame.time_s for frame in attach(f"zmq:{address}", FrameQueue(), zero_s=20.0).frames] == [30.0]
    thread.join()


@pytest.mark.parametrize("parts", [[b"{}", b""], [b"hello"], [b'{"shape": [2, 2], "dtype": "<u2"}', b"123"]])
def test_what_is_no_frame_is_refused(publisher, parts):
    sender, address = publisher
    thread = send(sender, [parts])
    with pytest.raises(MovieError, match="no frame"):
        attach(f"zmq:{address}", FrameQueue())
    thread.join()


def test_no_address_is_refused():
    with pytest.raises(MovieError, match="cannot be read"):
        attach("zmq:nowhere", FrameQueue())
