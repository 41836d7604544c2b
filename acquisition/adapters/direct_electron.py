"""Frames of a Direct Electron camera, by its server (DE-Server) and its own client, and what a rule may have it do.

An acquisition that is under way is joined; where there is none one is begun, and stopped when its frames are let go of.
The server gives the newest single frame to whoever asks, with its number: those that nobody asked for in time are
counted as missed. Times are those at which frames reached the camera's computer. A dose is the mean electrons of a
pixel that the server works out, over the area of a pixel of the specimen.
"""

import difflib
import logging
import socket
from dataclasses import dataclass
from functools import partial
from threading import Event
from time import monotonic
from typing import Any

import deapi
import numpy as np
from numpy.typing import NDArray

from ionfront.core import MovieError, UsageError

from ..actions import Action
from ..frames import FrameQueue
from ..sources import Source
from ..triggers import Decision
from .feed import fed

__all__ = ["action", "attach"]

_REPEATS = 999_999  # acquisitions, the most that DE-Server counts
_ANSWER_S = 5.0
_FIRST_S = 60.0  # a server without dark references may take them first
_LOOKS = 8  # for a new frame, in the time of one
_LONGEST_LOOK_S, _SHORTEST_LOOK_S = 0.05, 0.002

logging.getLogger("DECameraClientLib").setLevel(logging.WARNING)  # it tells of every connection


@dataclass(frozen=True)
class _Shot:
    """A frame, and which one of an acquisition it is; `image` may be a small part of it."""

    image: NDArray[Any]
    time_s: float
    place: tuple[str, int, int]  # name and number of the acquisition, number of the frame in it
    electrons: float  # in a pixel, 0 where nobody knows

    def after(self, last: "_Shot", frames: int) -> int:
        """How many frames lie between, where an acquisition has so many."""
        return max((self.place[1] - last.place[1]) * frames + self.place[2] - last.place[2] - 1, 0)


def attach(
    address: str, queue: FrameQueue, *, pixel_size_nm: float | None = None, zero_s: float | None = None
) -> Source:
    """Frames that a camera takes from now on.

    Args:
        address: HOST:PORT of its server, such as 127.0.0.1:13240.
        queue, pixel_size_nm, zero_s: As for `ionfront.acquisition.adapters.attach`.

    Raises:
        MovieError: No server, or no frame comes.
    """
    camera = _Camera(address)
    try:
        first = camera.begin()
    except BaseException:
        camera.close()
        raise
    began_s = first.time_s if zero_s is None else zero_s
    pixel_nm = pixel_size_nm or camera.pixel_size_nm
    frames = fed(queue, partial(_receive, camera, first, began_s, pixel_nm, queue), camera.close)
    return Source(camera.name, pixel_nm, frames, zero_s=began_s)


def action(told: str) -> Action:
    """What a rule may have a camera do.

    Args:
        told: HOST:PORT/stop ends the acquisition; HOST:PORT/PROPERTY=VALUE sets a property, by the name that the server
            has for it: of the camera, the microscope or a holder.

    Raises:
        MovieError: No server.
        UsageError: It does not know the property, or lets this program change nothing.
    """
    address, _, what = told.partition("/")
    name, given, value = what.partition("=")
    if not given and what != "stop":
        raise UsageError(f"{told!r} is nothing that a camera does; HOST:PORT/stop or HOST:PORT/PROPERTY=VALUE is.")
    camera = _Camera(address)
    if what == "stop":
        return lambda decision: camera.stop()
    try:
        camera.check(name)
    except UsageError:
        camera.close()
        raise

    def change(decision: Decision) -> None:
        camera.change(name, value)

    return change


