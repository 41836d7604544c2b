"""The routes under /v1."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Annotated, Any

import numpy as np
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline

from ionfront.analysis.predict import predict_steps, prediction_record, steps_of_path
from ionfront.core import IonFrontError
from ionfront.datasets import IONS, hosts, material_steps
from ionfront.models.forecast import Forecaster
from ionfront.models.kinetics_head import KineticsHead
from ionfront.models.reaction import Experiment
from ionfront.physics import GEOMETRIES

from .bodies import RAW, Limits, frame_of
from .catalogue import Catalogue
from .decoder import Decoder
from .gate import Gate
from .keys import KeyRing
from .movies import Movies, movie_routes
from .problems import MEDIA_TYPE, RequestError
from .queue import WorkQueue
from .schemas import (
    Arrival,
    ForecastAnswer,
    ForecastRequest,
    ModelRecord,
    PredictAnswer,
    PredictRequest,
    Reaction,
    StepAnswer,
)
from .segmenting import Form, What, segmented
from .session_routes import Frames, session_routes
from .sessions import Sessions

__all__ = ["Serving", "create_app"]

_FRAME_BODY = {
    "requestBody": {
        "required": True,
        "description": "A grey frame: PNG, TIFF or NPY, or raw bytes with the headers X-Shape (1024,1024) and X-Dtype "
        "(<u2), which are the fastest.",
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}}
            for media in (RAW, "image/png", "image/tiff", "application/x-npy")
        },
    },
    "parameters": [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "example": example}
        for name, example in (("X-Shape", "1024,1024"), ("X-Dtype", "<u2"))
    ],
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["status", "title", "detail", "request_id"],
                    "properties": {
                        "status": {"type": "integer"},
                        "title": {"type": "string"},
                        "detail": {"type": "string"},
                        "request_id": {"type": "string"},
                    },
                }
            }
        },
    }
    for status, meaning in (
        (413, "More bytes or pixels than allowed."),
        (415, "A format that is not read."),
        (422, "What came cannot be used; the detail says why."),
        (503, "The line is full; Retry-After says when to come again."),
        (504, "No answer in time."),
    )
}
_NUMBER_PROBLEMS: dict[int | str, dict[str, Any]] = {status: _PROBLEMS[status] for status in (422, 503, 504)}


@dataclass(frozen=True)
class Serving:
    """What routes work with.

    Attributes:
        catalogue: The segmenter that answers.
        head: The kinetics head.
        limits: What a request may ask for.
        decoder: Of pictures.
        frames: The line before the network.
        numbers: The line before predictions and forecasts.
        movies: Jobs.
        sessions: Live measurements.
        keys: Who may ask; None lets everybody.
    """

    catalogue: Catalogue
    head: KineticsHead
    limits: Limits
    decoder: Decoder
    frames: WorkQueue
    numbers: WorkQueue
    movies: Movies
    sessions: Sessions
    keys: KeyRing | None

    @property
    def head_record(self) -> ModelRecord:
        """Which kinetics head answers."""
        return ModelRecord(name=self.head.info.name, version=self.head.info.version, sha256=self.head.sha256)

    def close(self) -> None:
        """Finish what has begun."""
        self.catalogue.close()
        self.frames.close()
        self.sessions.close()
        self.decoder.close()
        self.numbers.close()
        self.movies.close()


def create_app(begin: Callable[[], Serving]) -> FastAPI:
    """The application.

    Args:
        begin: Gives what it works with; called when the server begins, in the process that answers.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.serving = await run_in_threadpool(begin)
        yield
        await run_in_threadpool(app.state.serving.close)

    def serving() -> Serving:
        found: Serving = app.state.serving
        return found

    app = FastAPIOffline(docs_url="/docs", redoc_url=None, title="IonFront", version="1", lifespan=lifespan)
    app.add_middleware(Gate, keys=lambda: serving().keys)
    app.exception_handler(RequestError)(_problem)
    app.exception_handler(IonFrontError)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    _frame_routes(app, serving)
    _number_routes(app, serving)
    app.include_router(movie_routes(lambda: serving().movies))
    return app


