"""Frames out of acquisition software: a module for each kind of it, each needing an extra of its own.

    de:HOST:PORT          camera of Direct Electron, by its DE-Server
    pva:CHANNEL           EPICS PVAccess, NTNDArray
    zmq:tcp://HOST:PORT   ZeroMQ

Each module has `attach(address, queue, *, pixel_size_nm, zero_s) -> Source`, which puts what comes into the queue.
One that can also be acted on has `action(told) -> Action`.
"""

import importlib
from pathlib import Path
from typing import Any

from ionfront.core import MissingExtraError, UsageError

from ..actions import Action
from ..frames import FrameQueue
from ..sources import Source

__all__ = ["STREAMS", "action", "attach", "is_stream"]

STREAMS = {"de": "direct_electron", "pva": "pva", "zmq": "zeromq"}
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
    module, address = _module_of(told)
    source: Source = module.attach(address, queue, pixel_size_nm=pixel_size_nm, zero_s=zero_s)
    return source


def action(told: str) -> Action:
    """What a rule may have acquisition software do.

    Args:
        told: What comes before the colon of a stream, and after it as its module has it.

    Raises:
        MissingExtraError: Its extra is not installed.
        MovieError: Nothing is there.
        UsageError: It cannot be acted on, or not in this way.
    """
    module, what = _module_of(told)
    if not hasattr(module, "action"):
        raise UsageError(f"{told} gives frames, but nothing that a rule could have it do: name a webhook, http://….")
    made: Action = module.action(what)
    return made


def _module_of(told: str) -> tuple[Any, str]:
    """The module for a stream, and what comes after the colon."""
    scheme, _, rest = told.partition(":")
    name = STREAMS[scheme]
    try:
        return importlib.import_module(f".{name}", __name__), rest
    except ImportError as error:
        extra = name.replace("_", "-")
        raise MissingExtraError(
            f"{told} needs {error.name}, which is not installed: pip install 'ionfront[{extra}]'."
        ) from error
