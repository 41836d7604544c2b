"""The process that makes looks beside the frames: python -m ionfront.acquisition.look_process (see `aside.py`)."""

import os
import sys

from .aside import received, send
from .look import Look, look, warm_up
from .snapshot import from_bytes, to_bytes

__all__: list[str] = []


def _serve() -> None:
    warm_up()  # while the first frames are being waited for, and before others go first
    if hasattr(os, "nice"):
        os.nice(10)
    views, looks = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr  # what a library prints must not come between the looks
    while True:
        try:
            content = received(views)
        except EOFError:
            return
        try:
            answer: Look | str = look(from_bytes(content))
        except Exception as error:  # told to the other side, which goes on
            answer = f"{type(error).__name__}: {error}"
        send(looks, to_bytes(answer))


if __name__ == "__main__":
    _serve()
