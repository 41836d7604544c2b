"""One movie, its frames seen by many hands, and what they say kept by many hands too, in bands of rows.

What a frame says depends on no other frame once the first ones have settled what drift is measured against; the arrival
map is worked out pixel by pixel; and which half cycle a frame belongs to is decided by its areas alone. So hands see
chunks of frames, whoever measures follows the areas in their order, and hands that keep a band of rows each take what
the frames say of it, in that order. Nothing is added up in another order than by one process: the result is the same to
the last bit.
"""

import copy
import pickle
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count, pairwise
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Any, Protocol
from uuid import uuid4

import xarray as xr

from ionfront.core import one_blas_thread
from ionfront.datasets import Reference, open_movie
from ionfront.fronts import Evidence, Eye, FrontTracker, Recorder, Recording
from ionfront.fronts.sight import counted_every
from ionfront.fronts.turns import Direction
from ionfront.models import Precision, Segmenter, load_segmenter

from .measure import Infer, Seen, reference_for, seen_here
from .watch import DomainWatch

__all__ = ["Divided", "Hand", "Hands", "Opening", "segmenter_of"]

_CHUNK_BYTES = 1 << 25  # of probabilities, that a hand sees before it tells
_ALONE = 4  # frames that are seen here at a time until what drift is measured against has settled
_AHEAD = 2  # chunks for each hand that are given out before they are needed
_LOADING = Lock()  # two movies may be under way in a worker: one waits for the hands that it was divided among
_KEPT_EVERY = 8  # chunks after which what is known of a band is written down: a hand that is lost loses no more


class Hand(Protocol):
    """Something that somebody is doing; it may be an argument of what is done next, and stands for its result."""

    def result(self) -> Any:
        """Wait for it."""


class Hands(Protocol):
    """Those who do things, on the same files."""

    count: int

    def do(self, work: Callable[..., Any], *given: Any, urgent: bool = False) -> Hand:
        """Begin something; what is urgent comes first. If who does it is lost, it is done again."""


@dataclass(frozen=True)
class Opening:
    """How a movie is opened and seen."""

    path: Path
    pixel_size_nm: float | None
    frame_time_s: float | None
    binning: int
    model: Path
    precision: Precision


