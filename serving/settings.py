"""How a service is set up, handed from the command to the server's process through one environment variable."""

import json
import logging
import os
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ionfront.core import MissingExtraError, UsageError
from ionfront.models.info import read_info
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.shipped import bundled_segmenter

from .app import Serving
from .bodies import Limits
from .catalogue import Catalogue, Fetch
from .decoder import Decoder
from .files import FileStore
from .jobs import JobRunner
from .keys import KeyRing
from .movies import Movies
from .queue import WorkQueue
from .sessions import Sessions
from .store import Store

__all__ = ["ServiceSettings"]

_log = logging.getLogger(__name__)

_VARIABLE = "IONFRONT_SERVICE"


class ServiceSettings(BaseModel):
    """Every setting has a default that works on one machine.

    Attributes:
        model: Model file, or models:/NAME@ALIAS, which is followed; None is the bundled one.
        kinetics: Kinetics head; None is the bundled one.
        look_every_s: Time between looks for a newer model.
        waiting: Requests that may stand in line before the network; as many again before predictions.
        timeout_s: How long an answer may take.
        body_mib: Largest body [MiB].
        megapixels: Largest frame.
        data: Folder for what must last; made where it is not.
        database: SQLAlchemy's address of the jobs; None is a SQLite file in the folder.
        storage: fsspec's address of uploads and results; None is a folder in the folder.
        roots: Folders whose movies may be named by path.
        upload_gib: Largest movie that may be uploaded [GiB].
        queued: Movies that may wait.
        sessions: Live measurements that may be under way at once.
        idle_minutes: After how long without a frame one is closed.
        keys_needed: Whether only who has a key is answered.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = None
    kinetics: Path | None = None
    look_every_s: float = Field(default=15.0, gt=0)
    waiting: int = Field(default=16, ge=0)
    timeout_s: float = Field(default=60.0, gt=0)
    body_mib: float = Field(default=256.0, gt=0)
    megapixels: float = Field(default=67.2, gt=0)
    data: Path = Path("ionfront-server")
    database: str | None = None
    storage: str | None = None
    roots: tuple[Path, ...] = ()
    upload_gib: float = Field(default=64.0, gt=0)
    queued: int = Field(default=100, ge=1)
    sessions: int = Field(default=4, ge=1)
    idle_minutes: float = Field(default=120.0, gt=0)
    keys_needed: bool = True

    @classmethod
    def from_environment(cls) -> "ServiceSettings":
        """What `environment` put there, or the defaults.

        Raises:
            UsageError: The variable holds something else.
        """
        try:
            return cls.model_validate_json(os.environ.get(_VARIABLE) or "{}")
        except ValidationError as error:
            raise UsageError(f"{_VARIABLE} does not hold settings of the service: {error}") from error

    def check(self) -> None:
        """See that the models can be had, before a server is started that cannot answer.

        Raises:
            IonFrontError: They cannot.
        """
        read_info(self._fetch()())
        load_kinetics_head(self.kinetics)

    def environment(self) -> dict[str, str]:
        """For the server's process."""
        return {_VARIABLE: self.model_dump_json()}

    def store(self) -> Store:
        """The database, made where it is not."""
        self.data.mkdir(parents=True, exist_ok=True)
        return Store(self.database or f"sqlite:///{self.data.resolve() / 'state.db'}")

    def serving(self) -> Serving:
        """Load all of it."""
        _log.info(json.dumps({"serving": "begins", "pid": os.getpid(), "model": self.model or "bundled"}))
        store = self.store()
        catalogue = Catalogue(self._fetch(), self.model or "bundled", self.look_every_s if self.model else None)
        return Serving(
            catalogue=catalogue,
            head=load_kinetics_head(self.kinetics),
            limits=Limits(body_bytes=int(self.body_mib * 2**20), pixels=int(self.megapixels * 1e6)),
            decoder=Decoder(),
            frames=WorkQueue(self.waiting, self.timeout_s, "frames"),
            numbers=WorkQueue(self.waiting, self.timeout_s, "numbers"),
            movies=self._movies(store, catalogue),
            sessions=Sessions(self.data.resolve() / "sessions", catalogue, self.sessions, 60 * self.idle_minutes),
            keys=KeyRing(store) if self.keys_needed else None,
        )

    def _movies(self, store: Store, catalogue: Catalogue) -> Movies:
        files = FileStore(self.storage or str(self.data.resolve() / "files"))
        return Movies(
            store=store,
            files=files,
            runner=JobRunner(store, files, lambda: catalogue.path),
            roots=tuple(root.resolve() for root in self.roots),
            upload_bytes=int(self.upload_gib * 2**30),
            queued=self.queued,
        )

    def _fetch(self) -> Fetch:
        if self.model is None:
            return bundled_segmenter
        if not self.model.startswith("models:/"):
            return partial(Path, self.model)
        try:
            from ionfront.training.registry import follow_model
        except ImportError as error:
            raise MissingExtraError(
                f"{self.model} is in a registry, for which {error.name} is missing: pip install 'ionfront[train]'."
            ) from error
        return follow_model(self.model, self.data.resolve() / "models")
