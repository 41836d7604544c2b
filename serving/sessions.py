"""Live measurements of this server: a few in memory, all of them in a folder, so that none is lost with the process."""

import hashlib
import logging
import re
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from ionfront.acquisition import Journal, Session, SessionSettings
from ionfront.acquisition.journal import durably
from ionfront.core import IonFrontError, UsageError
from ionfront.models import Segmenter, load_segmenter

from .catalogue import Catalogue
from .metrics import SESSIONS
from .problems import RequestError

__all__ = ["SessionState", "Sessions"]

_log = logging.getLogger(__name__)

SessionState = Literal["open", "closing", "closed"]

_ID = re.compile(r"[0-9a-f]{32}")
_LOOK_S = 15.0
_BUSY_S = 10.0  # a session that was used so lately keeps its place in memory
_PARKED_S = 300.0


@dataclass
class _Held:
    """A session in memory; its lock is never waited for by who holds the lock of all."""

    session: Session | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    used_s: float = field(default_factory=time.monotonic)


class Sessions:
    """All of them.

    Args:
        folder: Where they are kept.
        catalogue: Of the model that new ones begin with; each keeps its own to its end.
        most: How many may be in memory; others go on when their next frame comes.
        idle_s: A session whose last frame came so long ago is closed.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, most: int = 4, idle_s: float = 7200.0) -> None:
        self._folder, self._catalogue, self._most, self._idle_s = folder, catalogue, most, idle_s
        (folder / "models").mkdir(parents=True, exist_ok=True)
        self._held: dict[str, _Held] = {}
        self._lock = threading.RLock()
        self._closing: set[str] = set()
        self._closed: dict[str, Journal] = {}  # these stay as they are
        self._used_s: dict[str, float] = {}  # when an open session was, or was first seen
        self._closer = ThreadPoolExecutor(1, thread_name_prefix="sessions")
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name="sessions", daemon=True).start()

    def begin(self, settings: SessionSettings) -> str:
        """A new session; its id.

        Raises:
            RequestError: Too many are under way (503).
        """
        session_id = uuid.uuid4().hex
        with self._lock:
            self._make_room()
            held = self._held[session_id] = _Held()
        with held.lock:
            try:
                held.session = Session.begin(self._folder / session_id, settings, self._kept_model())
            except BaseException:
                self._let_go(session_id, held)
                raise
        return session_id

    def ids(self) -> list[str]:
        """The newest first."""
        begun: list[tuple[float, str]] = []
        for path in self._folder.iterdir():
            if _ID.fullmatch(path.name):
                with suppress(OSError):  # one that is being forgotten
                    begun.append((path.joinpath("settings.json").stat().st_mtime, path.name))
        return [name for _, name in sorted(begun, reverse=True)]

    def journal(self, session_id: str) -> Journal:
        """What was said in a session, open or closed.

        Raises:
            RequestError: There is none (404).
        """
        held = self._held.get(session_id)
        if held is not None and held.session is not None:
            return held.session.journal
        if not _ID.fullmatch(session_id) or not (self._folder / session_id).is_dir():
            raise RequestError(404, "no such session", f"there is no session {session_id[:80]!r}.")
        if session_id not in self._closed:
            journal = Journal(self._folder / session_id, repair=False)
            if journal.closed is None:
                return journal
            self._closed[session_id] = journal
        return self._closed[session_id]

    def in_memory(self, session_id: str) -> Session | None:
        """A session as it is now, to be read while frames come; None where it is not in memory."""
        held = self._held.get(session_id)
        return None if held is None else held.session

    def state(self, session_id: str) -> SessionState:
        """Whether it goes on."""
        if self.journal(session_id).closed is not None:
            return "closed"
        return "closing" if session_id in self._closing else "open"

    def push(
        self, session_id: str, number: int, frame: NDArray[Any], time_s: float, dose_e_nm2: float | None, missed: int
    ) -> dict[str, Any]:
        """Take a frame; as `Session.push`.

        Raises:
            RequestError: No such session (404), it is over or a frame before this one is missing (409), too many are
                under way (503), the disk is full (507), the frame cannot be used (422).
        """
        with self.used(session_id) as session:
            if number > session.journal.acknowledged:
                told = f"frame {number} came, and {session.journal.acknowledged} is the next: send that one first."
                raise RequestError(409, "frame missing", told)
            return session.push(number, frame, time_s, dose_e_nm2=dose_e_nm2, missed=missed)

    @contextmanager
    def used(self, session_id: str) -> Iterator[Session]:
        """A session, in memory and for nobody else; one that breaks is let go of, to go on from its folder.

        Raises:
            RequestError: As `push`.
        """
        if session_id in self._closing:
            raise RequestError(409, "session closed", "this session is being closed: begin a new one.")
        with self._used(session_id) as session:
            yield session

    def close_soon(self, session_id: str) -> None:
        """Measure all of a session and end it, in the background.

        Raises:
            RequestError: No such session (404).
        """
        if self.state(session_id) == "open":
            self._closing.add(session_id)
            self._closer.submit(self._close, session_id)

    def forget(self, session_id: str) -> None:
        """Delete a session that is closed.

        Raises:
            RequestError: No such session (404), or it goes on (409).
        """
        if self.state(session_id) != "closed":
            raise RequestError(409, "session open", "only a session that is closed can be forgotten: close it first.")
        self._closed.pop(session_id, None)
        shutil.rmtree(self._folder / session_id, ignore_errors=True)

    def close(self) -> None:
        """Let go of all, to be gone on with by the next server."""
        self._ended.set()
        self._closer.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for session_id, held in list(self._held.items()):
                self._park(session_id, held)

    @contextmanager
    def _used(self, session_id: str) -> Iterator[Session]:
        held = self._locked(session_id)
        try:
            held.used_s = self._used_s[session_id] = time.monotonic()
            if held.session is None:
                held.session = self._resumed(session_id)
            yield held.session
        except RequestError:
            raise
        except IonFrontError:
            if held.session is None:
                self._let_go(session_id, held)
            raise
        except OSError as error:
            self._let_go(session_id, held)
            told = f"it could not be written down ({error.strerror}): make room, and send it again."
            raise RequestError(507, "no room", told) from error
        except Exception:
            self._let_go(session_id, held)
            raise
        finally:
            held.lock.release()

    def _locked(self, session_id: str) -> _Held:
        """A session's place in memory, with its lock."""
        while True:
            with self._lock:
                held = self._held.get(session_id)
                if held is None:
                    if self.journal(session_id).closed is not None:
                        raise RequestError(409, "session closed", "this session is closed: begin a new one.")
                    self._make_room()
                    held = self._held[session_id] = _Held()
            held.lock.acquire()
            if self._held.get(session_id) is held:
                return held
            held.lock.release()  # it was parked meanwhile

    def _resumed(self, session_id: str) -> Session:
        journal = Journal(self._folder / session_id)
        _log.info("session %s goes on after %d frames", session_id, journal.acknowledged)
        return Session(journal, self._model(journal.settings["model"]["sha256"]))

    def _make_room(self) -> None:
        """Park the session that was used least lately; whoever calls holds the lock of all."""
        SESSIONS.set(len(self._held))
        if len(self._held) < self._most:
            return
        oldest = min(self._held, key=lambda session_id: self._held[session_id].used_s)
        held = self._held[oldest]
        if time.monotonic() - held.used_s < _BUSY_S or not self._park(oldest, held):
            told = f"{self._most} sessions are under way already; come again when one of them is closed."
            raise RequestError(503, "busy", told, {"Retry-After": "10"})

    def _park(self, session_id: str, held: _Held) -> bool:
        """Let go of a session that nobody uses just now; whether that went."""
        if not held.lock.acquire(blocking=False):
            return False
        try:
            if held.session is not None:
                held.session.leave()
        except OSError as error:  # what was acknowledged is on disk all the same
            _log.warning("session %s has no new checkpoint: %s", session_id, error)
        finally:
            self._let_go(session_id, held)
            held.lock.release()
        return True

    def _let_go(self, session_id: str, held: _Held) -> None:
        session, held.session = held.session, None
        if session is not None:
            session.live.close()
        with self._lock:
            if self._held.get(session_id) is held:
                del self._held[session_id]
            SESSIONS.set(len(self._held))

    def _close(self, session_id: str) -> None:
        try:
            with self._used(session_id) as session:
                session.close()
            self._let_go(session_id, self._held[session_id])
        except Exception:  # it stays open, and is tried again when it has been idle for long
            _log.exception("session %s could not be closed", session_id)
        finally:
            self._closing.discard(session_id)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_S):
            try:
                self._look()
            except Exception:
                _log.exception("sessions could not be looked through")

    def _look(self) -> None:
        """Close what has been idle for long, and park what has been for a while."""
        for session_id in self.ids():
            if self._idle(session_id):
                self.close_soon(session_id)
        with self._lock:
            for session_id, held in list(self._held.items()):
                if session_id not in self._closing and time.monotonic() - held.used_s > _PARKED_S:
                    self._park(session_id, held)

    def _idle(self, session_id: str) -> bool:
        """Whether no frame came for so long; a clock that is set says nothing of it, and a new server counts anew."""
        if self.state(session_id) != "open":
            return False
        now_s, held = time.monotonic(), self._held.get(session_id)
        last_s = self._used_s.setdefault(session_id, now_s)
        return now_s - (last_s if held is None else held.used_s) > self._idle_s

    def _kept_model(self) -> Segmenter:
        """The model that answers now, with a copy of its file for as long as sessions need it."""
        for _ in range(2):
            segmenter = self._catalogue.current.segmenter
            kept = self._folder / "models" / f"{segmenter.sha256}.onnx"
            if kept.exists():
                return segmenter
            content = self._catalogue.path.read_bytes()
            if hashlib.sha256(content).hexdigest() == segmenter.sha256:
                durably(kept, content)
                return segmenter
            self._catalogue.look()  # the file was exchanged since
        raise RequestError(503, "busy", "the model is being exchanged; come again.", {"Retry-After": "5"})

    def _model(self, sha256: str) -> Segmenter:
        if sha256 == self._catalogue.current.segmenter.sha256:
            return self._catalogue.current.segmenter
        for held in list(self._held.values()):
            if held.session is not None and held.session.live.segmenter.sha256 == sha256:
                return held.session.live.segmenter
        kept = self._folder / "models" / f"{sha256}.onnx"
        if not kept.exists():
            raise UsageError(f"the model {sha256[:12]} that this session began with is gone from {kept.parent}.")
        return load_segmenter(kept)
