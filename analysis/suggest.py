"""Which frames of a movie are most worth labelling next: those that a model is unsure of, and that differ.

One pass keeps a few numbers a frame. How unsure the model is: the entropy of the mean of what it says of the frame and
of its mirror image, which also counts where the two disagree (Houlsby et al. 2011, arXiv:1112.5745). How frames
differ: by how they look, coarsely, and by their time. Frames are then taken one by one, each with the largest product
of the two, the difference being that to the nearest frame taken or labelled before (Sener & Savarese 2018,
arXiv:1708.00489).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ionfront.core import MovieError, UsageError
from ionfront.datasets import LabelledSet, frames_to_average, movie_name, open_movie, read_labelled, write_labelled
from ionfront.models import Segmenter, load_segmenter, normalise

from .measure import Progress, each_frame, reference_for

__all__ = ["Suggestion", "suggest"]

_GRID = 4
_FILE_ENDINGS: dict[str, Literal[".png", ".tif"]] = {"uint8": ".png", "uint16": ".png"}

Floats = NDArray[np.float64]
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Suggestion:
    """A frame worth labelling.

    Attributes:
        frame: Its number in the movie, from 0.
        time: Its time, in the movie's unit.
        time_unit: "s", or "frame".
        uncertainty: Mean entropy of its pixels, 1 being no idea at all.
        apart: Difference to the nearest frame suggested before it, or labelled; about 1 at most.
    """

    frame: int
    time: float
    time_unit: str
    uncertainty: float
    apart: float

    @property
    def why(self) -> str:
        """The reason in words."""
        return f"uncertainty {self.uncertainty:.3f}, difference to those before it {self.apart:.2f}"


@dataclass(frozen=True)
class _Seen:
    """What is kept of a frame."""

    uncertainty: float
    look: Floats
    digest: str


def suggest(
    movie_path: Path,
    count: int = 5,
    *,
    model: Path | None = None,
    data: Path | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    progress: Progress = lambda done, total: None,
) -> list[Suggestion]:
    """Name the frames of a movie that are most worth labelling next, the most worthwhile first.

    Args:
        movie_path: Anything `open_movie` reads.
        count: How many; fewer come back where fewer are left.
        model: ONNX model file; None takes the bundled one.
        data: Labelled data set; frames in it, told by their pixels or their names, are not suggested again.
        out: Folder of a labelled data set to write: the frames as the model sees them, with what it says of them.
        overwrite: Whether `out` may be replaced.
        progress: Told after every frame.

    Raises:
        UsageError: `count` is below 1.
        MovieError: The movie cannot be read, or no frame is left to label.
        ModelFileError: The model cannot be used.
        OutputExistsError: `out` exists.
    """
    if count < 1:
        raise UsageError(f"{count} frames were asked for; ask for 1 or more.")
    movie, segmenter = open_movie(movie_path), load_segmenter(model)
    view = _View(movie, segmenter)
    seen = list(view.all(progress))
    known = _Known(None if data is None else read_labelled(data, check_labels=False))
    labelled = [k for k, item in enumerate(seen) if item and known.has(_name(movie_path, k), item.digest)]
    candidates = [k for k, item in enumerate(seen) if item and k not in set(labelled)]
    if not candidates:
        raise MovieError(
            f"{movie_path}: of {len(seen)} frames none is left to label, {len(labelled)} being labelled and the rest "
            "blanked; take another movie, or fine-tune on what is labelled."
        )
    suggestions = [
        Suggestion(k, float(movie["time"][k]), str(movie["time"].attrs.get("units", "frame")), unsure, apart)
        for k, unsure, apart in _taken(seen, movie["time"].values, candidates, labelled, count)
    ]
    if out is not None:
        _write(out, movie_path, view, suggestions, overwrite)
    return suggestions


class _View:
    """The frames of a movie as a model sees them in an analysis: averaged where noisy, with the first ones behind."""

    def __init__(self, movie: xr.DataArray, segmenter: Segmenter) -> None:
        self.movie, self.segmenter = movie, segmenter
        self._averaged = frames_to_average(movie)
        self._reference = reference_for(segmenter, movie)

    def all(self, progress: Progress) -> Iterator[_Seen | None]:
        """What is kept of each frame; None of a blanked one."""
        total = self.movie.sizes["time"]
        frames = each_frame(self.movie, self._look, self._averaged, self._reference)
        for done, (_, item) in enumerate(frames, start=1):
            yield item
            progress(done, total)

    def one(self, index: int) -> tuple[NDArray[Any], Labels]:
        """A frame (y, x) in the type of the movie, and what the model says of it (y, x)."""
        half = self._averaged // 2
        first = max(0, index - half)
        near = self.movie[first : index + half + 1]
        frames = each_frame(near, lambda frame: frame, self._averaged, self._reference)
        image = next(frame for k, (_, frame) in enumerate(frames, start=first) if k == index and frame is not None)
        return self._recorded(image), self.segmenter.labels(image)

    def _look(self, frame: NDArray[np.generic]) -> _Seen:
        probabilities = self.segmenter.probabilities(frame)
        mirrored = self.segmenter.probabilities(frame[..., ::-1])[..., ::-1]
        grey = normalise(_image(frame), self.segmenter.info.normalisation)
        areas = probabilities.mean(axis=(1, 2))
        look = np.concatenate([areas, _coarse(grey).ravel()]).astype(float)
        return _Seen(_mean_entropy(probabilities + mirrored), look, _digest(self._recorded(frame)))

    def _recorded(self, frame: NDArray[Any]) -> NDArray[Any]:
        image, dtype = _image(frame), self.movie.dtype
        return image.astype(dtype) if dtype.kind == "f" else np.rint(image).astype(dtype)


class _Known:
    """Frames that are labelled already."""

    def __init__(self, labelled: LabelledSet | None) -> None:
        frames = () if labelled is None else labelled.frames
        self._names = {frame.name for frame in frames}
        self._digests = {_digest(frame.load()[0]) for frame in frames}

    def has(self, name: str, digest: str) -> bool:
        return name in self._names or digest in self._digests


def _taken(
    seen: Sequence[_Seen | None], times: ArrayLike, candidates: Sequence[int], labelled: Sequence[int], count: int
) -> Iterator[tuple[int, float, float]]:
    """Number, uncertainty and difference of each frame, greedily."""
    known = [*labelled, *candidates]
    places = _places(np.stack([item.look for k in known if (item := seen[k])]), np.asarray(times, float)[known])
    unsure = np.array([item.uncertainty for k in known if (item := seen[k])])
    apart, taken = np.ones(len(known)), list(range(len(labelled)))
    for place in taken:
        apart = np.minimum(apart, _distances(places, place))
    for _ in range(min(count, len(candidates))):
        worth = unsure * apart
        worth[taken] = -1
        best = int(worth.argmax())
        yield known[best], float(unsure[best]), float(apart[best])
        apart = np.minimum(apart, _distances(places, best))
        taken.append(best)


def _places(looks: Floats, times: Floats) -> Floats:
    """Looks and times, each scaled so that the farthest are about 1 apart."""
    looks = looks - looks.mean(axis=0)
    reach = 2 * np.linalg.norm(looks, axis=1).max()
    span = np.ptp(times)
    return np.column_stack([looks / max(reach, 1e-12), (times - times.min()) / max(span, 1e-12)])


def _distances(places: Floats, place: int) -> Floats:
    return np.asarray(np.linalg.norm(places - places[place], axis=1) / np.sqrt(2))


def _mean_entropy(views: NDArray[np.float32]) -> float:
    """Of the mean of two views, given their sum (phase, y, x), as a share of the largest there can be."""
    mean = np.maximum(views / 2, 1e-7)
    return float(-(mean * np.log(mean)).sum(axis=0).mean() / np.log(len(mean)))


def _coarse(grey: NDArray[np.float32]) -> Floats:
    """Means over a few by a few parts of a frame."""
    rows = [part.mean(axis=0) for part in np.array_split(grey, _GRID, axis=0)]
    return np.array([[part.mean() for part in np.array_split(row, _GRID)] for row in rows])


def _image(frame: NDArray[Any]) -> NDArray[Any]:
    return frame[0] if frame.ndim == 3 else frame


def _digest(image: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(image, np.float32).tobytes()).hexdigest()


def _name(movie_path: Path, index: int) -> str:
    return f"{movie_name(movie_path)}_{index:05d}"


def _write(out: Path, movie_path: Path, view: _View, suggestions: Sequence[Suggestion], overwrite: bool) -> None:
    """A labelled data set whose frames are one group: they show one specimen."""
    movie = view.movie
    frames = ((_name(movie_path, item.frame), *view.one(item.frame), movie_name(movie_path)) for item in suggestions)
    write_labelled(
        out,
        frames,
        view.segmenter.info.scheme,
        pixel_size_nm=movie.attrs.get("pixel_size_nm"),
        frame_time_s=movie.attrs.get("frame_time_s"),
        file_ending=_FILE_ENDINGS.get(str(movie.dtype), ".tif"),
        description=f"Suggested by ionfront; labels are those of {view.segmenter.info.name}, to be corrected.",
        overwrite=overwrite,
    )
