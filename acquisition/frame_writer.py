"""Frames into a movie on disk; those that cannot go there are counted, and told of by the next that can."""

import math
from collections.abc import Sequence
from pathlib import Path

from ionfront.datasets import MovieStore

from .frames import Frame

__all__ = ["FrameWriter"]


class FrameWriter:
    """Writes frames into an OME-Zarr that begins with the first of them.

    Args:
        path: New, or a recording to go on with.
        pixel_size_nm, zero_s: As `Source` has them.

    Attributes:
        kept: How many frames are on disk.
        lost: How many are not.
        last_loss: Why the last of those is not.
    """

    def __init__(self, path: Path, pixel_size_nm: float | None = None, zero_s: float = 0.0) -> None:
        self.kept = self.lost = 0
        self.last_loss = ""
        self._path = path
        self._store: MovieStore | None = None
        self._told: tuple[float | None, float] = (pixel_size_nm, zero_s)
        self._described: tuple[float | None, float] | None = None
        self._missed = 0  # since the last that was written

    def describe(self, pixel_size_nm: float | None, zero_s: float) -> None:
        """Tell, at any time, what holds for all frames."""
        self._told = (pixel_size_nm, zero_s)

    def write(self, frames: Sequence[Frame]) -> None:
        """Write some frames: all that are like the first, or none."""
        try:
            self._append(frames)
        except Exception as error:  # whatever disk and library raise: the frames after these may fare better
            self._missed += sum(frame.missed + 1 for frame in frames)
            self._lose(len(frames), f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Leave the store as it is to be kept."""
        if self._store is not None:
            try:
                self._store.close()
                self._store.describe(*self._told)
            except Exception as error:
                self.last_loss = f"{type(error).__name__}: {error}"

    def _append(self, frames: Sequence[Frame]) -> None:
        store = self._opened(frames[0])
        fitting, missed = [], self._missed
        for frame in frames:
            if store.fits(frame.image) and math.isfinite(frame.time_s):
                fitting.append(frame._replace(missed=frame.missed + missed))
                missed = 0
            else:
                missed += frame.missed + 1
        if fitting:
            images, times_s, doses, lost_before = zip(*fitting, strict=True)
            store.append(images, times_s, [math.nan if dose is None else dose for dose in doses], lost_before)
        self._missed = missed
        self.kept += len(fitting)
        if len(fitting) < len(frames):
            self._lose(len(frames) - len(fitting), "of another size or type than the first, or without a time")

    def _opened(self, first: Frame) -> MovieStore:
        if self._store is None:
            self._store = MovieStore(self._path, first.image.shape, first.image.dtype)
        if self._described != (told := self._told):
            self._store.describe(*told)
            self._described = told
        return self._store

    def _lose(self, count: int, why: str) -> None:
        self.lost, self.last_loss = self.lost + count, why
