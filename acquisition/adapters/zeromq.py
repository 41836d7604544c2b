"""Frames over ZeroMQ: a publisher sends each as two parts, a line of JSON and the pixels.

    {"shape": [512, 512], "dtype": "<u2", "time_s": 12.5, "number": 250, "dose_e_nm2": 40.0, "pixel_size_nm": 0.5}

Pixels are in C order. `dtype` is numpy's; `number` tells of frames that were lost; `time_s` is by the publisher's
clock, whatever it counts from; the last two may be null. A message of one empty part is the end.
"""

import json
from functools import partial
from threading import Event
from typing import Any, NamedTuple

import numpy as np
import zmq
from numpy.typing import NDArray

from ionfront.core import MovieError

from ..frames import FrameQueue
from ..sources import Source
from .feed import fed

__all__ = ["attach", "end_message", "frame_message"]

_LOOK_MS = 200
_PATIENCE_MS = 30_000  # for the first frame
_BUFFERED = 100  # messages, in the socket


class _Sent(NamedTuple):
    image: NDArray[Any]
    time_s: float
    number: int
    dose_e_nm2: float | None
    pixel_size_nm: float | None


def frame_message(
    image: NDArray[Any],
    time_s: float,
    number: int,
    *,
    dose_e_nm2: float | None = None,
    pixel_size_nm: float | None = None,
) -> list[bytes]:
    """What a publisher sends of a frame (y, x): `socket.send_multipart(frame_message(...))`."""
    told = {"shape": image.shape, "dtype": image.dtype.str, "time_s": time_s, "number": number}
    told |= {"dose_e_nm2": dose_e_nm2, "pixel_size_nm": pixel_size_nm}
    return [json.dumps(told).encode(), np.ascontiguousarray(image).tobytes()]


def end_message() -> list[bytes]:
    """What a publisher sends last."""
    return [b""]


def attach(
    address: str, queue: FrameQueue, *, pixel_size_nm: float | None = None, zero_s: float | None = None
) -> Source:
    """Frames that a publisher sends from now on.

    Args:
        address: Such as tcp://127.0.0.1:5555.
        queue, pixel_size_nm, zero_s: As for `ionfront.acquisition.adapters.attach`.

    Raises:
        MovieError: No publisher, or what it sends is not as this module has it.
    """
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, _BUFFERED)
    socket.setsockopt(zmq.LINGER, 0)
    socket.subscribe(b"")
    try:
        socket.connect(address)
        if not socket.poll(_PATIENCE_MS):
            raise MovieError(f"no frame came from {address} in {_PATIENCE_MS // 1000} s: does its publisher run?")
        first = _read(socket.recv_multipart())
    except (zmq.ZMQError, MovieError) as error:
        socket.close()
        raise error if isinstance(error, MovieError) else MovieError(f"{address} cannot be read ({error}).") from error
    if first is None:
        socket.close()
        raise MovieError(f"{address} ended before its first frame.")
    began_s = first.time_s if zero_s is None else zero_s
    frames = fed(queue, partial(_receive, socket, first, began_s, queue), socket.close)
    return Source(address, pixel_size_nm or first.pixel_size_nm, frames, zero_s=began_s)


def _receive(socket: zmq.Socket[bytes], first: _Sent, zero_s: float, queue: FrameQueue, left: Event) -> None:
    sent: _Sent | None = first
    last = first.number - 1
    while sent is not None and not left.is_set():
        missed = max(sent.number - last - 1, 0)
        queue.put(sent.image, sent.time_s - zero_s, dose_e_nm2=sent.dose_e_nm2, missed=missed)
        last = sent.number
        while not left.is_set() and not socket.poll(_LOOK_MS):
            pass
        if not left.is_set():
            sent = _read(socket.recv_multipart())


def _read(parts: list[bytes]) -> _Sent | None:
    """The frame of a message; None where it is the end."""
    if parts == [b""]:
        return None
    try:
        head, pixels = parts
        told = json.loads(head)
        image = np.frombuffer(pixels, np.dtype(told["dtype"])).reshape(told["shape"])
        return _Sent(image, float(told["time_s"]), int(told["number"]), told["dose_e_nm2"], told["pixel_size_nm"])
    except (ValueError, KeyError, TypeError) as error:
        raise MovieError(f"a message was no frame ({error!r}): send what `frame_message` makes.") from error
