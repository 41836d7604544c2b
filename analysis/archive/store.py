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
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ionfront.core import IonFrontError, UsageError, atomic_output
from ionfront.datasets import binning_factor, odd_count
from ionfront.models import Precision, read_info

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

    Raises:
        UsageError: `average_frames` is no odd number, or `binning` makes no sense.
    """

    model: str
    precision: Precision = "f32"
    average_frames: int | None = None
    binning: int = 1
    skip_unchanged: bool = False

    def __post_init__(self) -> None:
        binning_factor(self.binning)
        if self.average_frames is not None:
            odd_count(self.average_frames)

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
        known = (self.folder / _REGISTER).exists() or any(self.folder.glob("results/*/*/run.json"))
        if self.folder.exists() and not known and any(self.folder.iterdir()):
            raise UsageError(f"{folder} holds something else than an archive: choose another folder for --out.")
        for name in ("models", "results"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        with self._said():
            self._register = sqlite3.connect(self.folder / _REGISTER, isolation_level=None)
            self._register.execute(_TABLE)

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

    def keep_model(self, file: Path) -> Path:
        """A copy of a model's file, by its digest; the path of it.

        Raises:
            ModelFileError: It is absent, damaged, or no model.
            UsageError: What it labels is no reaction.
        """
        scheme, content = read_info(file).scheme, file.read_bytes()
        if len(scheme.reaction_order) < 2:
            raise UsageError(f"{file} labels {list(scheme.names)}, in no order of a reaction: there is no front.")
        path = self.folder / "models" / f"{hashlib.sha256(content).hexdigest()}.onnx"
        if not path.exists():
            with atomic_output(path) as draft:
                draft.write_bytes(content)
        return path

    def place(self, key: str) -> Path:
        """Where results are, or will be."""
        return self.folder / "results" / key[:2] / key

    def tidy(self, key: str) -> None:
        """Clear away what workers that were lost had begun of these results."""
        for draft in self.place(key).parent.glob(f".{key}-*"):
            shutil.rmtree(draft, ignore_errors=True)

    def add(self, runs: Iterable[Run]) -> None:
        """Enter runs; what is said of one now comes before what was said of it before, and the rest stays."""
        before = {entry.run.source: entry.run.about for entry in self.entries()}
        told = [(run.source, json.dumps(before.get(run.source, {}) | run.about, sort_keys=True)) for run in runs]
        insert = "INSERT INTO runs (source, about) VALUES (?, ?)"
        with self._said():
            self._register.executemany(f"{insert} ON CONFLICT (source) DO UPDATE SET about = excluded.about", told)

    def note(self, entry: Entry) -> None:
        """Enter what became of a run."""
        with self._said():
            self._register.execute(
                "UPDATE runs SET stamp = ?, content = ?, key = ?, error = ?, lasting = ? WHERE source = ?",
                (entry.stamp, entry.content, entry.key, entry.error, entry.lasting, entry.run.source),
            )

    def entries(self) -> list[Entry]:
        """All runs, by source."""
        with self._said():
            rows: list[tuple[Any, ...]] = self._register.execute(
                "SELECT source, about, stamp, content, key, error, lasting FROM runs ORDER BY source"
            ).fetchall()
        return [
            Entry(Run(source, json.loads(about)), stamp, content, key, error, bool(lasting))
            for source, about, stamp, content, key, error, lasting in rows
        ]

    def measured(self, key: str | None) -> bool:
        """Whether there are results."""
        return key is not None and (self.place(key) / "run.json").is_file()

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What goes wrong with the register, in words."""
        try:
            yield
        except sqlite3.Error as error:
            path = self.folder / _REGISTER
            if isinstance(error, sqlite3.OperationalError):
                raise NoRoomError(
                    f"{path} cannot be written ({error}): make room, or see that it may be written to, "
                    "and give the same command again."
                ) from error
            raise UsageError(
                f"{path} is damaged ({error}). Move it away and name all sources again: results are found, not "
                "measured anew."
            ) from error
