"""One pass over a movie: phases of every frame, written as they come, and the fronts behind them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionfront.core import PhaseScheme
from ionfront.datasets import (
    Reference,
    averaged_frames,
    calibration_of,
    first_frames,
    is_blanked,
    read_ahead,
    write_label_zarr,
)
from ionfront.fronts import FrontTracker
from ionfront.models import Segmenter

__all__ = ["Progress", "measure_labels", "measure_movie", "reference_for", "tracker_for_network"]

Probabilities = NDArray[np.float32]
Progress = Callable[[int, int], None]
"""Called with the number of frames done and of all frames."""

LABEL_ERROR = 0.05
"""Share of pixels that a labelling tool is taken to get wrong, where it does not say."""

NETWORK_SCALE_ERROR = 0.07
"""Relative standard error of positions that the bundled network brings along; see docs/uncertainty.md."""


def tracker_for_network(scheme: PhaseScheme, shape: tuple[int, int]) -> FrontTracker:
    """A tracker for what a network says of frames (y, x)."""
    return FrontTracker(scheme, shape, scale_error=NETWORK_SCALE_ERROR)


def reference_for(segmenter: Segmenter, movie: xr.DataArray) -> Reference | None:
    """What a model compares the frames of a movie with; None where it does not compare, or nothing is to be seen."""
    return first_frames(movie) if segmenter.compares else None


def measure_movie(
    movie: xr.DataArray,
    infer: Callable[[NDArray[np.generic]], Probabilities],
    scheme: PhaseScheme,
    tracker: FrontTracker | None,
    labels_path: Path,
    progress: Progress,
    averaged: int = 1,
    reference: Reference | None = None,
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
    """
    shape = (movie.sizes["time"], movie.sizes["y"], movie.sizes["x"])
    with write_label_zarr(labels_path, shape, scheme, calibration_of(movie), movie["time"].values) as writer:
        for time, probabilities in _inferred(movie, infer, averaged, reference):
            if tracker is not None:
                tracker.push(time, probabilities)
            writer.append(np.zeros(shape[1:], np.uint8) if probabilities is None else probabilities.argmax(axis=0))
            progress(writer.written, shape[0])


def measure_labels(
    labels: xr.DataArray, scheme: PhaseScheme, tracker: FrontTracker, ignore_label: int | None, progress: Progress
) -> None:
    """Let a tracker see a label movie, each label taken as right but for `LABEL_ERROR`."""
    for index in range(labels.sizes["time"]):
        frame = labels[index].values
        tracker.push(float(labels["time"][index]), _softened(frame, scheme.count, ignore_label))
        progress(index + 1, labels.sizes["time"])


def _inferred(
    movie: xr.DataArray,
    infer: Callable[[NDArray[np.generic]], Probabilities],
    averaged: int,
    reference: Reference | None,
) -> Iterator[tuple[float, Probabilities | None]]:
    for time, frame in zip(movie["time"].values, read_ahead(_frames(movie, averaged, reference)), strict=True):
        yield float(time), None if frame is None else infer(frame)


def _frames(movie: xr.DataArray, averaged: int, reference: Reference | None) -> Iterator[NDArray[np.generic] | None]:
    """What the network is shown of each frame; None for blanked ones."""
    frames = (None if is_blanked(frame) else frame for frame in (movie[i].values for i in range(movie.sizes["time"])))
    for frame in averaged_frames(frames, averaged):
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
