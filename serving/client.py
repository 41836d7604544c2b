"""A client of the service that needs nothing but numpy.

    client = Client("http://127.0.0.1:3000", key="ionfront_…")
    labels, summary = client.segment(frame)
    with client.begin_session(pixel_size_nm=0.5, host="Bi2Te3", ion="Na") as session:
        for frame, time_s in camera:
            fronts = session.push(frame, time_s)["state"]["fronts"]

What may be asked twice without harm is asked again when a connection breaks or the server is busy; an upload is not.
Frames of a session are numbered, so that one that is sent twice counts once.
`AsyncClient` has the same methods as coroutines.
"""

import asyncio
import http.client
import json
import socket
import ssl
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["AsyncClient", "AsyncSession", "Client", "ClientSession", "ServiceError"]

Json = dict[str, Any]
Progress = Callable[[int, int], None]

_CHUNK = 2**20
_FINAL = ("done", "failed", "cancelled")
_LONGEST_PAUSE_S = 1.0  # a camera goes on, so a server that is back is to be found soon
_BROKEN = (ConnectionError, http.client.HTTPException, TimeoutError, socket.gaierror, ssl.SSLError)


class ServiceError(Exception):
    """The service refused, or could not be reached.

    Attributes:
        status: Of HTTP; 0 where there was no answer.
        title: What kind of problem.
        detail: What was seen, what was needed, what to do next.
        request_id: As the server's log has it.
    """

    def __init__(self, status: int, title: str, detail: str, request_id: str = "") -> None:
        super().__init__(f"{title}: {detail}")
        self.status, self.title, self.detail, self.request_id = status, title, detail, request_id


