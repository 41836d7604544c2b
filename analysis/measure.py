"""One pass over a movie: phases of every frame, written as they come, and the fronts behind them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionfront.core import Calibration, FrontFitError, PhaseScheme, one_blas_thread
from ionfront.datasets import (
    Reference,
    averaged_frames,
    calibration_of,
    first_frames,
    is_blanked,
    likeliest,
    read_ahead,
    write_label_zarr,
)
from ionfront.fronts import FrontResult, FrontTracker, LabelErrors, Recorder, Recording, Sight
from ionfront.models import Segmenter

from .kinetics_json import ModelCard
from .watch import DomainWatch

__all__ = [
    "Crew",
    "Infer",
    "Progress",
    "Seen",
    "doubts_of_reference",
    "each_frame",
    "measure_labels",
    "measure_movie",
    "measured",
    "model_card",
    "reference_for",
    "seen_here",
    "tracker_for_network",
]

Found = TypeVar("Found")

Probabilities = NDArray[np.float32]
Infer = Callable[[NDArray[np.generic]], Probabilities]
Seen = tuple[float, NDArray[np.uint8] | None, Sight | None]
"""Time of a frame, its labels (y, x), and what a tracker takes of it; None where it is blanked."""

Progress = Callable[[int, int], None]
"""Called with the number of frames done and of all frames."""

_UNMATCHED = 0.1  # share of frames

LABEL_ERROR = 0.05
"""Share of pixels that a labelling tool is taken to get wrong, where it does not say."""

NETWORK_ERRORS = LabelErrors(scale=0.10, spread=1.5, evidence=0.1, start_px=7.0)
"""What the bundled network has wrong; see docs/uncertainty.md."""


class Crew(Protocol):
    """Others that a movie is divided among."""

    def keep(self, recorder: Recorder) -> Recording:
        """Keep what this one, empty as yet, would."""

    def seen(
        self,
        movie: xr.DataArray,
        infer: Infer,
        tracker: FrontTracker,
        averaged: int,
        reference: Reference | None,
        watch: DomainWatch | None,
    ) -> Iterator[Seen]:
        """Each frame in its order, for the tracker to take before the next one; arguments as for `measure_movie`."""


def measured(tracker: FrontTracker, calibration: Calibration) -> FrontResult:
    """The result, or an empty one that says why: the labels of an hour's work are kept in either case."""
    try:
        return tracker.result(calibration)
    except FrontFitError as error:
        empty = tracker.empty_result()
        return replace(empty, warnings=(*empty.warnings, str(error)))


def model_card(segmenter: Segmenter, averaged: int) -> ModelCard:
    """For kinetics.json."""
    info = segmenter.info
    return {"name": info.name, "version": info.version, "sha256": segmenter.sha256, "averaged_frames": averaged}


def doubts_of_reference(unmatched: int, n_frames: int) -> tuple[str, ...]:
    """What a reader should know of a reference that went unused in so many frames, in a sentence or none."""
    if unmatched <= _UNMATCHED * n_frames:
        return ()
    return (
        f"{unmatched} of {n_frames} frames show too little in common with the first ones to be compared with them, and "
        "were labelled by themselves: check their labels.",
    )


def tracker_for_network(
    scheme: PhaseScheme, shape: tuple[int, int], averaged: int = 1, crew: Crew | None = None
) -> FrontTracker:
    """A tracker for what a network says of frames (y, x), each the mean of `averaged`."""
    errors = replace(NETWORK_ERRORS, alike_frames=averaged)
    return FrontTracker(scheme, shape, errors=errors, keep=None if crew is None else crew.keep)


def reference_for(segmenter: Segmenter, movie: xr.DataArray) -> Reference | None:
    """What a model compares the frames of a movie with; None where it does not compare, or nothing is to be seen."""
    return first_frames(movie) if segmenter.compares else None


