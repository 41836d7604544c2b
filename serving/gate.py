"""What every request passes: an id, a line in the log, and the check of its key."""

import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from .keys import KeyRing
from .metrics import REFUSED
from .problems import MEDIA_TYPE, RequestError
from .store import DATABASE_AWAY

__all__ = ["Gate"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)

_OPEN = ("/openapi.json", "/docs", "/static-offline-docs/")


class Gate:
    """ASGI middleware.

    Args:
        app: What lies behind.
        keys: Gives who may ask; None lets everybody in.
    """

    def __init__(self, app: App, keys: Callable[[], KeyRing | None]) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, start, status, begun = uuid.uuid4().hex, time.perf_counter(), 500, False
        scope.setdefault("state", {})["id"] = request_id

        async def marked(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        path = _path(scope)
        try:
            refusal = self._refusal(path, Headers(scope=scope))
            if refusal is None:
                await self._app(scope, receive, marked)
            else:
                response = JSONResponse(refusal.body(request_id), refusal.status, refusal.headers, MEDIA_TYPE)
                await response(scope, receive, marked)
        except Exception as error:
            _log.exception(json.dumps({"request_id": request_id, "path": path}))
            if begun:
                raise
            problem = _problem(error)
            response = JSONResponse(problem.body(request_id), problem.status, problem.headers, MEDIA_TYPE)
            await response(scope, receive, marked)
        finally:
            if status >= 400:
                REFUSED.labels(status).inc()
            told = {"request_id": request_id, "method": scope["method"], "path": path, "status": status}
            _log.info(json.dumps(told | {"ms": round(1e3 * (time.perf_counter() - start), 2)}))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream is let in by the same keys; one that is not is closed before it is open (403)."""
        refusal = self._refusal(_path(scope), Headers(scope=scope))
        told = {"method": "STREAM", "path": _path(scope), "status": 101 if refusal is None else 403}
        _log.info(json.dumps(told))
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            REFUSED.labels(403).inc()
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.detail[:120]})

    def _refusal(self, path: str, headers: Headers) -> RequestError | None:
        keys = self._keys()
        if keys is None or path.startswith(_OPEN):
            return None
        scheme, _, told = headers.get("authorization", "").partition(" ")
        scopes = keys.scopes(told.strip()) if scheme.lower() == "bearer" else None
        if scopes is None:
            asked = "a key is needed, as Authorization: Bearer ionfront_…; `ionfront keys add NAME` makes one."
            return RequestError(401, "no key", asked, {"WWW-Authenticate": "Bearer"})
        needed = "movies" if path.startswith("/movies") else "infer"
        if needed not in scopes:
            return RequestError(403, "not allowed", f"this key is not good for {needed}; it has {', '.join(scopes)}.")
        return None


def _problem(error: Exception) -> RequestError:
    if isinstance(error, DATABASE_AWAY):
        return RequestError(
            503, "database away", "the database does not answer just now; come again.", {"Retry-After": "2"}
        )
    return RequestError(500, "broken", "something went wrong in the server; its log says more.")


def _path(scope: Scope) -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))