class _NotTrustedError(ServiceError):
    """The server's certificate is not trusted, and will not be however often it is asked."""


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Safe to use from several threads; connections are kept and shared.

    Args:
        address: Such as http://127.0.0.1:3000.
        key: API key, where the server asks for one.
        timeout_s: How long to wait for an answer.
        patience_s: How long to go on asking a server that is busy or away.
        certificates: PEM file with the certificates to trust, for https; None trusts those that the system does.
    """

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        timeout_s: float = 120.0,
        patience_s: float = 60.0,
        certificates: Path | None = None,
    ) -> None:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{address!r} is no address such as http://127.0.0.1:3000")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._prefix = f"{parts.path.rstrip('/')}/v1"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout_s, self._patience_s = timeout_s, patience_s
        self._context = ssl.create_default_context(cafile=certificates) if self._secure else None
        self._idle: deque[http.client.HTTPConnection] = deque()

    def segment(self, frame: ArrayLike, *, probabilities: bool = False) -> tuple[NDArray[Any], Json]:
        """Labels, uint8 (y, x), or probabilities, float16 (phase, y, x), of a frame; and what they show.

        Args:
            frame: Grey values, shape (y, x).
            probabilities: Whether to give them in place of labels.

        Raises:
            ServiceError: It was refused, or there was no answer.
        """
        array = np.ascontiguousarray(frame)
        headers = _array_headers(array)
        what = "probabilities" if probabilities else "labels"
        answer = self._ask("POST", f"/segment?form=raw&what={what}", array.tobytes(), headers)
        shape = tuple(int(edge) for edge in answer.headers["x-shape"].split(","))
        found = np.frombuffer(answer.body, answer.headers["x-dtype"]).reshape(shape)
        return found, json.loads(answer.headers["x-result"])

    def predict(self, reactions: Sequence[Json]) -> list[list[Json]]:
        """What to expect of reactions, `{"host": "NiO", "ion": "Li", …}` each; a list of steps for each."""
        found: list[list[Json]] = self._json("POST", "/kinetics/predict", {"reactions": list(reactions)})["reactions"]
        return found

    def forecast(self, **asked: Any) -> list[Json]:
        """When a front comes to places; the arguments are the fields of the request."""
        found: list[Json] = self._json("POST", "/kinetics/forecast", asked)["arrivals"]
        return found

    def models(self) -> Json:
        """Which models answer."""
        return self._json("GET", "/models")

    def begin_session(self, **settings: Any) -> "ClientSession":
        """A live measurement; the settings are the fields of the request: pixel_size_nm, host, ion, rules, …"""
        body = json.dumps(settings, allow_nan=False).encode()
        return ClientSession(self, _read(_checked(self._once("POST", "/sessions", body, once=True))))

    def session(self, session_id: str) -> "ClientSession":
        """Go on with one that was begun before."""
        return ClientSession(self, self._json("GET", f"/sessions/{session_id}"))

    def upload(self, movie: Path, *, progress: Progress | None = None, **options: Any) -> Json:
        """Send a movie to be analyzed; returns its job. Never sent twice.

        Args:
            movie: A file.
            progress: Called with the bytes sent and the size.
            options: pixel_size_nm, frame_time_s, host, ion, …
        """
        movie, size = Path(movie), Path(movie).stat().st_size
        query = urllib.parse.urlencode({"name": movie.name} | {k: v for k, v in options.items() if v is not None})
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        answer = self._once("POST", f"/movies?{query}", _pieces(movie, size, progress), headers, once=True)
        return _read(_checked(answer))

    def analyze_path(self, path: str, **options: Any) -> Json:
        """Have a movie analyzed that lies on the server; returns its job."""
        return _read(
            _checked(self._once("POST", "/movies/from-path", json.dumps({"path": path} | options).encode(), once=True))
        )

    def job(self, job_id: str) -> Json:
        """How far a job is."""
        return self._json("GET", f"/movies/{job_id}")

    def wait(self, job_id: str, *, progress: Progress | None = None, every_s: float = 1.0) -> Json:
        """Wait for a job's end; returns it.

        Args:
            job_id: Which.
            progress: Called with the frames done and of all.
            every_s: Time between looks.
        """
        while (job := self.job(job_id))["state"] not in _FINAL:
            if progress is not None:
                progress(job["frames_done"], job["frames"])
            time.sleep(every_s)
        return job

    def cancel(self, job_id: str) -> Json:
        """End a job; one that has ended is forgotten with its files."""
        return self._json("DELETE", f"/movies/{job_id}")

    def file(self, job_id: str, name: str) -> bytes:
        """A result of a job, such as kinetics.json."""
        return self._ask("GET", f"/movies/{job_id}/files/{urllib.parse.quote(name)}").body

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _json(self, method: str, path: str, asked: Json | None = None) -> Json:
        return _read(self._ask(method, path, None if asked is None else json.dumps(asked, allow_nan=False).encode()))

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> _Answer:
        """Ask, and again for as long as the server is busy or away and patience lasts."""
        until, pause = time.monotonic() + self._patience_s, 0.1
        while True:
            try:
                answer = self._once(method, path, body, headers)
            except ServiceError as error:
                if error.status or isinstance(error, _NotTrustedError) or time.monotonic() + pause > until:
                    raise
                wait = pause
            else:
                if answer.status != 503:
                    return _checked(answer)
                wait = max(pause, float(answer.headers.get("retry-after", 0)))
                if time.monotonic() + wait > until:
                    return _checked(answer)
            time.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _once(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
        once: bool = False,
    ) -> _Answer:
        """Ask; on a kept connection that breaks, on a new one, but for what must not be asked twice."""
        told = self._headers | (headers or {})
        if isinstance(body, bytes) and "X-Shape" not in told:
            told |= {"Content-Type": "application/json"}
        connection, kept = self._connection(), False
        if not once and self._idle:
            connection, kept = self._idle.pop(), True
        try:
            answer = _exchange(connection, method, self._prefix + path, body, told)
        except ssl.SSLCertVerificationError as error:
            connection.close()
            why = f"{error.verify_message}; name a file with the certificate to trust (certificates=…)."
            raise _NotTrustedError(0, "certificate not trusted", why) from error
        except _BROKEN as error:
            connection.close()
            if kept:  # the server may have closed it since
                return self._once(method, path, body, headers)
            raise ServiceError(0, "no answer", f"{self._host}:{self._port}: {error}") from error
        self._idle.append(connection)
        return answer

    def _connection(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._context)


class ClientSession:
    """A live measurement on the server; as a context manager it is closed at the end of a block that went well.

    Attributes:
        id: To go on with it later.
        frames: How many frames were acknowledged.
    """

    def __init__(self, client: Client, told: Json) -> None:
        self._client, self.id, self.frames = client, str(told["id"]), int(told["frames"])

    def push(self, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0) -> Json:
        """Send the next frame; asked again until it is acknowledged or patience ends, and counted once.

        Args:
            frame: Grey values, shape (y, x).
            time_s: When it was taken; later than the one before.
            dose_e_nm2: What it cost, where that is known.
            missed: How many frames before it were lost on the way, or let go.

        Returns:
            `state` (fronts with positions, speeds, laws and forecasts; areas) and `decisions`.

        Raises:
            ServiceError: It was refused, or there was no answer. The next push sends the same number.
        """
        array = np.ascontiguousarray(frame)
        headers = _array_headers(array)
        asked = {"number": self.frames, "time_s": repr(float(time_s)), "missed": missed}
        if dose_e_nm2 is not None:
            asked["dose_e_nm2"] = repr(float(dose_e_nm2))
        path = f"/sessions/{self.id}/frames?{urllib.parse.urlencode(asked)}"
        answer = _read(self._client._ask("POST", path, array.tobytes(), headers))
        self.frames += 1
        return answer

    def state(self) -> Json:
        """How far it is, and what was decided."""
        return self._client._json("GET", f"/sessions/{self.id}")

    def answers(self, first: int = 0, most: int = 1000) -> list[Json]:
        """What was said of frames."""
        found: Any = self._client._json("GET", f"/sessions/{self.id}/frames?first={first}&most={most}")
        return list(found)

    def close(self, *, wait: bool = True, every_s: float = 0.5) -> Json:
        """End it, and wait until all of it is measured."""
        told = self._client._json("POST", f"/sessions/{self.id}/close")
        while wait and told["state"] == "closing":
            time.sleep(every_s)
            told = self.state()
        return told

    def file(self, name: str) -> bytes:
        """A result of a closed one, such as kinetics.json."""
        return self._client._ask("GET", f"/sessions/{self.id}/files/{urllib.parse.quote(name)}").body

    def __enter__(self) -> "ClientSession":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()


class AsyncSession:
    """`ClientSession` for coroutines; each call runs in a thread."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session

    @property
    def id(self) -> str:
        """To go on with it later."""
        return self._session.id

    async def push(self, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0) -> Json:
        """As `ClientSession.push`; one at a time."""
        return await asyncio.to_thread(self._session.push, frame, time_s, dose_e_nm2=dose_e_nm2, missed=missed)

    async def state(self) -> Json:
        """As `ClientSession.state`."""
        return await asyncio.to_thread(self._session.state)

    async def close(self) -> Json:
        """As `ClientSession.close`."""
        return await asyncio.to_thread(self._session.close)

    async def file(self, name: str) -> bytes:
        """As `ClientSession.file`."""
        return await asyncio.to_thread(self._session.file, name)

    async def __aenter__(self) -> "AsyncSession":
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            await self.close()


