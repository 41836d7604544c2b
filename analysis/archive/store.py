"""Where an archive lies: results by what they are of, and a register of runs.

    archive.sqlite        which runs there are, what is known of them, and what became of each
    models/SHA256.onnx    the models that measured
    results/KK/KEY/       what `ionfront analyze` writes, and run.json; complete or not there
    kinetics.parquet      a row for each transition of each run
    index.html            an overview

A key is the digest of a movie's content, the model and the settings: what was measured once is never measured again.
"""

import fcntl
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ionfront.core import IonFrontError, UsageError, atomic_output
from ionfront.models import Precision

from .runs import Run

__all__ = ["Archive", "Entry", "NoRoomError", "Settings"]

_RESULTS = 1
"""Raised when `analyze` comes to other numbers than before, so that archives are measured anew."""

_REGISTER = "archive.sqlite"
_TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    source TEXT PRIMARY KEY, about TEXT NOT NULL, stamp TEXT, content TEXT, key TEXT, error TEXT NOT NULL DEFAULT '',
    lasting INTEGER NOT NULL DEFAULT 0
)
"""


class NoRoomError(IonFrontError):
    """The disk of the archive is full; what was measured is kept."""


@dataclass(frozen=True)
class Settings:
    """How movies are measured; as `analyze` has them.

    Attributes:
        model: SHA-256 of the model's file.
        precision: Arithmetic on the CPU.
    """

    model: str
    precision: Precision = "f32"
    average_frames: int | None = None
    binning: int = 1
    skip_unchanged: bool = False

    def key(self, run: Run, content: str) -> str:
        """What the results of this content are kept under."""
        about = {name: run.about.get(name) for name in ("pixel_size_nm", "frame_time_s", "host", "ion")}
        told = {"results": _RESULTS, "content": content, "settings": asdict(self), "about": about}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """A run as the register has it.

    Attributes:
        stamp: As `stamp_of` found it when `content` was read; None before.
        key: Of its results; None before its content was read.
        error: Why there are none; empty where there are, or nobody tried.
        lasting: Whether trying again would end the same way.
    """

    run: Run
    stamp: str | None = None
    content: str | None = None
    key: str | None = None
    error: str = ""
    lasting: bool = False


class Archive:
    """A folder with an archive, new or not; nobody else may change it while it is held.

    Args:
        folder: It.

    Raises:
        UsageError: The folder holds something else, or another process holds it.
        OSError: It cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if self.folder.exists() and not (self.folder / _REGISTER).exists() and any(self.folder.iterdir()):
            raise UsageError(f"{folder} holds something else than an archive: choose another folder for --out.")
        for name in ("models", "results"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._register = sqlite3.connect(self.folder / _REGISTER, isolation_level=None)
        self._written(self._register.execute, _TABLE)

    @classmethod
    def existing(cls, folder: Path) -> "Archive":
        """One that is there.

        Raises:
            UsageError: There is none.
        """
        if not (folder / _REGISTER).is_file():
            raise UsageError(f"{folder} is no archive of `ionfront batch`.")
        return cls(folder)

    @contextmanager
    def held(self) -> Iterator[None]:
        """While it lasts nobody else may; what a process that was killed had begun is cleared away."""
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(f"{self.folder} is being worked on by another `ionfront batch`.") from error
            for draft in (self.folder / "results").glob("*/.*"):
                shutil.rmtree(draft, ignore_errors=True)
            yield

    def close(self) -> None:
        """Let go of the register."""
        self._register.close()

    def keep_model(self, content: bytes) -> Path:
        """A copy of a model's file, by its digest; the path of it."""
        path = self.folder / "models" / f"{hashlib.sha256(content).hexdigest()}.onnx"
        if not path.exists():
            with atomic_output(path) as draft:
                draft.write_bytes(content)
        return path

    def place(self, key: str) -> Path:
        """Where results are, or will be."""
        return self.folder / "results" / key[:2] / key

    def add(self, runs: Iterable[Run]) -> None:
        """Enter runs; what is said of one now comes before what was said of it before, and the rest stays."""
        before = {entry.run.source: entry.run.about for entry in self.entries()}
        told = [(run.source, json.dumps(before.get(run.source, {}) | run.about, sort_keys=True)) for run in runs]
        self._written(
            self._register.executemany,
            "INSERT INTO runs (source, about) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET about = excluded.about",
            told,
        )

    def note(self, entry: Entry) -> None:
        """Enter what became of a run."""
        self._written(
            self._register.execute,
            "UPDATE runs SET stamp = ?, content = ?, key = ?, error = ?, lasting = ? WHERE source = ?",
            (entry.stamp, entry.content, entry.key, entry.error, entry.lasting, entry.run.source),
        )

    def entries(self) -> list[Entry]:
        """All runs, by source."""
        rows: Iterable[tuple[Any, ...]] = self._register.execute(
            "SELECT source, about, stamp, content, key, error, lasting FROM runs ORDER BY source"
        )
        return [
            Entry(Run(source, json.loads(about)), stamp, content, key, error, bool(lasting))
            for source, about, stamp, content, key, error, lasting in rows
        ]

    def measured(self, key: str | None) -> bool:
        """Whether there are results."""
        return key is not None and (self.place(key) / "run.json").is_file()

    def _written(self, execute: Callable[..., Any], *what: Any) -> None:
        try:
            execute(*what)
        except sqlite3.OperationalError as error:
            raise NoRoomError(
                f"{self.folder / _REGISTER} cannot be written ({error}): make room, and give the same command again."
            ) from error
