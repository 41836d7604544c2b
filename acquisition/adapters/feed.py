"""A thread that takes frames out of a stream, behind the iteration over them."""

from collections.abc import Callable, Iterator
from threading import Event, Thread

from ..frames import Frame, FrameQueue

__all__ = ["fed"]


def fed(queue: FrameQueue, feed: Callable[[Event], None], leave: Callable[[], None]) -> Iterator[Frame]:
    """Frames that a thread puts into a queue, until there are no more or nobody takes them any longer.

    Args:
        queue: Between the two.
        feed: Puts frames in, in that thread; returns when there are no more, or the event is set.
        leave: Lets go of the stream, when that thread is done.

    Raises:
        BaseException: What `feed` raised.
    """
    left = Event()

    def work() -> None:
        try:
            feed(left)
            queue.end()
        except BaseException as error:  # raised where frames are taken
            queue.end(error)

    thread = Thread(target=work, name="feed", daemon=True)
    thread.start()
    try:
        yield from queue
    finally:
        left.set()
        thread.join()
        leave()
