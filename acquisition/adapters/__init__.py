"""Frames out of acquisition software: a module for each kind of it, each needing an extra of its own.

    de:HOST:PORT          camera of Direct Electron, by its DE-Server
    mm:CONFIG.cfg         Micro-Manager, the camera of a configuration
    pva:CHANNEL           EPICS PVAccess, NTNDArray
    zmq:tcp://HOST:PORT   ZeroMQ

Each module has `attach(address, queue, *, pixel_size_nm, zero_s) -> Source`, which puts what comes into the queue.

Rules act through some of them, and through webhooks:

    http://ADDRESS              the decision is posted there
    de:HOST:PORT/stop           the acquisition ends
    de:HOST:PORT/NAME=VALUE     a property of the camera, the microscope or a holder is set
    pva:PV=VALUE                a PV of EPICS is written

Each such module has `action(told) -> Action`.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from ionfront.core import MissingExtraError, UsageError

from ..actions import Action, webhook
from ..frames import FrameQueue
from ..sources import Source

__all__ = ["ACTIONS", "STREAMS", "action", "attach", "is_stream"]

STREAMS = {"de": "direct_electron", "mm": "micro_manager", "pva": "pva", "zmq": "zeromq"}
"""Module by what comes before the colon; its extra has the module's name, with dashes."""


def is_stream(told: str) -> bool:
    """Whether this names a stream; anything else is a path."""
    scheme, colon, _ = told.partition(":")
    return bool(colon) and scheme in STREAMS and not Path(told).exists()


def attach(told: str, queue: FrameQueue, *, pixel_size_nm: float | None = None, zero_s: float | None = None) -> Source:
    """Frames of a stream, from now on; it is let go of when their iteration ends.

    Args:
        told: As listed above.
        queue: Between the stream and whoever takes frames.
        pixel_size_nm: In place of what the stream tells.
        zero_s: What the stream's clock shows at the time 0; None takes that of the first frame.

    Raises:
        MissingExtraError: Its extra is not installed.
        MovieError: Nothing is there, or it is no stream of grey images.
    """
    scheme, _, address = told.partition(":")
    module = _module(STREAMS[scheme], told)
    source: Source = module.attach(address, queue, pixel_size_nm=pixel_size_nm, zero_s=zero_s)
    return source


def action(told: str) -> Action:
    """What a rule does, as it is written for a command.

    Args:
        told: As listed above.

    Raises:
        MissingExtraError: Its extra is not installed.
        MovieError: Nothing is there.
        UsageError: It is none of them, or nothing that can be done there.
    """
    scheme, _, _ = told.partition(":")
    if scheme not in ACTIONS:
        raise UsageError(f"{told!r} is nothing that a rule can do: an address of {', '.join(ACTIONS)} is needed.")
    return ACTIONS[scheme](told)


def _by(module: str) -> Callable[[str], Action]:
    def made(told: str) -> Action:
        found: Action = _module(module, told).action(told.partition(":")[2])
        return found

    return made


ACTIONS: dict[str, Callable[[str], Action]] = {
    "de": _by("direct_electron"),
    "http": webhook,
    "https": webhook,
    "pva": _by("pva"),
}
"""How an action is made, by what comes before the colon."""


def _module(name: str, told: str) -> ModuleType:
    try:
        return importlib.import_module(f".{name}", __name__)
    except ImportError as error:
        extra = name.replace("_", "-")
        raise MissingExtraError(
            f"{told} needs {error.name}, which is not installed: pip install 'ionfront[{extra}]'."
        ) from error
