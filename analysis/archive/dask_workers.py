"""Dask's workers: a cluster of this computer, or any that runs already."""

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any
from uuid import uuid4

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, Worker, WorkerPlugin, get_client, secede

from ionfront.core import UsageError

from .jobs import Job, Measure, Outcome

__all__ = ["DaskWorkers"]

_ROOMY = str(2**30)
_SETTINGS = {
    # else a worker hands every piece of memory back at once, and asks for it again for the next frame
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": _ROOMY,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": _ROOMY,
    "distributed.worker.profile.enabled": False,  # else it notes what it does a hundred times a second, for an hour
    "distributed.scheduler.allowed-failures": 5,  # workers that may die with a movie before it is taken to be at fault
}
_PATIENCE_S = 600.0  # for a scheduler that went away
_CORES_A_WORKER = 2
_JOIN_S = 10.0
_LOOK_S = 20.0
_ANSWER_S = 60.0  # for an outcome that is known to be there
_PAUSE_S = 0.2
_DEADLY = Outcome(error="the workers that took it died, one after another: perhaps of too little memory.")


class DaskWorkers:
    """Does jobs on a cluster, which is begun or joined for the first; what a worker or a scheduler took with it is done
    anew.

    A job whose workers died, one after another, may only have been beside what they died of: it is tried once more,
    by one worker and with no other, when all others have ended.

    Args:
        address: Of a scheduler, such as tcp://HOST:8786; None begins a cluster of this computer.
        count: Of the workers that are begun, which share the cores; None for one to two cores.
        tell: Told what a person should know.
    """

    def __init__(
        self, address: str | None = None, count: int | None = None, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        self._address, self._count, self._tell = address, count, tell
        self._cluster: Any = None
        self._joined: Client | None = None
        self._under_way: dict[str, Job] = {}  # by the future's key
        self._suspects: deque[Job] = deque()  # that are to be tried once more
        self._tried: set[str] = set()  # names of those that were
        self._ended: SimpleQueue[Future] = SimpleQueue()
        self._manned = True

    def submit(self, job: Job) -> None:
        """Take a job.

        Raises:
            UsageError: There is no scheduler at the address.
        """
        self._send(job)

    def outcomes(self) -> Iterator[tuple[Job, Outcome]]:
        """What came of each, as it comes.

        Raises:
            UsageError: The scheduler went away and did not come back, or workers lack what they need.
        """
        while self._under_way or self._suspects:
            if not self._under_way:
                self._send(self._suspects.popleft(), whole=True)
            try:
                future = self._ended.get(timeout=_LOOK_S)
            except Empty:
                self._look_for_workers()
                continue
            if future.key not in self._under_way:
                continue
            outcome = _outcome(future)
            if outcome is None and future.cancelled():
                self._begin_again()
                continue
            if outcome is None:  # it is done again: the worker that had it was lost before it was fetched
                time.sleep(_PAUSE_S)
                future.add_done_callback(self._ended.put)
                continue
            job = self._under_way.pop(future.key)
            if outcome == _DEADLY and job.name not in self._tried:
                self._tried.add(job.name)
                self._suspects.append(job)
            else:
                yield job, outcome

    def close(self) -> None:
        """Let go of what is under way; a cluster that was begun here ends."""
        self._under_way.clear()
        self._suspects.clear()
        self._leave()
        if self._cluster is not None:
            self._cluster.close(timeout=10)

    def _send(self, job: Job, *, whole: bool = False) -> None:
        """Give a job to the cluster, to be done whole by one worker or not."""
        key = f"{job.name}-{uuid4().hex}"  # others may measure the same on the same cluster, for another archive
        self._under_way[key] = job
        future = self._client().submit(_do, job, whole, key=key, pure=False, priority=int(isinstance(job, Measure)))
        future.add_done_callback(self._ended.put)

    def _client(self) -> Client:
        if self._joined is not None:
            return self._joined
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what matters is told in fewer words
        if self._address is None:
            if self._cluster is not None:
                self._cluster.close(timeout=10)
            self._cluster = _cluster(self._count)
            self._joined = Client(self._cluster)
            self._joined.register_plugin(_Share(len(self._cluster.workers)))
        else:
            try:
                self._joined = Client(self._address, timeout=_JOIN_S)
            except (OSError, ValueError) as error:
                raise UsageError(f"there is no Dask scheduler at {self._address} ({error}).") from error
        return self._joined

    def _look_for_workers(self) -> None:
        """Say so, once, where jobs wait and nobody is there to do them."""
        with suppress(Exception):  # a scheduler that is gone is noticed by its jobs
            there = bool(self._client().nthreads())
            if self._manned and not there:
                self._tell("The cluster has no worker; one is waited for. Those that leave at once may lack ionfront.")
            self._manned = there

    def _leave(self) -> None:
        if self._joined is not None:
            with suppress(Exception):  # whatever is wrong with it, it is done with
                self._joined.close(timeout=5)
        self._joined = None

    def _begin_again(self) -> None:
        """The scheduler is gone, and all that it knew."""
        self._tell("The scheduler went away; it is waited for.")
        jobs, until = list(self._under_way.values()), time.monotonic() + _PATIENCE_S
        self._under_way.clear()
        self._leave()
        while self._joined is None:
            try:
                self._client()
            except UsageError as error:
                if time.monotonic() > until:
                    raise UsageError(f"{error} What was measured is kept: give the same command again.") from error
        for job in jobs:
            self._send(job, whole=job.name in self._tried)


class _Share(WorkerPlugin):  # type: ignore[misc]
    """Gives each worker of this computer its share of the cores, which all that it starts keeps to.

    Ctrl-C is for the process that gives out the work, which then ends its workers.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def setup(self, worker: Worker) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        cores = sorted(os.sched_getaffinity(0))
        if self._count <= len(cores):
            os.sched_setaffinity(0, cores[int(worker.name) :: self._count])


class _Hands:
    """The workers of a cluster, as those of them see it that ask others to help."""

    def __init__(self, client: Client, count: int) -> None:
        self._client, self.count = client, count

    def do(self, work: Callable[..., Any], *given: Any, urgent: bool = False) -> Future:
        """Begin something, before any other movie is begun."""
        name = getattr(work, "__name__", "part")  # of what is alike Dask learns how long it takes, and shares it out
        key = f"{name.strip('_')}-{uuid4().hex}"
        return self._client.submit(_helped, work, *given, key=key, pure=False, priority=3 if urgent else 2)


def _helped(work: Callable[..., Any], *given: Any) -> Any:
    """Do what another worker asked for."""
    _read_here()
    return work(*given)


def _do(job: Job, whole: bool) -> Outcome:
    """Do a job, on a worker; a movie that is begun while others have nothing to do is divided among all of them.

    Args:
        job: It.
        whole: Whether it is not to be divided.
    """
    _read_here()
    if whole or not (isinstance(job, Measure) and job.divisible):
        return job()
    client = get_client()
    _read_here()  # to have a client undoes it
    busy = client.processing()
    if all(busy.values()):
        return job()
    secede()  # this worker is to see frames too
    outcome = job(_Hands(client, len(busy)))
    passing = outcome.error and not outcome.lasting and not outcome.no_room
    return job() if passing else outcome  # perhaps too many hands were lost, one after another


def _read_here() -> None:
    """Have this worker read frames itself; by default it would have the cluster read each."""
    dask.config.set(scheduler="threads")


def _cluster(count: int | None) -> Any:
    dask.config.set(_SETTINGS)
    return LocalCluster(
        n_workers=count or max(1, len(os.sched_getaffinity(0)) // _CORES_A_WORKER),
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs="ERROR",
    )


def _outcome(future: Future) -> Outcome | None:
    """What came of a job; None where that is not to be had, of which the future's status tells why."""
    if future.status not in ("finished", "error"):
        return None
    try:
        found: Outcome = future.result(timeout=_ANSWER_S)
        return found
    except KilledWorker:
        return _DEADLY
    except (CancelledError, OSError):
        return None
    except Exception as error:
        raise UsageError(
            f"a worker cannot do its work ({type(error).__name__}: {error}); workers need the same ionfront as here, "
            "and the archive's folder under the same path."
        ) from error
