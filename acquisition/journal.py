"""What a live measurement must not forget, in a folder: what was said of every frame, and what it takes to go on.

    settings.json     how it was begun, and which model answers
    answers.jsonl     a line for each frame that was acknowledged, written before it was
    checkpoint.npz    the measurement after so many of them
    frames/N.npy      the frames since, as they came
    closed.json       that it is over

A line that was cut off by a crash was not acknowledged, and is taken away when the folder is opened again.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import UsageError, atomic_output

__all__ = ["Journal", "durably"]

Json = dict[str, Any]

_UNDECIDED = b'"decisions": []'  # nearly all lines are spared the parser


class Journal:
    """A folder that holds one measurement.

    Args:
        folder: As `begin` made it.
        repair: Whether a line that was cut off is taken away, as it must be before another is written.

    Attributes:
        settings: How it was begun.
        decisions: All that were made so far.

    Raises:
        UsageError: It holds none, or is damaged.
    """

    def __init__(self, folder: Path, *, repair: bool = True) -> None:
        self._folder = folder
        try:
            self.settings: Json = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{folder} holds no live measurement ({error}).") from error
        self._ends: list[int] = []
        self.decisions: list[Json] = []
        for line in _whole_lines(folder / "answers.jsonl", repair):
            self._ends.append(len(line) + (self._ends[-1] if self._ends else 0))
            if _UNDECIDED not in line:
                self.decisions += json.loads(line)["decisions"]

    @classmethod
    def begin(cls, folder: Path, settings: Json) -> "Journal":
        """A new one, in a folder that is not there yet."""
        with atomic_output(folder) as draft:
            (draft / "frames").mkdir(parents=True)
            durably(draft / "settings.json", json.dumps(settings, indent=2).encode())
            durably(draft / "answers.jsonl", b"")
        return cls(folder)

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._folder

    @property
    def acknowledged(self) -> int:
        """How many frames were."""
        return len(self._ends)

    @property
    def passed(self) -> int:
        """How many frames have come by, with those that did not get as far."""
        return self.acknowledged + int(self.answer(self.acknowledged - 1)["state"]["missed"] if self._ends else 0)

    @property
    def closed(self) -> Json | None:
        """What was said when it ended; None while it goes on."""
        with suppress(OSError, ValueError):
            found: Json = json.loads((self._folder / "closed.json").read_text(encoding="utf-8"))
            return found
        return None

    def answer(self, number: int) -> Json:
        """What was said of a frame."""
        return next(self.answers(number, 1))

    def answers(self, first: int, most: int) -> Iterator[Json]:
        """What was said of at most so many frames, from one on."""
        last = min(first + most, len(self._ends))
        if first >= last:
            return
        start = self._ends[first - 1] if first else 0
        with (self._folder / "answers.jsonl").open("rb") as file:
            file.seek(start)
            for line in file.read(self._ends[last - 1] - start).splitlines():
                yield json.loads(line)

    def keep_frame(self, number: int, frame: NDArray[Any]) -> None:
        """Put a frame away before it is analysed.

        Raises:
            OSError: It could not be written.
        """
        try:
            with self._frame(number).open("wb") as file:
                np.save(file, frame, allow_pickle=False)
                file.flush()
                _to_disk(file.fileno())
        except OSError:
            self.drop_frame(number)
            raise

    def drop_frame(self, number: int) -> None:
        """Forget a frame that was refused."""
        self._frame(number).unlink(missing_ok=True)

    def frame(self, number: int) -> NDArray[Any]:
        """A frame since the last checkpoint."""
        return np.asarray(np.load(self._frame(number), allow_pickle=False))

    def acknowledge(self, answer: Json) -> None:
        """Write what is said of the next frame.

        Raises:
            OSError: It could not be written, and the frame must not be acknowledged.
        """
        line = json.dumps(answer, allow_nan=False).encode() + b"\n"
        path, end = self._folder / "answers.jsonl", self._ends[-1] if self._ends else 0
        try:
            with path.open("r+b") as file:
                file.seek(end)
                file.write(line)
                file.truncate()
                file.flush()
                _to_disk(file.fileno())
        except OSError:
            with suppress(OSError):
                os.truncate(path, end)
            raise
        self._ends.append(end + len(line))
        self.decisions += answer["decisions"]

    def checkpoint(self, content: bytes, frames: int) -> None:
        """Keep the measurement as it is after so many frames; those are not needed any more."""
        durably(self._folder / "checkpoint.npz", content)
        for path in (self._folder / "frames").iterdir():
            if int(path.stem) < frames:
                path.unlink()

    def last_checkpoint(self) -> bytes | None:
        """The content of the newest; None where there is none."""
        path = self._folder / "checkpoint.npz"
        return path.read_bytes() if path.exists() else None

    def close(self, why: str = "") -> None:
        """It is over; only what was said and measured is kept.

        Args:
            why: What kept it from being measured; empty where nothing did.
        """
        durably(self._folder / "closed.json", json.dumps({"why": why, "frames": self.acknowledged}).encode())
        shutil.rmtree(self._folder / "frames", ignore_errors=True)
        (self._folder / "checkpoint.npz").unlink(missing_ok=True)

    def _frame(self, number: int) -> Path:
        return self._folder / "frames" / f"{number}.npy"


def durably(path: Path, content: bytes) -> None:
    """Write a file that is whole or absent, whatever happens."""
    with atomic_output(path, overwrite=True) as draft, draft.open("wb") as file:
        file.write(content)
        file.flush()
        _to_disk(file.fileno())


def _to_disk(descriptor: int) -> None:
    getattr(os, "fdatasync", os.fsync)(descriptor)


def _whole_lines(path: Path, repair: bool) -> Iterator[bytes]:
    """Lines up to the last end of one; what follows it is cut off."""
    at = 0
    with path.open("r+b" if repair else "rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                if repair:
                    file.truncate(at)
                return
            at += len(line)
            yield line
