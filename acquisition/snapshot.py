"""A live measurement as bytes and back: numbers, arrays, containers and a fixed list of classes, never code."""

import io
import json
import zipfile
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import PhaseScheme, Quantity, Transition, UsageError
from ionfront.datasets import Averager, Reference
from ionfront.fronts import ArrivalAccumulator, ArrivalMap, FrontTracker, LabelErrors
from ionfront.fronts.recorder import Recorder
from ionfront.fronts.registration import DriftCorrector
from ionfront.fronts.series import Series
from ionfront.fronts.turns import TurnWatch
from ionfront.fronts.ways import Span

from .held import Held
from .look import FrontSeen, Look, Material, View

__all__ = ["from_bytes", "to_bytes"]

_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        ArrivalAccumulator,
        ArrivalMap,
        Averager,
        DriftCorrector,
        FrontSeen,
        FrontTracker,
        Held,
        LabelErrors,
        Look,
        Material,
        PhaseScheme,
        Quantity,
        Recorder,
        Reference,
        Series,
        Span,
        Transition,
        TurnWatch,
        View,
    )
}
_MANY = 16  # floats in a list, from which on it is kept as an array


def to_bytes(state: Any) -> bytes:
    """An archive of NPY arrays and a JSON tree.

    Raises:
        TypeError: The state holds something else than what is listed above.
    """
    arrays: list[NDArray[Any]] = []
    tree = json.dumps(_taken_apart(state, arrays))
    stream = io.BytesIO()
    named = {f"a{number}": array for number, array in enumerate(arrays)}
    np.savez(stream, allow_pickle=False, tree=np.frombuffer(tree.encode(), np.uint8), **named)
    return stream.getvalue()


def from_bytes(content: bytes) -> Any:
    """What `to_bytes` was given.

    Raises:
        UsageError: The bytes are damaged, or were written by another version.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return _put_together(json.loads(archive["tree"].tobytes()), archive)
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise UsageError(f"this is no state of a live measurement ({error}): begin a new one.") from error


def _taken_apart(value: Any, arrays: list[NDArray[Any]]) -> Any:
    def inner(values: Any) -> list[Any]:
        return [_taken_apart(item, arrays) for item in values]

    match value:
        case None | bool() | str():
            return value
        case bytes():
            arrays.append(np.frombuffer(value, np.uint8))
            return {"bytes": len(arrays) - 1}
        case np.ndarray() | np.generic():
            arrays.append(np.ascontiguousarray(value))
            return {"array": len(arrays) - 1, "scalar": isinstance(value, np.generic)}
        case int() | float():
            return value
        case slice():
            return {"slice": [value.start, value.stop, value.step]}
        case list() if len(value) > _MANY and all(type(item) is float for item in value):
            arrays.append(np.array(value))
            return {"floats": len(arrays) - 1}
        case list():
            return {"list": inner(value)}
        case tuple():
            return {"tuple": inner(value)}
        case deque():
            return {"deque": inner(value), "most": value.maxlen}
        case dict():
            return {"dict": [inner(pair) for pair in value.items()]}
    kind = type(value).__name__
    if _KINDS.get(kind) is not type(value):
        raise TypeError(f"{type(value)} is no part of a live measurement's state")
    return {"kind": kind, "has": {name: _taken_apart(item, arrays) for name, item in vars(value).items()}}


def _put_together(tree: Any, archive: Any) -> Any:
    def inner(values: Any) -> Any:
        return (_put_together(item, archive) for item in values)

    match tree:
        case {"array": number, "scalar": scalar}:
            array = archive[f"a{number}"]
            return array[()] if scalar else array
        case {"bytes": number}:
            return archive[f"a{number}"].tobytes()
        case {"floats": number}:
            return archive[f"a{number}"].tolist()
        case {"slice": [start, stop, step]}:
            return slice(start, stop, step)
        case {"list": values}:
            return list(inner(values))
        case {"tuple": values}:
            return tuple(inner(values))
        case {"deque": values, "most": most}:
            return deque(inner(values), most)
        case {"dict": pairs}:
            return dict(tuple(inner(pair)) for pair in pairs)
        case {"kind": kind, "has": has}:
            made: Any = object.__new__(_KINDS[kind])
            for name, item in has.items():
                object.__setattr__(made, name, _put_together(item, archive))
            return made
    return tree