class Divided:
    """Sees a movie with many hands, as `measure_movie` wants it.

    Args:
        hands: Who see and keep.
        opening: How they open the movie.
        folder: Where what all hands need, and what is known of a band meanwhile, is written down; all of them find it.
    """

    def __init__(self, hands: Hands, opening: Opening, folder: Path) -> None:
        self._hands, self._opening = hands, opening
        self._files = (folder / str(number) for number in count())

    def keep(self, recorder: Recorder) -> Recording:
        """Keep what a half cycle's recorder is to be given, in bands."""
        return _Bands(recorder, self._hands, self._files)

    def seen(
        self,
        movie: xr.DataArray,
        infer: Infer,
        tracker: FrontTracker,
        averaged: int,
        reference: Reference | None,
        watch: DomainWatch | None,
    ) -> Iterator[Seen]:
        """Each frame in its order, the first ones seen here; arguments as for `measure_movie`."""
        n_frames, (rows, columns) = movie.sizes["time"], (movie.sizes["y"], movie.sizes["x"])
        first = 0
        while first < n_frames and not tracker.settled:
            frames = range(first, min(n_frames, first + _ALONE))
            yield from seen_here(movie, infer, tracker.see, averaged, reference, watch, frames)
            first = frames.stop
        phases = tracker.eye.scheme.count
        length = max(1, _CHUNK_BYTES // (4 * phases * rows * columns))  # of float32
        chunks = deque(range(at, min(n_frames, at + length)) for at in range(first, n_frames, length))
        bands, eye = _bands((rows, columns), self._hands.count), next(self._files)
        _write(tracker.eye, eye)
        given: deque[list[Hand]] = deque()
        while chunks or given:
            while chunks and len(given) < _AHEAD * self._hands.count:
                told = self._hands.do(_look, self._opening, averaged, chunks.popleft(), eye, bands)
                given.append([self._hands.do(itemgetter(part), told, urgent=True) for part in range(1 + len(bands))])
            summary, *said = given.popleft()
            yield from _told(summary.result(), _Chunk(bands, said), reference, watch)


@dataclass(frozen=True)
class _Summary:
    """What whoever follows a movie is told of a chunk.

    Attributes:
        frames: Time, labels (y, x), and sight without evidence, of each; None where it is blanked.
        watch: Told all of them.
        unmatched: How many went without the reference.
    """

    frames: list[Seen]
    watch: DomainWatch
    unmatched: int


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Evidence of some frames in a row that lies with hands: of each band of rows, a list."""

    rows: Sequence[slice]
    said: Sequence[Hand]


@dataclass(frozen=True)
class _Far:
    """Stands for the evidence of a frame: its place in a chunk."""

    chunk: _Chunk
    place: int


class _Bands:
    """A recorder whose bands of rows are kept by hands.

    Args:
        recorder: Takes the frames that are seen here, and is handed over with the first one that is not.
        hands: Who keep.
        files: Names for what is written down.
    """

    def __init__(self, recorder: Recorder, hands: Hands, files: Iterator[Path]) -> None:
        self.direction: Direction = recorder.direction
        self._recorder, self._hands, self._files = recorder, hands, files
        self._states: list[Hand] = []
        self._written: list[Path] = []
        weakref.finalize(self, _remove, self._written)  # what was kept of a turn that was none is dropped
        self._chunk: _Chunk | None = None
        self._waiting: list[tuple[float, int | None]] = []  # frames of that chunk, or of none, that are not kept yet
        self._since = 0

    def push(self, time: float, evidence: Evidence | _Far | None) -> None:
        """Add what a frame says, or what stands for it; None where it showed nothing."""
        if isinstance(evidence, Evidence) or (evidence is None and self._chunk is None):
            self._recorder.push(time, evidence)
            return
        if isinstance(evidence, _Far) and evidence.chunk is not self._chunk:
            self._hand_over()
            self._chunk = evidence.chunk
        self._waiting.append((time, None if evidence is None else evidence.place))

    def whole(self) -> Recorder:
        """All that was kept, here."""
        if self._chunk is not None:
            self._hand_over()
            self._recorder = Recorder.joined([state.result() for state in self._states])
            self._states, self._chunk = [], None
            _remove(self._written)
        return self._recorder

    def _hand_over(self) -> None:
        """Have what waits taken by those that keep the bands."""
        if self._chunk is None:
            return
        if not self._states:
            paths = self._named(len(self._chunk.rows))
            for path, rows in zip(paths, self._chunk.rows, strict=True):
                _write(self._recorder.band(rows), path)
            self._go_on_from(paths)
        pairs = zip(self._states, self._chunk.said, strict=True)
        self._states = [self._hands.do(_taken, *pair, self._waiting, urgent=True) for pair in pairs]
        self._waiting = []
        self._since += 1
        if self._since == _KEPT_EVERY:
            paths = self._named(len(self._states))
            states = zip(self._states, paths, strict=True)
            for writing in [self._hands.do(_write, state, path, urgent=True) for state, path in states]:
                writing.result()
            self._go_on_from(paths)

    def _named(self, bands: int) -> list[Path]:
        return [next(self._files) for _ in range(bands)]

    def _go_on_from(self, paths: list[Path]) -> None:
        self._states = [self._hands.do(_read, path, urgent=True) for path in paths]
        _remove(self._written)
        self._written.extend(paths)
        self._since = 0


def _told(summary: _Summary, chunk: _Chunk, reference: Reference | None, watch: DomainWatch | None) -> Iterator[Seen]:
    """The frames of a chunk, to whoever follows the movie."""
    if reference is not None:
        reference.unmatched += summary.unmatched
    if watch is not None:
        watch.add(summary.watch)
    for place, (time, labels, sight) in enumerate(summary.frames):
        yield time, labels, None if sight is None else replace(sight, evidence=_Far(chunk, place))


def _look(opening: Opening, averaged: int, frames: range, written: Path, bands: Sequence[slice]) -> list[Any]:
    """See some frames: what whoever follows the movie is told, and then what they say of each band."""
    movie, segmenter, reference, eye = _opened(opening, written)
    reference, watch = copy.copy(reference), DomainWatch(segmenter.info.domain)
    summary = _Summary([], watch, 0)
    said: list[list[Evidence | None]] = [[] for _ in bands]
    with one_blas_thread():
        for time, labels, sight in seen_here(
            movie, segmenter.probabilities, eye.see, averaged, reference, watch, frames
        ):
            for rows, told in zip(bands, said, strict=True):
                told.append(None if sight is None else sight.evidence.band(rows))
            summary.frames.append((time, labels, None if sight is None else sight.without_evidence()))
    unmatched = 0 if reference is None else reference.unmatched
    return [replace(summary, unmatched=unmatched), *said]


def _taken(recorder: Recorder, said: Sequence[Evidence | None], frames: Sequence[tuple[float, int | None]]) -> Recorder:
    """A band's recorder after more frames; the one before stays as it is, as this may have to be done again."""
    further = copy.deepcopy(recorder)
    for time, place in frames:
        further.push(time, None if place is None else said[place])
    return further


def _remove(paths: list[Path]) -> None:
    """Files that nobody needs any more."""
    while paths:
        paths.pop().unlink(missing_ok=True)


def _write(what: Recorder | Eye, path: Path) -> None:
    draft = path.with_suffix(f".{uuid4().hex}")  # another may be writing it too, if this one was thought lost
    draft.write_bytes(pickle.dumps(what, protocol=5))
    draft.rename(path)


def _read(path: Path) -> Recorder:
    recorder: Recorder = pickle.loads(path.read_bytes())
    return recorder


def _bands(shape: tuple[int, int], wanted: int) -> list[slice]:
    """So many bands of rows, or fewer where frames (y, x) are too small."""
    every = counted_every(shape)
    edges = sorted({min(shape[0], round(shape[0] * number / wanted / every) * every) for number in range(wanted + 1)})
    edges[-1] = shape[0]
    return [slice(*pair) for pair in pairwise(edges)]


@lru_cache(maxsize=1)
def _opened(opening: Opening, written: Path) -> tuple[xr.DataArray, Segmenter, Reference | None, Eye]:
    """What is needed to see frames; anew for each measurement, of which the file of its eye is the sign."""
    movie = open_movie(
        opening.path,
        pixel_size_nm=opening.pixel_size_nm,
        frame_time_s=opening.frame_time_s,
        binning=opening.binning,
    )
    segmenter = segmenter_of(opening.model, opening.precision)
    return movie, segmenter, reference_for(segmenter, movie), pickle.loads(written.read_bytes())


def segmenter_of(model: Path, precision: Precision) -> Segmenter:
    """The model of a file, loaded once in each process."""
    with _LOADING:
        return _segmenter(model, precision)


@lru_cache(maxsize=1)
def _segmenter(model: Path, precision: Precision) -> Segmenter:
    return load_segmenter(model, precision=precision)
