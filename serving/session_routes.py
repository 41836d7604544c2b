"""The routes of live measurements: frames in one by one, or as a stream; where the fronts are out."""

import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse
from numpy.typing import NDArray
from pydantic import ValidationError

from ionfront.acquisition import RESULT_FILES, FrontSeen, Journal, Look
from ionfront.analysis.clip import tinted_frame
from ionfront.core import IonFrontError

from .bodies import Limits, frame_of
from .decoder import Decoder
from .metrics import count_frame
from .movies import MEDIA
from .problems import RequestError
from .queue import WorkQueue
from .schemas import (
    Arrival,
    FrameAnswer,
    FrameQuery,
    FrontCourse,
    LookAnswer,
    ModelRecord,
    SessionAnswer,
    SessionRequest,
)
from .sessions import Sessions

__all__ = ["Frames", "session_routes"]

_LARGEST_SIDE_PX = 512
_LONGEST_HEAD = 10_000  # bytes


@dataclass(frozen=True)
class Frames:
    """What frames pass on their way.

    Attributes:
        sessions: Where they go.
        line: The line before the network.
        decoder: Of pictures.
        limits: What a frame may be.
    """

    sessions: Sessions
    line: WorkQueue
    decoder: Decoder
    limits: Limits

    async def push(self, session_id: str, asked: FrameQuery, frame: Callable[[], NDArray[Any]]) -> FrameAnswer:
        """A frame's answer; the frame is decoded in its turn."""
        answer = await self.line.run(
            lambda: self.sessions.push(session_id, asked.number, frame(), asked.time_s, asked.dose_e_nm2, asked.missed)
        )
        count_frame(answer["state"]["foreign"])
        return FrameAnswer.model_validate(answer)


