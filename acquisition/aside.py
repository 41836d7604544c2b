"""Looks are made beside the frames: in a process of its own, at low priority, so that no frame waits for one.

`look_process.py` is that process: views in at its standard input, looks out at its standard output, each as its length
and its bytes. It ends with its input.
"""

import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Protocol

from ionfront.core import UsageError

from .look import Look, View, look
from .snapshot import from_bytes, to_bytes

__all__ = ["Aside", "Inline", "Looks", "received", "send"]

_LENGTH = struct.Struct("<Q")
_PATIENCE_S = 20.0
_LATE_S = 15.0


class Looks(Protocol):
    """Makes looks of the newest views that it is offered."""

    def offer(self, view: Callable[[], View]) -> None:
        """Take a view if it is time for a look."""

    @property
    def newest(self) -> Look | None:
        """The last look; None before the first."""

    @property
    def trouble(self) -> str:
        """What went wrong with the last look; empty where nothing did."""

    def close(self) -> None:
        """Make no more."""


class Inline:
    """Makes a look at once, at every so many frames: what is pushed faster than looks take waits for them.

    Args:
        every: Frames from one look to the next.
    """

    def __init__(self, every: int) -> None:
        self._every, self._offered = every, 0
        self.newest: Look | None = None
        self.trouble = ""

    def offer(self, view: Callable[[], View]) -> None:
        """Look at every so-manieth."""
        self._offered += 1
        if self._offered % self._every == 0:
            self.newest = look(view())

    def close(self) -> None:
        """Nothing to end."""


class Aside:
    """Makes looks in a child process, one after another, and rests as long as each took.

    A child that dies is begun anew, and the view that it died of is dropped.
    """

    def __init__(self) -> None:
        self.newest: Look | None = None
        self._failure, self._begun_s = "", 0.0
        self._views: SimpleQueue[View | None] = SimpleQueue()
        self._child: subprocess.Popen[bytes] | None = None
        self._busy, self._next_s = False, 0.0
        self._thread = threading.Thread(target=self._work, name="looks", daemon=True)
        self._thread.start()

    def offer(self, view: Callable[[], View]) -> None:
        """Take a view if the last look is done and rested from."""
        if not self._busy and time.monotonic() >= self._next_s:
            self._busy, self._begun_s = True, time.monotonic()
            self._views.put(view())

    @property
    def trouble(self) -> str:
        """What went wrong with the last look, or that one is overdue; empty where nothing did and none is."""
        lasts_s = time.monotonic() - self._begun_s
        if self._busy and lasts_s > _LATE_S:
            return (
                f"A look at the fronts has taken {lasts_s:.0f} s so far: this computer has too much to do. Fronts, "
                "speeds and rules are late; take fewer frames a second, or bin them."
            )
        return self._failure

    def wait(self, frame: int, timeout_s: float = 60.0) -> bool:
        """Wait for a look at this frame or a later one; whether it came. For tests, and for an end that shows all."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if self.newest is not None and self.newest.frame >= frame:
                return True
            time.sleep(0.01)
        return False

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._views.put(None)
        self._end_child()
        self._thread.join(_PATIENCE_S)

    def _work(self) -> None:
        with suppress(OSError):  # else it is told when a look fails
            self._begun()
        while (view := self._views.get()) is not None:
            start = time.monotonic()
            try:
                self.newest, self._failure = self._looked(view), ""
            except Exception as error:  # whatever it is, frames go on, and the next look may be better
                self._failure = f"a look at the fronts failed ({error or type(error).__name__}); the next one is due."
                self._end_child()
            self._next_s = 2 * time.monotonic() - start
            self._busy = False
        self._end_child()

    def _looked(self, view: View) -> Look:
        child = self._begun()
        assert child.stdin is not None
        assert child.stdout is not None
        send(child.stdin, to_bytes(view))
        answer = from_bytes(received(child.stdout))
        if not isinstance(answer, Look):
            raise UsageError(str(answer))
        return answer

    def _begun(self) -> subprocess.Popen[bytes]:
        """The child, alive; it takes a second or two to begin."""
        if self._child is None or self._child.poll() is not None:
            self._end_child()
            command = [sys.executable, "-m", "ionfront.acquisition.look_process"]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        return self._child

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    with suppress(OSError):  # it was sent something still
                        pipe.close()


def send(pipe: IO[bytes], content: bytes) -> None:
    """Write bytes that `received` reads at the other end."""
    pipe.write(_LENGTH.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def received(pipe: IO[bytes]) -> bytes:
    """Bytes that were sent.

    Raises:
        EOFError: The other end is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError("the other end is gone")
    return content
