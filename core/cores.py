"""The cores that this process has, and work that is shared among them."""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["core_quota", "one_blas_thread", "side_by_side"]

Part = TypeVar("Part")
Result = TypeVar("Result")


def core_quota(file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int | None:
    """Cores' worth of time that a control group grants, rounded up; None where it grants all.

    OpenVINO takes the cores that it may be scheduled on, and so too many threads for a quota. The file holds
    microseconds of time and of the period (Linux, cgroup v2, `cpu.max`).
    """
    try:
        granted, period = file.read_text().split()
        return max(1, math.ceil(int(granted) / int(period)))
    except (OSError, ValueError):  # no such limit: no file, or "max"
        return None


def side_by_side(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """What `work` gives for each part, in their order; on a thread for each core.

    For work that lets go of the interpreter, as numpy's does on large arrays. It must not itself call this.
    """
    if len(parts) < 2:
        return [work(part) for part in parts]
    return list(_pool(os.getpid()).map(work, parts))


def one_blas_thread() -> AbstractContextManager[Any]:
    """While it lasts, linear algebra keeps to the thread that asks for it.

    For loops of small products: OpenBLAS lets its threads spin for a while after each, on cores that others need.
    """
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limited


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@cache
def _pool(process_id: int) -> ThreadPoolExecutor:
    """Of this process: a forked one has no threads yet."""
    return ThreadPoolExecutor(core_quota() or _cores(), thread_name_prefix="side-by-side")


def _cores() -> int | None:
    """How many this process may be scheduled on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
