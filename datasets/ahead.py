"""Reading ahead: the next frames are read and prepared while the present one is worked on."""

import threading
from collections.abc import Iterable, Iterator
from queue import Full, Queue
from typing import TypeVar

__all__ = ["read_ahead"]

T = TypeVar("T")

_END = object()
_PATIENCE_S = 0.1


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def read_ahead(items: Iterable[T], count: int = 2) -> Iterator[T]:
    """The same items in the same order, taken from `items` by a thread that is at most `count` ahead.

    What `items` raises is raised here, in its place. Where the consumer stops early, on an error of its own or an
    interrupt, the thread ends before the next item.
    """
    ready: Queue[object] = Queue(maxsize=count)
    stopped = threading.Event()
    thread = threading.Thread(target=_fill, args=(ready, items, stopped), daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failed):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


def _fill(ready: "Queue[object]", items: Iterable[object], stopped: threading.Event) -> None:
    try:
        for item in items:
            if not _put(ready, item, stopped):
                return
        _put(ready, _END, stopped)
    except BaseException as error:  # the consumer's to handle
        _put(ready, _Failed(error), stopped)


def _put(ready: "Queue[object]", item: object, stopped: threading.Event) -> bool:
    """Wait for room, but not for a consumer that has gone."""
    while not stopped.is_set():
        try:
            ready.put(item, timeout=_PATIENCE_S)
        except Full:
            continue
        return True
    return False
