"""The models that answer: a file, or whatever a registry's alias points at, exchanged while requests go on."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ionfront.core import IonFrontError
from ionfront.models import Segmenter, load_segmenter

from .metrics import MODEL
from .schemas import ModelRecord

__all__ = ["Catalogue", "Served"]

_log = logging.getLogger(__name__)

Fetch = Callable[[], Path]


@dataclass(frozen=True)
class Served:
    """A model that answers.

    Attributes:
        segmenter: Ready for frames.
        source: Where it is from: a file's path or a registry's address.
    """

    segmenter: Segmenter
    source: str

    @property
    def record(self) -> ModelRecord:
        """Which model this is, as every answer says."""
        info = self.segmenter.info
        return ModelRecord(name=info.name, version=info.version, sha256=self.segmenter.sha256)


class Catalogue:
    """Holds the current segmenter, and looks now and then whether there is a newer one.

    A file that cannot be loaded changes nothing: the old model goes on answering, and what was wrong is in the log and
    in `last_error`.

    Args:
        fetch: Gives the file to load; called again at each look.
        source: What to call where it is from.
        every_s: Time between looks; None never looks again.

    Raises:
        IonFrontError: The first file cannot be loaded.
    """

    def __init__(self, fetch: Fetch, source: str, every_s: float | None = None) -> None:
        self._fetch, self._source = fetch, source
        self._stamp = self._stamped(fetch())
        self._served = self._announced(Served(load_segmenter(self._stamp[0]), source))
        self.last_error = ""
        self._closed = threading.Event()
        if every_s is not None:
            threading.Thread(target=self._watch, args=(every_s,), name="catalogue", daemon=True).start()

    @property
    def current(self) -> Served:
        """The model that answers now; take it once for each request."""
        return self._served

    @property
    def path(self) -> Path:
        """The file that it was loaded from, or that has taken its place since."""
        return self._stamp[0]

    def look(self) -> bool:
        """Load the model anew if its file is another; returns whether there is a new one."""
        try:
            stamp = self._stamped(self._fetch())
            if stamp == self._stamp:
                return False
            segmenter = load_segmenter(stamp[0])
        except (IonFrontError, OSError) as error:
            self.last_error = str(error)
            _log.warning("the model of %s stays: %s", self._source, error)
            return False
        self._stamp, self.last_error = stamp, ""
        if segmenter.sha256 == self._served.segmenter.sha256:
            return False
        MODEL.labels(**self._served.record.model_dump()).set(0)
        self._served = self._announced(Served(segmenter, self._source))
        _log.info("%s %s answers from now on", segmenter.info.name, segmenter.info.version)
        return True

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def _watch(self, every_s: float) -> None:
        while not self._closed.wait(every_s):
            try:
                self.look()
            except Exception as error:  # whatever a registry that is away may raise: the model stays, and looks go on
                self.last_error = f"{type(error).__name__}: {error}"
                _log.exception("the model of %s stays", self._source)

    @staticmethod
    def _announced(served: Served) -> Served:
        MODEL.labels(**served.record.model_dump()).set(1)
        return served

    @staticmethod
    def _stamped(path: Path) -> tuple[Path, int, int]:
        status = path.stat()
        return path, status.st_mtime_ns, status.st_size
