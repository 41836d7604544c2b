"""The routes of movies: uploads or paths in, jobs, results out."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from .files import FileStore
from .jobs import JobRunner, result_key, upload_key
from .problems import RequestError
from .schemas import AnalysisOptions, JobAnswer, MovieRequest, UploadQuery
from .store import FINAL_STATES, Job, Store

__all__ = ["MEDIA", "Movies", "movie_routes"]

_LONGEST_NAME = 200  # bytes
_NAME = re.compile(r"\w[\w. -]{0,199}")
MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".tif": "image/tiff",
    ".webp": "image/webp",
    ".zip": "application/zip",
}
_KEPT_FREE = 2**30


@dataclass(frozen=True)
class Movies:
    """What the routes work with.

    Attributes:
        store: Of the jobs.
        files: Of uploads and results.
        runner: Does the jobs.
        roots: Folders whose movies may be named by path.
        upload_bytes: Largest upload.
        queued: How many jobs may wait.
    """

    store: Store
    files: FileStore
    runner: JobRunner
    roots: tuple[Path, ...]
    upload_bytes: int
    queued: int

    def close(self) -> None:
        """End the running job, to be begun again by the next server."""
        self.runner.close()
        self.store.close()


def movie_routes(movies: Callable[[], Movies]) -> APIRouter:
    """Routes under /movies."""
    routes = APIRouter(prefix="/movies", tags=["movies"])

    @routes.post(
        "",
        summary="Upload a movie, to be analyzed",
        status_code=202,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def upload(
        request: Request,
        asked: Annotated[UploadQuery, Query()],
    ) -> JobAnswer:
        if not _NAME.fullmatch(asked.name) or len(asked.name.encode()) > _LONGEST_NAME:
            raise RequestError(422, "bad name", f"{asked.name[:80]!r} is no plain file name such as movie.tif.")
        _refuse_when_full(movies())
        with tempfile.TemporaryDirectory(prefix="ionfront-upload-") as folder:
            path = Path(folder) / asked.name
            await _received(request, path, movies().upload_bytes)
            return await run_in_threadpool(_kept, movies(), path, asked)

    @routes.post("/from-path", summary="Analyze a movie that lies on the server", status_code=202)
    def from_path(asked: MovieRequest) -> JobAnswer:
        path = _under_a_root(asked.path, movies().roots)
        _refuse_when_full(movies())
        job = movies().store.add(path.name, str(path), False, asked.arguments())
        movies().runner.wake()
        return _answer(movies(), job)

    @routes.get("", summary="The newest jobs")
    def jobs(most: Annotated[int, Query(ge=1, le=1000)] = 100) -> list[JobAnswer]:
        return [_answer(movies(), job) for job in movies().store.jobs(most)]

    @routes.get("/{job_id}", summary="How far a job is")
    def job(job_id: str) -> JobAnswer:
        return _answer(movies(), _found(movies(), job_id))

    @routes.delete("/{job_id}", summary="End a job; an ended one is forgotten with its files")
    def end(job_id: str) -> JobAnswer:
        found = _found(movies(), job_id)
        movies().store.cancel(job_id)
        answer = _answer(movies(), movies().store.job(job_id) or found)
        if found.state in FINAL_STATES:
            movies().store.forget(job_id)
            for key in (f"uploads/{job_id}", result_key(job_id)):
                movies().files.remove(key)
        return answer

    @routes.get("/{job_id}/files/{name}", summary="A result, such as report.html or kinetics.json")
    def file(job_id: str, name: str) -> StreamingResponse:
        _found(movies(), job_id)
        key = result_key(job_id, name)
        if not movies().files.exists(key):
            raise RequestError(404, "no such file", f"job {job_id} has no file {name[:80]!r}.")
        headers = {"Content-Length": str(movies().files.size(key)), "X-Content-Type-Options": "nosniff"}
        media = MEDIA.get(Path(name).suffix, "application/octet-stream")
        return StreamingResponse(_chunks(movies().files, key), headers=headers, media_type=media)

    return routes


def _kept(movies: Movies, path: Path, options: AnalysisOptions) -> JobAnswer:
    job = movies.store.add(path.name, "", True, options.arguments(), ready=False)
    movies.files.put(path, upload_key(job.id))
    movies.store.ready(job.id, upload_key(job.id))
    movies.runner.wake()
    return _answer(movies, movies.store.job(job.id) or job)


def _chunks(files: FileStore, key: str) -> Iterator[bytes]:
    yield from files.chunks(key)


def _answer(movies: Movies, job: Job) -> JobAnswer:
    return JobAnswer(
        id=job.id,
        movie=job.movie,
        state=job.state,  # type: ignore[arg-type]
        frames_done=job.done,
        frames=job.total,
        error=job.error,
        created_s=job.created_s,
        files=tuple(movies.files.names(result_key(job.id))) if job.state == "done" else (),
    )


def _found(movies: Movies, job_id: str) -> Job:
    job = movies.store.job(job_id)
    if job is None:
        raise RequestError(404, "no such job", f"there is no job {job_id[:80]!r}.")
    return job


def _refuse_when_full(movies: Movies) -> None:
    if movies.store.waiting() >= movies.queued:
        raise RequestError(
            503, "busy", f"{movies.queued} movies wait already; come again later.", {"Retry-After": "60"}
        )


def _under_a_root(asked: str, roots: tuple[Path, ...]) -> Path:
    """The path, links followed; what lies elsewhere and what is not there are told apart by nobody."""
    try:
        path = Path(asked).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        path = None
    if path is None or not any(path.is_relative_to(root.resolve()) and path != root.resolve() for root in roots):
        raise RequestError(404, "no such movie", "there is no such movie under the folders that the server may read.")
    return path


async def _received(request: Request, path: Path, most: int) -> None:
    told = int(request.headers.get("content-length") or 0)
    too_much = RequestError(413, "body too large", f"an upload may have up to {most} bytes.")
    if told > most:
        raise too_much
    if shutil.disk_usage(path.parent).free < told + _KEPT_FREE:
        raise RequestError(507, "no room", "the server's disk is nearly full: tell whoever runs it.")
    got = 0
    with path.open("wb") as out:
        async for chunk in request.stream():
            got += len(chunk)
            if got > most:
                raise too_much
            out.write(chunk)
    if not got:
        raise RequestError(422, "empty", "the body is empty; send the bytes of the movie.")