class _Camera:
    """A connection to a server, for one thread.

    Attributes:
        frames: How many an acquisition has.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not (host and port.isdecimal()):
            raise MovieError(f"{address!r} is no address of a camera: HOST:PORT is needed, as 127.0.0.1:13240.")
        self._address, self._place = address, (host, int(port))
        self._client = deapi.Client()
        self._client.usingMmf = False  # memory is shared on Windows alone
        self._began, self._frame_type, self.frames = False, "singleframe_integrated", 1
        try:
            socket.create_connection(self._place, _ANSWER_S).close()  # the client itself waits for minutes
            self._client.connect(*self._place)
        except Exception as error:  # whatever it is that answers there
            self._client.connected = "socket" in vars(self._client)
            self._client.disconnect()
            raise MovieError(
                f"no Direct Electron camera answers at {address} ({error}): start DE-Server, or name its computer."
            ) from error

    @property
    def name(self) -> str:
        """For people."""
        return f"{self._client.camera} at {self._address}"

    @property
    def pixel_size_nm(self) -> float | None:
        """Edge of a pixel of the images on the specimen; None where the server does not know the microscope."""
        edge_nm = self._asked("Specimen Pixel Size X (nanometers)")
        return float(edge_nm) if edge_nm and float(edge_nm) > 0 else None

    def begin(self) -> _Shot:
        """Join an acquisition, or begin one; its first frame.

        Raises:
            MovieError: None comes.
        """
        if self._asked("Image Processing - Mode") == "Counting":
            self._frame_type = "singleframe_counted"
        before = self._look()
        if not self._client.acquiring:
            self._client.start_acquisition(_REPEATS)
            self._began = True
        self.frames = int(self._asked("Frame Count") or 1)
        deadline = monotonic() + _FIRST_S
        while monotonic() < deadline:
            shot = self._look(0)
            if shot is not None and (not self._began or before is None or shot.place != before.place):
                return shot
        raise MovieError(
            f"no frame came from {self._address} in {_FIRST_S:g} s: can the camera acquire, with its beam?"
        )

    def following(self, last: _Shot, pause_s: float, left: Event) -> _Shot | None:
        """The next frame that is to be had; None when the acquisition is over, or this is left."""
        while not left.is_set():
            acquires = self._client.acquiring  # asked first, or the last frame might be lost
            newest = self._look()
            if newest is not None and newest.place != last.place:
                return self._look(0)
            if not acquires:
                self._began = False  # what is begun after this is somebody else's
                return None
            left.wait(pause_s)
        return None

    def check(self, name: str) -> None:
        """Whether a property may be set.

        Raises:
            UsageError: There is none of this name, or this program may only read.
        """
        known = self._client.list_properties() or []
        if name not in known:
            near = difflib.get_close_matches(name, known, 3, 0.4)
            raise UsageError(f"{self.name} has no property {name!r}; {' or '.join(near) or 'none is like that'}.")
        if self._client.read_only:
            raise UsageError(f"{self.name} lets this program read only: allow it to write in DE-Server.")

    def change(self, name: str, value: str) -> None:
        """Set a property.

        Raises:
            UsageError: The server did not do it.
        """
        if self._client.set_property(name, _number(value)) is not True:
            raise UsageError(f"{self.name} did not set {name} to {value}: it is read only, or the value is no good.")

    def stop(self) -> None:
        """End the acquisition.

        Raises:
            MovieError: The server does not say that it did.
        """
        # `stop_acquisition` of the client waits for ever for an answer that got lost
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.settimeout(_ANSWER_S)
            line.sendto(b"PyClientStopAcq", self._place)
            try:
                answer = line.recv(32)
            except OSError as error:
                raise MovieError(f"{self.name} did not say that it stopped ({error}).") from error
        if b"Stopped" not in answer:
            raise MovieError(f"{self.name} did not stop: it said {answer!r}.")

    def close(self) -> None:
        """Let go of it, and stop what was begun."""
        try:
            if self._began:
                self.stop()
        finally:
            self._client.disconnect()

    def _look(self, edge_px: int = 8) -> _Shot | None:
        """The newest frame, or so much of it; all for 0. None before there is one."""
        image, _, told, _ = self._client.get_result(
            self._frame_type, "AUTO", window_width=edge_px, window_height=edge_px
        )
        if image is None:
            raise MovieError(f"{self._address} does not answer any more: does its DE-Server run?")
        if told.frameCount < 1:
            return None
        place = (str(told.datasetName), int(told.acqIndex), int(told.imageIndex))
        return _Shot(image, float(told.timestamp), place, float(told.eppixpf))

    def _asked(self, name: str) -> Any:
        return self._client.get_property(name)


def _receive(
    camera: _Camera, first: _Shot, zero_s: float, pixel_nm: float | None, queue: FrameQueue, left: Event
) -> None:
    shot: _Shot | None = first
    last, pause_s = first, _LONGEST_LOOK_S
    try:
        while shot is not None:
            dose = shot.electrons / pixel_nm**2 if pixel_nm and shot.electrons > 0 else None
            missed = 0 if shot is last else shot.after(last, camera.frames)
            queue.put(shot.image, shot.time_s - zero_s, dose_e_nm2=dose, missed=missed)
            if shot is not last:
                pause_s = float(np.clip((shot.time_s - last.time_s) / _LOOKS, _SHORTEST_LOOK_S, _LONGEST_LOOK_S))
            last, shot = shot, camera.following(shot, pause_s, left)
    except OSError as error:
        raise MovieError(f"{camera.name} is gone ({error}).") from error


def _number(value: str) -> int | float | str:
    """As the server's client tells them apart."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
