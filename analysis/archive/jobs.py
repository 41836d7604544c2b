"""What workers do: read what a movie holds, and measure one. Whatever goes wrong with a movie is told, not raised."""

import json
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from ionfront.core import IonFrontError, MissingExtraError, ModelFileError, OutputExistsError, atomic_output

from ..divided import Divided, Hands, Opening, segmenter_of
from ..pipeline import analyze
from .content import NO_ROOM, content_of, fetched_into, stamp_of
from .runs import Run, is_address
from .store import Settings

__all__ = ["Fingerprint", "Job", "Measure", "Outcome", "told_of"]

_PASSING = (  # packages whose errors are those of the network, of its drivers, or of lost workers
    "aiobotocore",
    "aiohttp",
    "azure",
    "botocore",
    "concurrent",
    "distributed",
    "fsspec",
    "google",
    "paramiko",
    "s3fs",
)


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes:
        error: Why nothing did; empty where something did.
        lasting: Whether it would fail again: the movie is at fault, not the disk or the network.
        no_room: Whether there is no room for results, and so for no others either.
        stamp, content: Of the movie, where that was asked for.
    """

    error: str = ""
    lasting: bool = False
    no_room: bool = False
    stamp: str | None = None
    content: str | None = None


@dataclass(frozen=True)
class Fingerprint:
    """Read what a movie holds."""

    run: Run

    @property
    def name(self) -> str:
        """Its own."""
        return f"read-{self.run.source}"

    def __call__(self) -> Outcome:
        try:
            stamp = stamp_of(self.run.source)  # before it is read: what is written meanwhile is read again
            return Outcome(stamp=stamp, content=content_of(self.run.source))
        except Exception as error:  # of a driver, which raises anything at all
            return Outcome(error=told_of(error))


@dataclass(frozen=True)
class Measure:
    """Measure a movie.

    Attributes:
        stamp: Of the content that results are to be of.
        place: Folder that they appear in when all of them are there.
        model: File of the model.
    """

    run: Run
    stamp: str
    place: Path
    model: Path
    settings: Settings

    @property
    def name(self) -> str:
        """Its own."""
        return f"measure-{self.place.name}"

    def __call__(self, hands: Hands | None = None) -> Outcome:
        """Measure it, with the help of idle hands where there are any."""
        try:
            self._measure(hands)
        except OutputExistsError:
            pass  # another worker was given it too, when this one was thought lost
        except MemoryError:
            return Outcome(error="there was too little memory for it: give each worker more, or --binning.")
        except Exception as error:  # a reader's, of a file that nobody foresaw: it fails alone
            no_room = isinstance(error, OSError) and error.errno in NO_ROOM
            return Outcome(error=told_of(error), lasting=not _of_the_system(error), no_room=no_room)
        return Outcome()

    @property
    def divisible(self) -> bool:
        """Whether hands could help: each opens the movie, and sees frames without those before them."""
        return not is_address(self.run.source) and not self.settings.skip_unchanged

    def _measure(self, hands: Hands | None) -> None:
        begun, settings, about = time.monotonic(), self.settings, self.run.about
        with ExitStack() as stack:
            movie = Path(self.run.source)
            if is_address(self.run.source):
                movie = fetched_into(self.run.source, Path(stack.enter_context(tempfile.TemporaryDirectory())))
            self._check_unchanged()
            draft = stack.enter_context(atomic_output(self.place))
            crew = None
            if hands is not None:  # in a folder that all workers see, under a name that `Archive.tidy` knows
                name = f".{self.place.name}-"
                beside = tempfile.TemporaryDirectory(prefix=name, dir=draft.parent, ignore_cleanup_errors=True)
                crew = Divided(hands, self._opening(movie), Path(stack.enter_context(beside)))
            analyze(
                movie,
                draft,
                model=segmenter_of(self.model, settings.precision),
                pixel_size_nm=self.run.number("pixel_size_nm"),
                frame_time_s=self.run.number("frame_time_s"),
                average_frames=settings.average_frames,
                binning=settings.binning,
                skip_unchanged=settings.skip_unchanged,
                material={name: about[name] for name in ("host", "ion") if name in about},
                source=self.run.source,
                crew=crew,
            )
            self._check_unchanged()
            told = {
                **asdict(settings),
                "source": self.run.source,
                "ended_s": time.time(),
                "seconds": time.monotonic() - begun,
                "divided": crew is not None,
            }
            (draft / "run.json").write_text(json.dumps(told), encoding="utf-8")

    def _opening(self, movie: Path) -> Opening:
        pixel_size_nm, frame_time_s = self.run.number("pixel_size_nm"), self.run.number("frame_time_s")
        return Opening(movie, pixel_size_nm, frame_time_s, self.settings.binning, self.model, self.settings.precision)

    def _check_unchanged(self) -> None:
        if stamp_of(self.run.source) != self.stamp:
            raise _ChangedError(f"{self.run.source} was written to meanwhile; it is measured the next time.")


Job = Fingerprint | Measure


class _ChangedError(OSError):
    """The movie is not what was read any more."""


def _of_the_system(error: BaseException) -> bool:
    """Whether the disk, the network, or what a worker lacks is behind an error, so that it may pass."""
    behind: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in behind:
        behind.append(found)
        found = found.__cause__
    passing = (OSError, ImportError, MissingExtraError, ModelFileError)
    return any(isinstance(one, passing) or type(one).__module__.split(".")[0] in _PASSING for one in behind)


def told_of(error: BaseException) -> str:
    """An error in a line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    told = " ".join(str(error).split())
    return told if isinstance(error, IonFrontError) else f"{type(error).__name__}: {told}"