def session_routes(
    frames: Callable[[], Frames],
    body_of: Callable[[Request], Awaitable[bytes]],
    frame_body: dict[str, Any],
    problems: dict[int | str, dict[str, Any]],
) -> APIRouter:
    """Routes under /sessions.

    Args:
        frames: What they work with.
        body_of: Takes the body of a request, within limits.
        frame_body: How a frame comes, for the OpenAPI document.
        problems: What may go wrong with it, likewise.
    """
    routes = APIRouter(prefix="/sessions", tags=["sessions"])

    @routes.post("", summary="Begin a live measurement", status_code=201)
    def begin(asked: SessionRequest) -> SessionAnswer:
        return _answer(frames().sessions, frames().sessions.begin(asked.settings()))

    @routes.get("", summary="The newest live measurements")
    def sessions(most: Annotated[int, Query(ge=1, le=200)] = 20) -> list[SessionAnswer]:
        return [_answer(frames().sessions, session_id) for session_id in frames().sessions.ids()[:most]]

    @routes.get("/{session_id}", summary="How far one is, and what was decided")
    def session(session_id: str) -> SessionAnswer:
        return _answer(frames().sessions, session_id)

    @routes.post("/{session_id}/frames", summary="The next frame", openapi_extra=frame_body, responses=problems)
    async def push(
        session_id: str,
        request: Request,
        asked: Annotated[FrameQuery, Query()],
        body: Annotated[bytes, Depends(body_of)],
    ) -> FrameAnswer:
        now, headers = frames(), request.headers
        return await now.push(session_id, asked, lambda: frame_of(body, headers, now.limits, now.decoder, blank=True))

    @routes.get("/{session_id}/frames", summary="What was said of frames")
    def answers(
        session_id: str,
        first: Annotated[int, Query(ge=0)] = 0,
        most: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> list[FrameAnswer]:
        said = frames().sessions.journal(session_id).answers(first, most)
        return [FrameAnswer.model_validate(answer) for answer in said]

    @routes.get("/{session_id}/look", summary="Courses of the fronts, with laws and forecasts")
    def look(session_id: str) -> LookAnswer:
        journal = frames().sessions.journal(session_id)
        unit = "nm" if journal.settings["session"]["pixel_size_nm"] is not None else "px"
        session = frames().sessions.in_memory(session_id)
        newest = None if session is None else session.live.look
        return _look(newest, unit)

    @routes.get("/{session_id}/picture", summary="The newest frame, tinted by phase", response_class=Response)
    def picture(session_id: str) -> Response:
        """WebP; nothing (204) while no frame of it is in memory."""
        frames().sessions.journal(session_id)
        session = frames().sessions.in_memory(session_id)
        live = None if session is None else session.live
        if live is None or live.image is None or live.labels is None:
            return Response(status_code=204)
        image, labels = live.image, live.labels
        step = -(-max(image.shape) // _LARGEST_SIDE_PX)
        stream = io.BytesIO()
        scheme = live.segmenter.info.scheme
        tinted_frame(image[::step, ::step], labels[::step, ::step], scheme).save(stream, "WEBP", quality=80)
        return Response(stream.getvalue(), media_type="image/webp", headers={"Cache-Control": "no-store"})

    @routes.get("/{session_id}/arrival", summary="When each step reached each pixel so far", response_class=Response)
    async def arrival(session_id: str) -> Response:
        """NPY, float32 (step, y, x) in s, NaN where not reached; names of the steps in the header X-Result."""
        now = frames()
        planes = await now.line.run(lambda: _arrival(now.sessions, session_id))
        stream = io.BytesIO()
        np.save(stream, np.array(list(planes.values()), np.float32), allow_pickle=False)
        headers = {"X-Result": json.dumps({"steps": list(planes)})}
        return Response(stream.getvalue(), media_type="application/x-npy", headers=headers)

    @routes.post("/{session_id}/close", summary="End it, and measure all of it", status_code=202)
    def close(session_id: str) -> SessionAnswer:
        frames().sessions.close_soon(session_id)
        return _answer(frames().sessions, session_id)

    @routes.get("/{session_id}/files/{name}", summary="A result of a closed one, such as kinetics.json")
    def file(session_id: str, name: str) -> FileResponse:
        journal = frames().sessions.journal(session_id)
        path = journal.folder / name
        if name not in RESULT_FILES or journal.closed is None or not path.is_file():
            raise RequestError(404, "no such file", f"session {session_id} has no file {name[:80]!r}.")
        return FileResponse(path, media_type=MEDIA[Path(name).suffix])

    @routes.delete("/{session_id}", summary="Forget a closed one")
    def forget(session_id: str) -> SessionAnswer:
        answer = _answer(frames().sessions, session_id)
        frames().sessions.forget(session_id)
        return answer

    @routes.websocket("/{session_id}/stream")
    async def stream(socket: WebSocket, session_id: str) -> None:
        """A line of JSON with a frame's fields and its bytes in one message; a text for each, or a problem."""
        await socket.accept()
        try:
            while True:
                await socket.send_text(await _streamed(frames(), session_id, socket))
        except WebSocketDisconnect:
            pass

    return routes


async def _streamed(now: Frames, session_id: str, socket: WebSocket) -> str:
    message = await socket.receive_bytes()
    end = max(message.find(b"\n", 0, _LONGEST_HEAD), 0)
    body = message[end + 1 :]
    try:
        fields = json.loads(message[:end])
        headers = {f"x-{name}": str(fields.pop(name)) for name in ("shape", "dtype") if name in fields}
        asked = FrameQuery.model_validate(fields)
        answer = await now.push(session_id, asked, lambda: frame_of(body, headers, now.limits, now.decoder, blank=True))
        return answer.model_dump_json()
    except RequestError as error:
        return json.dumps({"problem": error.body("")})
    except (IonFrontError, ValueError, AttributeError, ValidationError) as error:
        return json.dumps({"problem": RequestError(422, "refused", str(error)).body("")})


def _arrival(sessions: Sessions, session_id: str) -> dict[str, NDArray[np.float32]]:
    with sessions.used(session_id) as session:
        planes = session.live.arrival_s()
    if not planes:
        raise RequestError(404, "no frame", "no frame of this session was analysed yet.")
    return planes


def _answer(sessions: Sessions, session_id: str) -> SessionAnswer:
    journal = sessions.journal(session_id)
    state, settings = sessions.state(session_id), journal.settings
    return SessionAnswer(
        id=session_id,
        name=settings["session"]["name"],
        state=state,
        why=(journal.closed or {}).get("why", ""),
        created_s=settings["created_s"],
        frames=journal.acknowledged,
        model=ModelRecord.model_validate(settings["model"]),
        phases=tuple(settings["phases"]),
        tints=settings["tints"],
        settings=settings["session"],
        last=journal.answer(journal.acknowledged - 1) if journal.acknowledged else None,
        fired=tuple(journal.decisions),
        files=_files(journal) if state == "closed" else (),
    )


def _files(journal: Journal) -> tuple[str, ...]:
    return tuple(name for name in RESULT_FILES if (journal.folder / name).is_file())


def _look(newest: Look | None, unit: str) -> LookAnswer:
    courses = () if newest is None else tuple(_course(front) for front in newest.fronts)
    return LookAnswer.model_validate(
        {"looked_s": None if newest is None else newest.time_s, "length_unit": unit, "fronts": courses}
    )


def _course(front: FrontSeen) -> FrontCourse:
    ahead = [Arrival.forecast(place, when, chance) for place, *when, chance in front.ahead.tolist()]
    return FrontCourse.model_validate(
        {
            "before": front.transition.before,
            "after": front.transition.after,
            "particle": front.particle,
            "depth": front.depth,
            "time_s": front.time_s.tolist(),
            "position": front.position.tolist(),
            "fitted": [value if np.isfinite(value) else None for value in front.fitted.tolist()],
            "ahead": ahead,
        }
    )
