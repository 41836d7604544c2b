"""Frames over EPICS PVAccess, from areaDetector and whatever else serves NTNDArrays, and PVs that rules write.

Where servers are is told as everywhere in EPICS: `EPICS_PVA_ADDR_LIST` and its like.
"""

import logging
import time
from contextlib import suppress
from functools import partial
from queue import Empty, Queue
from threading import Event
from typing import Any

from p4p.client.thread import Context, RemoteError

from ionfront.core import MovieError, UsageError

from ..actions import Action
from ..frames import FrameQueue
from ..sources import Source
from ..triggers import Decision
from .feed import fed
from .ntndarray import Told, read_array

__all__ = ["action", "attach", "put"]

_log = logging.getLogger(__name__)

_LOOK_S = 0.2
_ANSWER_S = 5.0  # for a channel to be found
_PATIENCE_S = 30.0  # for the first frame
_BUFFERED = 100  # arrays, on the way and here; the oldest of more are lost, and told of by their numbers


def attach(
    channel: str, queue: FrameQueue, *, pixel_size_nm: float | None = None, zero_s: float | None = None
) -> Source:
    """Arrays that a channel shows from now on; what it shows already is not one of them.

    A channel that goes away is waited for, until the queue has been idle for too long.

    Args:
        channel: Such as 13SIM1:Pva1:Image.
        queue, pixel_size_nm, zero_s: As for `ionfront.acquisition.adapters.attach`.

    Raises:
        MovieError: No such channel, no frames, or other ones than grey images.
    """
    context, arrived = Context("pva", nt=False), Queue[Any](_BUFFERED)
    watch = context.monitor(
        channel, partial(_keep, arrived), request=f"record[queueSize={_BUFFERED}]", notify_disconnect=True
    )
    try:
        arrays = _Arrays(channel, _standing(channel, arrived), arrived)
        first = _first(channel, arrays)
    except BaseException:
        _leave(watch, context)
        raise
    began_s = first.time_s if zero_s is None else zero_s

    frames = fed(queue, partial(_receive, arrays, first, began_s, queue), partial(_leave, watch, context))
    return Source(channel, pixel_size_nm or first.pixel_size_nm, frames, zero_s=began_s)


def put(pv: str, value: float | str) -> Action:
    """An action that writes a PV: blanks the beam, changes the frame rate, stops a stage.

    Args:
        pv: Served over PVAccess.
        value: A number, a string, or the name or the number of a choice.

    Raises:
        UsageError: No such PV.
    """
    context = Context("pva")
    try:
        context.get(pv, timeout=_ANSWER_S)  # and the channel stays open, so that writing takes no search
    except (TimeoutError, RemoteError) as error:
        context.close()
        raise UsageError(f"the PV {pv} cannot be written: {_absent(pv, error)}") from error

    def write(decision: Decision) -> None:
        context.put(pv, value, timeout=_ANSWER_S)

    return write


def action(told: str) -> Action:
    """`put`, as it is written for a command: PV=VALUE.

    Raises:
        UsageError: It is not, or there is no such PV.
    """
    pv, separator, value = told.partition("=")
    if not (pv and separator):
        raise UsageError(f"pva:{told} says not what is to be written: pva:PV=VALUE is needed.")
    return put(pv, value)


def _keep(arrived: Queue[Any], came: Any) -> None:
    """In p4p's thread, which must not wait: the oldest goes where there is no room."""
    if arrived.full():
        with suppress(Empty):
            arrived.get_nowait()
    arrived.put_nowait(came)


def _standing(channel: str, arrived: Queue[Any]) -> Any:
    """What the channel shows when it is found.

    Raises:
        MovieError: It is not found, or shows something else than arrays.
    """
    until = time.monotonic() + _ANSWER_S
    came: Any = None
    while came is None or isinstance(came, Exception):
        if isinstance(came, RemoteError):
            raise MovieError(_absent(channel, came))
        try:
            came = arrived.get(timeout=max(until - time.monotonic(), 0.0))
        except Empty as error:
            raise MovieError(_absent(channel, TimeoutError())) from error
    if not came.getID().startswith("epics:nt/NTNDArray:"):
        raise MovieError(f"{channel} shows {came.getID() or 'something'} and no NTNDArray: name a channel of images.")
    return came


def _absent(channel: str, error: Exception) -> str:
    if isinstance(error, RemoteError):
        return f"{channel} refuses ({error})."
    return (
        f"{channel} did not answer in {_ANSWER_S:.0f} s: does its server run, and does EPICS_PVA_ADDR_LIST say where?"
    )


def _first(channel: str, arrays: "_Arrays") -> Told:
    until = time.monotonic() + _PATIENCE_S
    while (new := arrays.next()) is None:
        if time.monotonic() > until:
            raise MovieError(f"no frame came from {channel} in {_PATIENCE_S:.0f} s: is it acquiring?")
    return new[0]


class _Arrays:
    """New arrays out of all that a channel says."""

    def __init__(self, channel: str, standing: Any, arrived: Queue[Any]) -> None:
        self._channel, self._arrived = channel, arrived
        self._last = _name(standing)
        self._begun, self._lost, self._trouble = False, 0, ""

    def next(self) -> tuple[Told, int] | None:
        """The next one, and how many were lost before it; None where a moment brought none.

        Raises:
            MovieError: The first one is no grey image. Later ones that are none are lost.
        """
        try:
            came = self._arrived.get(timeout=_LOOK_S)
        except Empty:
            return None
        if isinstance(came, Exception):
            _log.warning("%s is disconnected; it is waited for.", self._channel)
            return None
        name = _name(came)
        if name == self._last and any(name[1:]):
            return None  # shown again, after a disconnection or for another field of it
        array = self._read(came)
        self._lost += _between(self._last[0], name[0]) if self._begun else 0
        self._last = name
        if array is None:
            return None
        lost, self._lost, self._begun, self._trouble = self._lost, 0, True, ""
        return array, lost

    def _read(self, came: Any) -> Told | None:
        try:
            return read_array(came)
        except MovieError as error:
            if not self._begun:
                raise
            if str(error) != self._trouble:
                _log.warning("%s: %s", self._channel, error)
            self._lost, self._trouble = self._lost + 1, str(error)
            return None


def _name(value: Any) -> tuple[int, ...]:
    """Of an array, its number and its stamps: what differs from one to the next, where a server sets them."""
    stamps = (value.dataTimeStamp, value.timeStamp)
    return value.uniqueId, *(part for stamp in stamps for part in (stamp.secondsPastEpoch, stamp.nanoseconds))


def _between(before: int, now: int) -> int:
    """How many numbers lie between these, which go around at 2^31; none where they began again."""
    ahead = (now - before) % 2**32
    return ahead - 1 if 0 < ahead < 2**31 else 0


def _receive(arrays: _Arrays, first: Told, zero_s: float, queue: FrameQueue, left: Event) -> None:
    new: tuple[Told, int] | None = (first, 0)
    while not left.is_set():
        if new is not None:
            array, missed = new
            queue.put(array.image, array.time_s - zero_s, dose_e_nm2=array.dose_e_nm2, missed=missed)
        new = arrays.next()


def _leave(watch: Any, context: Context) -> None:
    watch.close()
    context.close()