def measure_movie(
    movie: xr.DataArray,
    infer: Infer,
    scheme: PhaseScheme,
    tracker: FrontTracker | None,
    labels_path: Path,
    progress: Progress,
    averaged: int = 1,
    reference: Reference | None = None,
    watch: DomainWatch | None = None,
    crew: Crew | None = None,
) -> None:
    """Segment a movie frame by frame, write its labels, and let a tracker see every frame.

    Args:
        movie: Dims (time, y, x).
        infer: Frame (y, x), or (2, y, x) with the reference behind it, to phase probabilities (phase, y, x).
        scheme: Phases that `infer` knows.
        tracker: Takes the probabilities; None only writes labels.
        labels_path: Where the OME-Zarr goes.
        progress: Told after every frame.
        averaged: How many frames around each one are averaged before `infer` sees it.
        reference: What the frames are compared with; None where `infer` does not compare.
        watch: Told every frame that `infer` sees.
        crew: Who the frames are divided among; there is a tracker, then, which it keeps for.
    """
    shape = (movie.sizes["time"], movie.sizes["y"], movie.sizes["x"])
    labels = write_label_zarr(labels_path, shape, scheme, calibration_of(movie), movie["time"].values)
    with one_blas_thread(), labels as writer:
        if crew is None or tracker is None:
            see = None if tracker is None else tracker.see
            frames = seen_here(movie, infer, see, averaged, reference, watch)
        else:
            frames = crew.seen(movie, infer, tracker, averaged, reference, watch)
        for time, found, sight in frames:
            if tracker is not None:
                tracker.take(time, sight)
            writer.append(np.zeros(shape[1:], np.uint8) if found is None else found)
            progress(writer.written, shape[0])


def seen_here(
    movie: xr.DataArray,
    infer: Infer,
    see: Callable[[Probabilities], Sight] | None,
    averaged: int,
    reference: Reference | None,
    watch: DomainWatch | None,
    frames: range | None = None,
) -> Iterator[Seen]:
    """Each frame, or some, seen in this process; `see` is None where only labels are wanted.

    Other arguments are those of `measure_movie`.
    """
    for time, probabilities in each_frame(movie, infer, averaged, reference, watch, frames):
        if probabilities is None:
            yield time, None, None
        else:
            sight = None if see is None else see(probabilities)
            yield time, likeliest(probabilities), sight


def measure_labels(
    labels: xr.DataArray, scheme: PhaseScheme, tracker: FrontTracker, ignore_label: int | None, progress: Progress
) -> None:
    """Let a tracker see a label movie, each label taken as right but for `LABEL_ERROR`."""
    for index in range(labels.sizes["time"]):
        frame = labels[index].values
        tracker.push(float(labels["time"][index]), _softened(frame, scheme.count, ignore_label))
        progress(index + 1, labels.sizes["time"])


def each_frame(
    movie: xr.DataArray,
    infer: Callable[[NDArray[np.generic]], Found],
    averaged: int,
    reference: Reference | None,
    watch: DomainWatch | None = None,
    frames: range | None = None,
) -> Iterator[tuple[float, Found | None]]:
    """Time of each frame, or of some in a row, and what `infer` makes of it; None where it is blanked.

    Arguments are those of `measure_movie`.
    """
    wanted = range(movie.sizes["time"]) if frames is None else frames
    shown = read_ahead(_frames(movie, averaged, reference, watch, wanted))
    for index, frame in zip(wanted, shown, strict=True):
        yield float(movie["time"][index]), None if frame is None else infer(frame)


def _frames(
    movie: xr.DataArray, averaged: int, reference: Reference | None, watch: DomainWatch | None, wanted: range
) -> Iterator[NDArray[np.generic] | None]:
    """What the network is shown of each frame; None for blanked ones."""
    around = averaged // 2
    read = range(max(0, wanted.start - around), min(movie.sizes["time"], wanted.stop + around))
    frames = (None if is_blanked(frame) else frame for frame in (movie[i].values for i in read))
    for index, frame in zip(read, averaged_frames(frames, averaged), strict=True):
        if index not in wanted:
            continue
        if frame is not None and watch is not None:
            watch.see(index, frame)
        yield frame if frame is None or reference is None else reference.behind(frame)


def _softened(labels: NDArray[np.uint8], count: int, ignore_label: int | None) -> Probabilities:
    """One-hot probabilities, shape (phase, y, x), with the error shared among the other phases.

    A label that says nothing gets zero for every phase. All phases alike would not be neutral: where the order has
    more than two, most of them lie after its first step.
    """
    table = np.zeros((256, count), np.float32)
    table[:count] = LABEL_ERROR / (count - 1)
    np.fill_diagonal(table[:count], 1 - LABEL_ERROR)
    if ignore_label is not None:
        table[ignore_label] = 0
    return np.ascontiguousarray(table[labels].transpose(2, 0, 1))
