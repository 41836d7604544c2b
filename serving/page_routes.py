"""The page at /, for a person at the microscope; it is a client like any other, and loads nothing from elsewhere."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["create_page"]

_FOLDER = Path(__file__).parent / "page"
_POLICY = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"


def create_page() -> Starlette:
    """The page and its files."""
    return Starlette(
        routes=[Route("/", _index), Mount("/page", StaticFiles(directory=_FOLDER))], middleware=[Middleware(_Guarded)]
    )


async def _index(_request: Request) -> Response:
    return FileResponse(_FOLDER / "index.html")


class _Guarded:
    """Headers that let the page load nothing but its own, and nobody frame it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = (("Content-Security-Policy", _POLICY), ("X-Content-Type-Options", "nosniff"))
                message["headers"] = [*message["headers"], *((n.lower().encode(), v.encode()) for n, v in headers)]
            await send(message)

        await self._app(scope, receive, guarded)