class AsyncClient:
    """`Client` for coroutines; each call runs in a thread."""

    def __init__(self, address: str, key: str | None = None, **settings: Any) -> None:
        self._client = Client(address, key, **settings)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """As `Client.close`."""
        self._client.close()

    async def segment(self, frame: ArrayLike, *, probabilities: bool = False) -> tuple[NDArray[Any], Json]:
        """As `Client.segment`."""
        return await asyncio.to_thread(self._client.segment, frame, probabilities=probabilities)

    async def predict(self, reactions: Sequence[Json]) -> list[list[Json]]:
        """As `Client.predict`."""
        return await asyncio.to_thread(self._client.predict, reactions)

    async def forecast(self, **asked: Any) -> list[Json]:
        """As `Client.forecast`."""
        return await asyncio.to_thread(self._client.forecast, **asked)

    async def models(self) -> Json:
        """As `Client.models`."""
        return await asyncio.to_thread(self._client.models)

    async def begin_session(self, **settings: Any) -> AsyncSession:
        """As `Client.begin_session`."""
        return AsyncSession(await asyncio.to_thread(self._client.begin_session, **settings))

    async def session(self, session_id: str) -> AsyncSession:
        """As `Client.session`."""
        return AsyncSession(await asyncio.to_thread(self._client.session, session_id))

    async def upload(self, movie: Path, *, progress: Progress | None = None, **options: Any) -> Json:
        """As `Client.upload`."""
        return await asyncio.to_thread(self._client.upload, movie, progress=progress, **options)

    async def wait(self, job_id: str, *, progress: Progress | None = None, every_s: float = 1.0) -> Json:
        """As `Client.wait`."""
        return await asyncio.to_thread(self._client.wait, job_id, progress=progress, every_s=every_s)

    async def cancel(self, job_id: str) -> Json:
        """As `Client.cancel`."""
        return await asyncio.to_thread(self._client.cancel, job_id)

    async def file(self, job_id: str, name: str) -> bytes:
        """As `Client.file`."""
        return await asyncio.to_thread(self._client.file, job_id, name)


def _array_headers(array: NDArray[Any]) -> dict[str, str]:
    return {"X-Shape": ",".join(map(str, array.shape)), "X-Dtype": array.dtype.str}


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None,
    headers: dict[str, str],
) -> _Answer:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.read()
    return _Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, answer)


def _pieces(movie: Path, size: int, progress: Progress | None) -> Iterator[bytes]:
    sent = 0
    with movie.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            yield piece
            sent += len(piece)
            if progress is not None:
                progress(sent, size)


def _checked(answer: _Answer) -> _Answer:
    if answer.status < 400:
        return answer
    problem: Json = {}
    with suppress(ValueError):
        problem = json.loads(answer.body)
    raise ServiceError(
        answer.status,
        str(problem.get("title", "refused")),
        str(problem.get("detail", answer.body[:200].decode(errors="replace"))),
        answer.headers.get("x-request-id", ""),
    )


def _read(answer: _Answer) -> Json:
    content: Json = json.loads(answer.body)
    return content
