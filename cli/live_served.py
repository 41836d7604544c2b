"""A live measurement that a server makes, whose page then shows it, where a command would make its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import ArrayLike

from ionfront.acquisition import RESULT_FILES, Decision, SessionSettings
from ionfront.acquisition.journal import durably
from ionfront.core import IonFrontError, MovieError, ServerError, UsageError, atomic_output
from ionfront.serving.client import Client, ServiceError

__all__ = ["ClosedThereError", "Measurement", "ServedSession", "server_client"]

_WHERE = "server.json"
_OF_NO_USE = (413, 415, 422)  # of a frame that is too large, or none


class ClosedThereError(ServerError):
    """Somebody ended the measurement at the server, on its page perhaps."""


class Measurement(Protocol):
    """What a command needs of `Session`, and finds in `ServedSession`."""

    settings: SessionSettings
    decided: tuple[Decision, ...]

    @property
    def frames(self) -> int:
        """How many were acknowledged."""

    @property
    def passed(self) -> int:
        """How many have come by, with those that did not get as far."""

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """All that were made so far."""

    def push(
        self, number: int, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0
    ) -> dict[str, Any]:
        """As `Session.push`."""

    def close(self) -> str:
        """As `Session.close`."""

    def leave(self) -> None:
        """As `Session.leave`."""


class ServedSession:
    """As `Session` is, with results in a folder at the end.

    Args:
        client: Of the server.
        out: The folder, as `begin` made it.

    Raises:
        ServerError: The server is out of reach, or knows nothing of it.
        UsageError: The folder belongs to no measurement of this server, or that is over.
    """

    def __init__(self, client: Client, out: Path) -> None:
        try:
            where = json.loads((out / _WHERE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{out} holds no measurement that a server makes ({error}).") from error
        with _told():
            self._session = client.session(where["session"])
            told = self._session.state()
        if told["state"] != "open":
            raise UsageError(f"{out} is closed: begin a new session.")
        self.settings = SessionSettings.read(told["settings"] | {"zero_s": where["zero_s"]})
        self.decided: tuple[Decision, ...] = ()
        self._out = out
        self._decisions = list(told["fired"])
        self._missed = 0 if told["last"] is None else int(told["last"]["state"]["missed"])

    @classmethod
    def begin(cls, client: Client, out: Path, settings: SessionSettings) -> "ServedSession":
        """A new one, in a folder that is not there yet."""
        asked = settings.record()
        zero_s = asked.pop("zero_s")
        with atomic_output(out) as draft:
            draft.mkdir()
            with _told():
                session = client.begin_session(**asked.pop("material"), **asked)
            durably(draft / _WHERE, json.dumps({"session": session.id, "zero_s": zero_s}).encode())
        return cls(client, out)

    @property
    def frames(self) -> int:
        """How many were acknowledged."""
        return self._session.frames

    @property
    def passed(self) -> int:
        """How many have come by, with those that did not get as far."""
        return self.frames + self._missed

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """All that were made so far."""
        return self._decisions

    def push(
        self, number: int, frame: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0
    ) -> dict[str, Any]:
        """As `Session.push`; a server that is away is waited for a minute.

        Raises:
            MovieError: The frame cannot be used. Nothing has changed then.
            UsageError: A frame before it is missing. Likewise.
            ClosedThereError: It was ended at the server.
            ServerError: There was no answer, or the session cannot go on.
        """
        if number < self.frames:
            with _told():
                return self._session.answers(number, 1)[0]
        if number > self.frames:
            raise UsageError(f"frame {number} came, and {self.frames} is the next: send that one first.")
        with _told(MovieError):
            answer = self._session.push(frame, time_s, dose_e_nm2=dose_e_nm2, missed=missed)
        self.decided = tuple(Decision.read(made) for made in answer["decisions"])
        self._decisions += answer["decisions"]
        self._missed = int(answer["state"]["missed"])
        return answer

    def close(self) -> str:
        """Wait until all of it is measured, and fetch `RESULT_FILES`.

        Returns:
            What kept it from being measured; empty where nothing did.
        """
        with _told():
            told = self._session.close()
            for name in RESULT_FILES:
                if name in told["files"]:
                    durably(self._out / name, self._session.file(name))
        return str(told["why"])

    def leave(self) -> None:
        """The server keeps it, to be gone on with."""


@contextmanager
def server_client(address: str | None, key: str | None) -> Iterator[Client | None]:
    """A client of the server; None where none is asked for.

    Raises:
        UsageError: It is no address.
    """
    if address is None:
        yield None
        return
    try:
        client = Client(address, key)
    except ValueError as error:
        raise UsageError(f"--server: {error}.") from error
    with client:
        yield client


@contextmanager
def _told(refused: type[IonFrontError] = ServerError) -> Iterator[None]:
    """Errors of this program for those of the client; `refused` where what was sent is of no use."""
    try:
        yield
    except ServiceError as error:
        kind: type[IonFrontError] = refused if error.status in _OF_NO_USE else ServerError
        if (error.status, error.title) == (409, "session closed"):
            kind = ClosedThereError
        raise kind(f"the server says: {error}") from error
