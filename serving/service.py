"""The BentoML service: `bentoml serve ionfront.serving.service:IonFront`, or `ionfront serve`."""

import logging
import os

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")  # before bentoml is imported: nothing phones home

import bentoml

from .app import Serving, create_app
from .orphan import end_with_parent
from .page_routes import create_page
from .settings import ServiceSettings

__all__ = ["IonFront"]

_log = logging.getLogger("ionfront")
_log.addHandler(logging.StreamHandler())
_log.setLevel(logging.INFO)
_log.propagate = False


def _begin() -> Serving:
    """In the process that answers, and in no other that imports this module."""
    end_with_parent()
    return ServiceSettings.from_environment().serving()


app = create_app(_begin)


@bentoml.service(
    name="ionfront",
    workers=1,
    traffic={"timeout": 3600},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},  # each span would stay in memory: 5 kB a request
)
@bentoml.asgi_app(app, path="/v1")
@bentoml.asgi_app(create_page(), path="/")
class IonFront:
    """Phases, kinetics and forecasts over HTTP; the routes are those of `app.py`."""
