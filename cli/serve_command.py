"""The command that starts the server: serve."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ionfront.core import MissingExtraError

__all__ = ["serve_command"]


def serve_command(
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than 127.0.0.1 can be reached from outside.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 3000,
    model: Annotated[
        str | None, typer.Option(help="Model file (.onnx), or models:/NAME@champion, which is followed.")
    ] = None,
    kinetics: Annotated[Path | None, typer.Option(help="Kinetics head (.onnx); the bundled one if not given.")] = None,
    look_every_s: Annotated[float, typer.Option(help="Time between looks for a newer model [s].")] = 15.0,
    waiting: Annotated[
        int, typer.Option(min=0, help="Requests that may stand in line before others are sent away.")
    ] = 16,
    timeout_s: Annotated[float, typer.Option(help="How long an answer may take [s].")] = 60.0,
    body_mib: Annotated[float, typer.Option(help="Largest body of a request [MiB].")] = 256.0,
    megapixels: Annotated[float, typer.Option(help="Largest frame [megapixels].")] = 67.2,
    data: Annotated[Path, typer.Option(help="Folder for what must last: jobs, uploads, results.")] = Path(
        "ionfront-server"
    ),
    database: Annotated[
        str | None, typer.Option(help="postgresql+psycopg://USER@HOST/NAME, in place of SQLite.")
    ] = None,
    storage: Annotated[str | None, typer.Option(help="s3://BUCKET/PREFIX, in place of a folder.")] = None,
    root: Annotated[
        list[Path] | None, typer.Option(help="Folder whose movies may be named by path; may be given several times.")
    ] = None,
    upload_gib: Annotated[float, typer.Option(help="Largest movie that may be uploaded [GiB].")] = 64.0,
    queued: Annotated[int, typer.Option(min=1, help="Movies that may wait.")] = 100,
) -> None:
    """Serve the models over HTTP until interrupted; the routes are under /v1, described by /v1/openapi.json."""
    try:
        import bentoml  # noqa: F401

        from ionfront.serving.settings import ServiceSettings
    except ImportError as error:
        raise MissingExtraError(
            f"`ionfront serve` needs {error.name}, which is not installed: pip install 'ionfront[serve]'."
        ) from error
    settings = ServiceSettings(
        model=model,
        kinetics=kinetics,
        look_every_s=look_every_s,
        waiting=waiting,
        timeout_s=timeout_s,
        body_mib=body_mib,
        megapixels=megapixels,
        data=data,
        database=database,
        storage=storage,
        roots=tuple(root or ()),
        upload_gib=upload_gib,
        queued=queued,
    )
    settings.check()
    environment = os.environ | settings.environment() | {"BENTOML_DO_NOT_TRACK": "True"}
    arguments = ["serve", "ionfront.serving.service:IonFront", "--host", host, "--port", str(port)]
    os.execve(sys.executable, [sys.executable, "-m", "bentoml", *arguments], environment)
