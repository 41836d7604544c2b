"""A movie, frame by frame, through a network that looks only where something changed.

Most of a frame is what it was a moment ago. Tiles that a calibrated test (`change.py`) finds unchanged keep their
probabilities; the others are inferred in windows that show the network what lies around them.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionfront.core import UsageError
from ionfront.datasets import likeliest

from .change import ChangeSettings, ChangeTest
from .drift import DriftWatch
from .engine import Segmenter
from .info import ModelInfo
from .reduction import enlarged, surest
from .tiling import padded_to
from .windows import covering, plan_windows

__all__ = ["SkipSettings", "SkippingSegmenter"]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SkipSettings:
    """What is inferred anew; lengths in pixels that the network sees.

    Attributes:
        window_px: Edge of the windows that the network looks at.
        margin_px: What a window shows around the tiles that are taken from it. A U-Net of depth 4 sees about so far,
            and labels suffer from less.
        tile_px: Edge of a tile, a power of two, or the network's stride where that is longer.
        refresh_frames: Every tile is inferred at least once in so many frames.
        drift_px: A frame that lies farther from the last one inferred as a whole, at its finest size, is inferred as a
            whole.
        change: What counts as a change.

    Raises:
        UsageError: A window has no room for tiles between its margins, or blocks do not fill a tile.
    """

    window_px: int = 512
    margin_px: int = 128
    tile_px: int = 32
    refresh_frames: int = 100
    drift_px: float = 0.25
    change: ChangeSettings = field(default_factory=ChangeSettings)

    def __post_init__(self) -> None:
        if self.window_px < 2 * self.margin_px + 2 * self.tile_px or self.refresh_frames < 1:
            raise UsageError(
                f"windows of {self.window_px} px with margins of {self.margin_px} px leave no room for two tiles of "
                f"{self.tile_px} px, or {self.refresh_frames} frames are no time to refresh in: make windows larger."
            )
        if self.tile_px % self.change.block_px:
            raise UsageError(
                f"blocks of {self.change.block_px} px do not fill tiles of {self.tile_px} px; "
                "take a tile that is a multiple of a block."
            )


class SkippingSegmenter:
    """A segmenter for the frames of one movie in their order.

    Args:
        segmenter: What infers.
        settings: When and how.

    Attributes:
        inferred_share: How much of all frames so far the network looked at, margins included: 1 is no gain.
    """

    def __init__(self, segmenter: Segmenter, settings: SkipSettings | None = None) -> None:
        self._segmenter = segmenter
        self._settings = settings or SkipSettings()
        self._shape: tuple[int, ...] = ()
        self._held: list[_Held] = []
        self._drift = DriftWatch(self._settings.drift_px)
        self._answer: Floats = np.zeros((0, 0, 0), np.float32)
        self._frames, self._looks = 0, 0.0

    @property
    def info(self) -> ModelInfo:
        """What the model file says about itself."""
        return self._segmenter.info

    @property
    def sha256(self) -> str:
        """Digest of the model file, hexadecimal."""
        return self._segmenter.sha256

    @property
    def compares(self) -> bool:
        """Whether the model compares a frame with a reference."""
        return self._segmenter.compares

    @property
    def inferred_share(self) -> float:
        return self._looks / max(self._frames, 1)

    def probabilities(self, frame: ArrayLike) -> Floats:
        """What `Segmenter.probabilities` says of a frame or has said of an earlier one that looked the same here.

        Args:
            frame: The next frame of the movie, as for `Segmenter.probabilities`. One of another size, or the first
                one with or without a reference, begins anew.

        Returns:
            Shape (phase, y, x), read-only; later frames do not change it.
        """
        shape = np.shape(frame)
        views = list(self._segmenter.views(frame))
        if not self._held or shape != self._shape:
            self._shape = shape
            self._held = [_Held(self._segmenter, view.shape[1:], self._settings) for view in views]
            self._drift = DriftWatch(self._settings.drift_px)
        moved = self._drift.moved(views[0][0])  # the finest of the views
        shares = [held.update(view, moved) for held, view in zip(self._held, views, strict=True)]
        if shares[0] >= 1:  # as in the first frame, and where it moved
            self._drift.accept()
        self._frames += 1
        self._looks += float(np.average(shares, weights=[view.size for view in views]))
        if any(shares):
            answer = surest([held.probabilities for held in self._held])
            self._answer = enlarged(answer, self.info.reduction, (shape[-2], shape[-1]))
            self._answer.flags.writeable = False
        return self._answer

    def labels(self, frame: ArrayLike) -> NDArray[np.uint8]:
        """Label id of the likeliest phase at each pixel, shape (y, x); `frame` as for `probabilities`."""
        return likeliest(self.probabilities(frame))


class _Held:
    """The probabilities of one scene at one size, tile by tile as old as nothing changed there.

    Attributes:
        probabilities: Shape (phase, y, x), as the network gives them.
    """

    def __init__(self, segmenter: Segmenter, size: tuple[int, ...], settings: SkipSettings) -> None:
        self._stride = segmenter.info.architecture.stride
        tile = max(settings.tile_px, self._stride)
        self._rows, self._columns = (
            plan_windows(n + -n % self._stride, settings.window_px, settings.margin_px, tile) for n in size
        )
        self._test = ChangeTest(tile, settings.change)
        self._age = np.zeros((len(self._rows.edges_px) - 1, len(self._columns.edges_px) - 1), int)
        self._longest = settings.refresh_frames
        self._segmenter = segmenter
        self.probabilities: Floats = np.zeros((0, *size), np.float32)

    def update(self, small: Floats, moved: bool) -> float:
        """Infer what changed in a frame (channel, y, x) as the network sees it; the share of a frame that this took."""
        self._age += 1
        small = padded_to(small, self._stride)
        changed = self._test.changed(small[0])
        changed |= moved
        places = covering(self._due(changed), self._rows, self._columns)
        share = len(places) * self._rows.window_px * self._columns.window_px / small[0].size
        if share >= 1:
            self._infer_all(small)
        elif places:
            self._infer_windows(small, places)
        return float(min(share, 1.0))

    def _due(self, changed: Bools) -> Bools:
        """Tiles to infer. A frame in which nothing changed has time for the oldest tile before its last moment."""
        due = changed | (self._age >= self._longest)
        if not due.any() and self._age.max() >= self._longest / 2:
            due.flat[int(self._age.argmax())] = True
        return due

    def _infer_all(self, small: Floats) -> None:
        rows, columns = self.probabilities.shape[1:]
        self.probabilities = self._segmenter.inferred(small)[:, :rows, :columns]
        self._accept(np.ones_like(self._age, np.bool_))

    def _infer_windows(self, small: Floats, places: list[tuple[int, int]]) -> None:
        self.probabilities = self.probabilities.copy()  # what was answered may be a view of it
        for row, column in places:
            self._infer_window(small, row, column)
            self._accept(np.outer(self._rows.covers[row], self._columns.covers[column]))

    def _infer_window(self, small: Floats, row: int, column: int) -> None:
        top, left = self._rows.starts_px[row], self._columns.starts_px[column]
        rows, columns = self._rows.core(row), self._columns.core(column)
        window = small[:, top : top + self._rows.window_px, left : left + self._columns.window_px]
        target = self.probabilities[:, rows, columns]  # without the padding at the far edges
        inside = self._segmenter.inferred(window)[:, rows.start - top :, columns.start - left :]
        target[:] = inside[:, : target.shape[1], : target.shape[2]]

    def _accept(self, tiles: Bools) -> None:
        self._age[tiles] = 0
        self._test.accept(tiles)