def _frame_routes(app: FastAPI, serving: Callable[[], Serving]) -> None:
    async def body_of(request: Request) -> bytes:
        return await _limited_body(request, serving().limits.body_bytes)

    def frames() -> Frames:
        return Frames(serving().sessions, serving().frames, serving().decoder, serving().limits)

    app.include_router(session_routes(frames, body_of, _FRAME_BODY, _PROBLEMS))

    @app.post(
        "/segment",
        summary="Phases of a frame",
        response_class=Response,
        openapi_extra=_FRAME_BODY,
        responses=_PROBLEMS | {200: {"description": "The labels; what they show is in the header X-Result, as JSON."}},
    )
    async def segment(
        request: Request,
        body: Annotated[bytes, Depends(body_of)],
        form: Annotated[Form, Query(description="How the answer's body is written.")] = "png",
        what: Annotated[What, Query(description="Labels, or float16 probabilities (phase, y, x).")] = "labels",
    ) -> Response:
        if what == "probabilities" and form == "png":
            raise RequestError(422, "no such form", "probabilities are no picture: ask for form=npy or form=raw.")
        served, headers = serving().catalogue.current, request.headers
        answer = await serving().frames.run(
            lambda: segmented(served, frame_of(body, headers, serving().limits, serving().decoder), form, what)
        )
        return Response(answer.body, headers=answer.headers)

    @app.get("/models", summary="The models that answer")
    async def models() -> dict[str, object]:
        current = serving().catalogue.current
        return {
            "segmenter": {
                **current.record.model_dump(),
                "source": current.source,
                "phases": current.segmenter.info.phases,
                "licence": current.segmenter.info.licence,
                "summary": current.segmenter.info.training_summary,
                "last_error": serving().catalogue.last_error,
            },
            "kinetics": {**serving().head_record.model_dump(), "summary": serving().head.info.training_summary},
        }


def _number_routes(app: FastAPI, serving: Callable[[], Serving]) -> None:
    @app.get("/materials", summary="Hosts with the ions that they are known to react with, and geometries")
    def materials() -> dict[str, Any]:
        known = {host: [ion for ion in IONS if material_steps(host, ion)] for host in hosts()}
        return {"hosts": known, "geometries": list(GEOMETRIES)}

    @app.post(
        "/kinetics/predict",
        summary="What to expect of reactions",
        response_model=PredictAnswer,
        responses=_NUMBER_PROBLEMS,
    )
    async def predict(asked: PredictRequest) -> PredictAnswer:
        return await serving().numbers.run(lambda: _predicted(asked, serving()))

    @app.post(
        "/kinetics/forecast",
        summary="When a front under way comes to places",
        response_model=ForecastAnswer,
        responses=_NUMBER_PROBLEMS,
    )
    async def forecast(asked: ForecastRequest) -> ForecastAnswer:
        return await serving().numbers.run(lambda: _forecast(asked, serving()))


def _predicted(asked: PredictRequest, serving: Serving) -> PredictAnswer:
    names = StepAnswer.model_fields.keys()
    paths = [steps_of_path(r.host, [r.ion], _experiment(r), as_seen=r.geometry is None) for r in asked.reactions]
    together = iter(prediction_record(predict_steps(list(chain(*paths)), serving.head)))
    answers = [[{name: step[name] for name in names} for step in islice(together, len(path))] for path in paths]
    return PredictAnswer.model_validate({"model": serving.head_record, "reactions": answers})


def _forecast(asked: ForecastRequest, serving: Serving) -> ForecastAnswer:
    steps = material_steps(asked.host, asked.ion)
    if asked.step > len(steps):
        raise RequestError(422, "no such step", f"{asked.host} reacts with {asked.ion} in {len(steps)} steps.")
    forecaster = Forecaster(serving.head, [steps[asked.step - 1]], _experiment(asked))
    position = np.array([np.nan if x is None else x for x in asked.position_nm], float)
    said = forecaster.forecast(
        np.array(asked.time_s, float), position, asked.places_nm, error_nm=asked.error_nm, start_s=asked.start_s
    )
    forecasts = zip(asked.places_nm, said.time_s.tolist(), said.reached.tolist(), strict=True)
    arrivals = tuple(Arrival.forecast(place, when, chance) for place, when, chance in forecasts)
    return ForecastAnswer(model=serving.head_record, arrivals=arrivals)


def _experiment(asked: Reaction) -> Experiment:
    return Experiment(asked.geometry or "flake", asked.size_nm, asked.bias_v, asked.temperature_k, asked.contact_ohm_m2)


async def _limited_body(request: Request, most: int) -> bytes:
    """The body, as long as it is no longer than allowed; what it claims is believed only where it is too much."""
    too_much = RequestError(413, "body too large", f"bodies may have up to {most} bytes.")
    if int(request.headers.get("content-length") or 0) > most:
        raise too_much
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_much
    return bytes(body)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return JSONResponse(error.body(request.state.id), error.status, error.headers, MEDIA_TYPE)


async def _refused(request: Request, error: Exception) -> Response:
    """What a room below refuses, the client can mend."""
    return await _problem(request, RequestError(422, "refused", str(error)))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return await _problem(request, RequestError(422, "invalid request", f"{place}: {first['msg']}."))
