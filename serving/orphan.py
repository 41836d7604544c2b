"""A worker whose parent was killed ends too, else it would hold the port and answer without anybody knowing."""

import os
import signal
import threading
import time

__all__ = ["end_with_parent"]

_LOOK_S = 0.5
_GRACE_S = 10.0


def end_with_parent() -> None:
    """From now on, end soon after the parent process has, what is under way being finished first."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="orphan", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)
