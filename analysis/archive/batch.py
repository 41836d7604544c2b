"""Measures whatever of an archive is not measured yet, with as many workers as there are."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from .content import stamp_of
from .jobs import Fingerprint, Job, Measure, Outcome, told_of
from .runs import Run
from .store import Archive, Entry, NoRoomError, Settings

__all__ = ["Done", "OneByOne", "Workers", "batch"]


class Workers(Protocol):
    """Who does jobs."""

    def submit(self, job: Job) -> None:
        """Take a job; those that read what a movie holds come after those that measure one."""

    def outcomes(self) -> Iterator[tuple[Job, Outcome]]:
        """What came of each, as it comes, until no job is left; more may be submitted meanwhile."""


class OneByOne:
    """Does them in this process, in their order."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Take a job."""
        if isinstance(job, Measure):
            self._jobs.appendleft(job)
        else:
            self._jobs.append(job)

    def outcomes(self) -> Iterator[tuple[Job, Outcome]]:
        """Do one after another."""
        while self._jobs:
            job = self._jobs.popleft()
            yield job, job()


@dataclass
class Done:
    """What a batch came to.

    Attributes:
        measured: How many movies it measured.
        known: How many runs had results before, or have those of another run with the same content.
        failed: Runs without results, and why.
    """

    measured: int = 0
    known: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """All that were dealt with."""
        return self.measured + self.known + len(self.failed)


def batch(
    archive: Archive,
    runs: Sequence[Run],
    model: Path,
    settings: Settings,
    workers: Workers,
    *,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Done:
    """Measure runs, each content once; what was measured before, with this model and these settings, is not again.

    Args:
        archive: Held by the caller.
        runs: They are entered into it.
        model: File of the model, where all workers find it.
        settings: How to measure.
        workers: Who measures.
        again: Whether to try again what failed through a fault of its own.
        progress: Told how many runs are dealt with, and of how many.

    Raises:
        NoRoomError: There is no room for results.
    """
    archive.add(runs)
    work = _Work(archive, model, settings, workers, again)
    chosen = {run.source for run in runs}
    for entry in [entry for entry in archive.entries() if entry.run.source in chosen]:
        work.begin(entry)
    progress(work.done.runs, len(chosen))
    for job, outcome in workers.outcomes():
        work.take(job, outcome)
        progress(work.done.runs, len(chosen))
    return work.done


class _Work:
    def __init__(self, archive: Archive, model: Path, settings: Settings, workers: Workers, again: bool) -> None:
        self._archive, self._model, self._settings, self._workers = archive, model, settings, workers
        self._again = again
        self._reading: dict[str, Entry] = {}  # by source
        self._measuring: dict[str, list[Entry]] = {}  # by key: runs of the same content
        self._hopeless: dict[str, str] = {}  # by key: why another run of this content failed just now
        self.done = Done()

    def begin(self, entry: Entry) -> None:
        """Find out what is to be done for a run, or that nothing is."""
        try:
            stamp = stamp_of(entry.run.source)
        except Exception as error:  # of a driver too, which raises anything at all
            self._away(entry, told_of(error))
            return
        if entry.content is not None and entry.stamp == stamp:
            self._known(entry)
            return
        self._reading[entry.run.source] = entry
        self._workers.submit(Fingerprint(entry.run))

    def take(self, job: Job, outcome: Outcome) -> None:
        """Go on with what came of a job.

        Raises:
            NoRoomError: There is no room for results.
        """
        if outcome.no_room:
            raise NoRoomError(
                f"there is no room left for results in {self._archive.folder} ({outcome.error}). "
                f"{self.done.runs} runs are dealt with and kept: make room, and give the same command again."
            )
        if isinstance(job, Measure):
            self._end(job.place.name, outcome)
        else:
            entry = self._reading.pop(job.run.source)
            if outcome.error:
                self._away(entry, outcome.error)
            else:
                self._known(replace(entry, stamp=outcome.stamp, content=outcome.content))

    def _known(self, entry: Entry) -> None:
        """The content of a run is known."""
        assert entry.content is not None
        key = self._settings.key(entry.run, entry.content)
        failed_before = entry.lasting and entry.key == key and not self._again
        entry = replace(entry, key=key)
        if self._archive.measured(key):
            self._archive.note(replace(entry, error="", lasting=False))
            self.done.known += 1
        elif failed_before:
            self.done.failed[entry.run.source] = entry.error
        elif key in self._hopeless:
            self._fail(entry, self._hopeless[key], lasting=True)
        else:
            self._archive.note(replace(entry, error="", lasting=False))
            self._measuring.setdefault(key, []).append(entry)
            if len(self._measuring[key]) == 1:
                place = self._archive.place(key)
                self._workers.submit(Measure(entry.run, entry.stamp or "", place, self._model, self._settings))

    def _end(self, key: str, outcome: Outcome) -> None:
        """A content was measured, or could not be."""
        entries = self._measuring.pop(key)
        self._archive.tidy(key)
        if not outcome.error:
            self.done.measured += 1
            self.done.known += len(entries) - 1
            return
        if outcome.lasting:
            self._hopeless[key] = outcome.error
        for entry in entries:
            self._fail(entry, outcome.error, lasting=outcome.lasting)

    def _away(self, entry: Entry, error: str) -> None:
        """A movie is out of reach: what was measured of it before stays in the table."""
        if self._archive.measured(entry.key):
            self.done.failed[entry.run.source] = error
        else:
            self._fail(replace(entry, key=None), error, lasting=False)

    def _fail(self, entry: Entry, error: str, *, lasting: bool) -> None:
        self._archive.note(replace(entry, error=error, lasting=lasting))
        self.done.failed[entry.run.source] = error
