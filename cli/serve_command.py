"""The commands of the server: serve, keys."""

import hashlib
import ipaddress
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ionfront.core import MissingExtraError, UsageError

from .console import known_name, say

if TYPE_CHECKING:
    from ionfront.serving.settings import ServiceSettings

__all__ = ["keys_app", "serve_command"]

keys_app = typer.Typer(help="Keys to the server.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder for what must last: jobs, uploads, results, keys.")]
Database = Annotated[
    str | None, typer.Option(help="postgresql+psycopg://USER@HOST/NAME, instead of SQLite in that folder.")
]
_DATA = Path("ionfront-server")


def serve_command(
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than 127.0.0.1 can be reached from outside.")
    ] = "127.0.0.1",
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
    data: Data = _DATA,
    database: Database = None,
    storage: Annotated[str | None, typer.Option(help="s3://BUCKET/PREFIX, in place of a folder.")] = None,
    root: Annotated[
        list[Path] | None, typer.Option(help="Folder whose movies may be named by path; may be given several times.")
    ] = None,
    upload_gib: Annotated[float, typer.Option(help="Largest movie that may be uploaded [GiB].")] = 64.0,
    queued: Annotated[int, typer.Option(min=1, help="Movies that may wait.")] = 100,
    sessions: Annotated[int, typer.Option(min=1, help="Live measurements that may be under way at once.")] = 4,
    idle_minutes: Annotated[float, typer.Option(help="A session without a frame for so long is closed [min].")] = 120.0,
    keys: Annotated[
        bool | None,
        typer.Option("--keys/--no-keys", help="Answer only who has a key; so by default unless at 127.0.0.1."),
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="TLS certificate, PEM.")] = None,
    private_key: Annotated[Path | None, typer.Option(help="Its private key, PEM.")] = None,
) -> None:
    """Serve the models over HTTP until interrupted; the routes are under /v1, described by /v1/openapi.json."""
    if (certificate is None) != (private_key is None):
        raise UsageError("TLS needs --certificate and --private-key: give both, or neither.")
    settings = _service_settings()(
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
        sessions=sessions,
        idle_minutes=idle_minutes,
        keys_needed=not _is_loopback(host) if keys is None else keys,
    )
    settings.check()
    home = {"BENTOML_HOME": str(_home(data.resolve())), "BENTOML_DO_NOT_TRACK": "True"}
    environment = home | os.environ | settings.environment()
    arguments = ["serve", "ionfront.serving.service:IonFront", "--host", host, "--port", str(port)]
    if certificate is not None and private_key is not None:
        arguments += ["--ssl-certfile", str(certificate), "--ssl-keyfile", str(private_key)]
    os.execve(sys.executable, [sys.executable, "-m", "bentoml", *arguments], environment)


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    scope: Annotated[list[str] | None, typer.Option(help="infer or movies; both if not given.")] = None,
    data: Data = _DATA,
    database: Database = None,
) -> None:
    """Make a key. It is told this once, and kept as a digest."""
    from ionfront.serving.keys import SCOPES, KeyRing

    scopes = [known_name("scope", one, SCOPES) for one in scope or SCOPES]
    say(KeyRing(_settings(data, database).store()).add(name, scopes))


@keys_app.command("list")
def list_keys(data: Data = _DATA, database: Database = None) -> None:
    """Which keys there are."""
    for key in _settings(data, database).store().all_keys():
        made = time.strftime("%Y-%m-%d", time.localtime(key.created_s))
        say(f"{key.id}  {made}  {key.scopes}  {key.name}{'  revoked' if key.revoked else ''}")


@keys_app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="As `list` shows it.")], data: Data = _DATA, database: Database = None
) -> None:
    """Make a key good for nothing, within ten seconds."""
    if not _settings(data, database).store().revoke(key_id):
        raise UsageError(f"there is no key '{key_id}'; `ionfront keys list` shows them.")


def _home(data: Path) -> Path:
    """A folder of BentoML's own for each server: those that share one delete each other's metrics when they begin.

    Metrics are files mapped into memory, and who writes to one while the disk is full is ended on the spot; so they lie
    where no disk is, if there is such a place.
    """
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        return data / "bentoml"
    home = memory / f"ionfront-{os.getuid()}-{hashlib.sha256(str(data).encode()).hexdigest()[:16]}"
    home.mkdir(mode=0o700, exist_ok=True)
    return home if home.stat().st_uid == os.getuid() and not home.is_symlink() else data / "bentoml"


def _settings(data: Path, database: str | None) -> "ServiceSettings":
    return _service_settings()(data=data, database=database)


def _service_settings() -> "type[ServiceSettings]":
    try:
        import bentoml  # noqa: F401

        from ionfront.serving.settings import ServiceSettings
    except ImportError as error:
        raise MissingExtraError(
            f"the server needs {error.name}, which is not installed: pip install 'ionfront[serve]'."
        ) from error
    return ServiceSettings


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
