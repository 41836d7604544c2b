"""The BentoML service: `bentoml serve ionfront.serving.service:IonFront`, or `ionfront serve`."""

import os

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")  # before bentoml is imported: nothing phones home

import bentoml

from .app import create_app
from .page_routes import create_page
from .settings import ServiceSettings

__all__ = ["IonFront"]

app = create_app(ServiceSettings.from_environment().serving())


@bentoml.service(name="ionfront", workers=1, traffic={"timeout": 3600})
@bentoml.asgi_app(app, path="/v1")
@bentoml.asgi_app(create_page(), path="/")
class IonFront:
    """Phases, kinetics and forecasts over HTTP; the routes are those of `app.py`."""
