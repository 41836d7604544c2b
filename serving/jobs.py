"""Movies analyzed in the background, one at a time, each in a process of its own that can be ended."""

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ionfront.analysis import analyze
from ionfront.core import IonFrontError

from .files import FileStore
from .store import Job, Store

__all__ = ["RESULT_FILES", "JobRunner", "result_key", "upload_key"]

_log = logging.getLogger(__name__)

RESULT_FILES = ("report.html", "kinetics.json", "fronts.csv", "arrival.tif", "speed.tif", "overlay.webp")
_POLL_S = 0.5


def upload_key(job_id: str) -> str:
    """Where an upload lies, whatever it is called."""
    return f"uploads/{job_id}/movie"


def result_key(job_id: str, name: str = "") -> str:
    """Where results lie."""
    return f"results/{job_id}/{name}".rstrip("/")


class JobRunner:
    """Takes jobs from a store until it is closed.

    A job that was running when the server went down is begun again by the next one.

    Args:
        store: Of the jobs.
        files: Of uploads and results.
        model: Gives the model file, anew for each.
    """

    def __init__(self, store: Store, files: FileStore, model: Callable[[], Path]) -> None:
        self._store, self._files, self._model = store, files, model
        self._closed, self._new = threading.Event(), threading.Event()
        store.put_back()
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look for a job now."""
        self._new.set()

    def close(self) -> None:
        """End the running job, to be begun again, and take no more."""
        self._closed.set()
        self._new.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                job = self._store.take()
                if job is None:
                    self._new.wait(_POLL_S)
                    self._new.clear()
                else:
                    self._do(job)
            except Exception:  # the database may be away for a while: jobs wait for it
                _log.exception("jobs wait")
                self._closed.wait(_POLL_S)

    def _do(self, job: Job) -> None:
        with tempfile.TemporaryDirectory(prefix="ionfront-job-") as scratch:
            movie, out = Path(job.place), Path(scratch) / "results"
            try:
                if job.uploaded:
                    movie = Path(scratch) / job.movie
                    self._files.get(job.place, movie)
                verdict = self._analyzed(job, movie, out)
                if verdict == "":
                    self._keep(job, out)
                    self._store.finish(job.id, "done")
                elif verdict == "cancelled":
                    self._store.finish(job.id, "cancelled")
                elif verdict in ("closed", "killed"):
                    self._store.put_back(job.id)
                else:
                    self._store.finish(job.id, "failed", verdict)
            except OSError as error:
                self._store.finish(job.id, "failed", f"{error.strerror or error}: {error.filename or 'files'}")

    def _keep(self, job: Job, out: Path) -> None:
        zipped = shutil.make_archive(str(out / "labels.zarr"), "zip", out / "labels.zarr")
        self._files.put(Path(zipped), result_key(job.id, "labels.zarr.zip"))
        for name in RESULT_FILES:
            if (out / name).is_file():
                self._files.put(out / name, result_key(job.id, name))

    def _analyzed(self, job: Job, movie: Path, out: Path) -> str:
        """Nothing where it went well; "cancelled", "closed", "killed", or what was wrong."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_analyze, args=(theirs, movie, out, self._model(), job.options), daemon=True)
        process.start()
        theirs.close()
        try:
            return self._followed(job, ours)
        finally:
            process.terminate()
            process.join()
            ours.close()

    def _followed(self, job: Job, ours: Connection) -> str:
        told = time.monotonic()
        done, total = 0, 0
        while True:
            if ours.poll(_POLL_S):
                try:
                    message = ours.recv()
                except EOFError:
                    return "killed"
                if isinstance(message, str):
                    self._store.progress(job.id, done, total)
                    return message
                done, total = message
            if self._closed.is_set():
                return "closed"
            if time.monotonic() - told > _POLL_S:
                told = time.monotonic()
                if self._store.progress(job.id, done, total):
                    return "cancelled"


def _analyze(pipe: Connection, movie: Path, out: Path, model: Path, options: dict[str, Any]) -> None:
    """In the process of its own: frames done and of all, then nothing or what was wrong."""
    try:
        analyze(movie, out, model=model, progress=lambda done, total: pipe.send((done, total)), **options)
    except IonFrontError as error:
        pipe.send(str(error))
    except BrokenPipeError:
        pass  # the server is gone; the next one begins this job again
    except OSError as error:
        pipe.send(f"{error.strerror or error}: {error.filename or movie.name}")
    except Exception as error:
        _log.exception("the analysis of %s broke off", movie.name)
        pipe.send(f"the analysis broke off: {type(error).__name__}: {error}")
    else:
        pipe.send("")
