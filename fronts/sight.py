"""What one frame shows, once its drift is taken out. It can be told by one process, and kept by others."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import PhaseScheme
from ionfront.datasets import likeliest

from .opening import opened
from .registration import Match, Outline

__all__ = ["NOTHING", "Evidence", "Eye", "Sight", "counted_every"]

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]

NOTHING = 255
"""In thick labels: no part of what survives."""

_THICKEN_PX = 2  # what erosion a phase must survive: a band along a blurred front looks like a phase in between
_COUNTED_SIDE_PX = 512  # labels are thinned out to this for counting the frames that a pixel spends in a phase


@dataclass(frozen=True)
class Evidence:
    """What a frame says of each pixel.

    Attributes:
        probabilities: Of the phases, aligned, shape (phase, y, x).
        labels: The likeliest of them, one in `counted_every` rows and columns.
        thick: Likewise, but `NOTHING` where a phase is a thin band.
    """

    probabilities: Floats
    labels: Labels
    thick: Labels

    def band(self, rows: slice) -> "Evidence":
        """That of some rows of the whole, which begin at a multiple of `counted_every`."""
        every = counted_every(self.probabilities.shape[1:])
        thinned = slice(rows.start // every, -(-rows.stop // every))
        return Evidence(self.probabilities[:, rows], self.labels[thinned], self.thick[thinned])


@dataclass(frozen=True)
class Sight:
    """What a frame shows.

    Attributes:
        match: Where the frame lay.
        areas_px: Area of every label id, shape (phase,).
        evidence: What it says of each pixel, or whatever stands for that where somebody else keeps it.
    """

    match: Match
    areas_px: NDArray[np.int64]
    evidence: Any

    def without_evidence(self) -> "Sight":
        """Small enough to be sent; for frames that are seen when the outline is settled."""
        return Sight(replace(self.match, probabilities=np.zeros(0, np.float32), outline=None), self.areas_px, None)


@dataclass(frozen=True)
class Eye:
    """Sees frames, in any order.

    Attributes:
        scheme: Phases.
        outline: What frames are matched with.
    """

    scheme: PhaseScheme
    outline: Outline

    def see(self, probabilities: Floats) -> Sight:
        """Of phase probabilities, shape (phase, y, x)."""
        match = self.outline.match(probabilities)
        labels = likeliest(match.probabilities)
        areas = np.bincount(labels.ravel(), minlength=self.scheme.count)
        every = counted_every(labels.shape)
        thinned = labels[::every, ::every]
        return Sight(match, areas, Evidence(match.probabilities, thinned, self._thick(thinned, thickened(every))))

    def _thick(self, labels: Labels, times: int) -> Labels:
        thick = np.full(labels.shape, NOTHING, np.uint8)
        for phase in self.scheme.order_ids:
            here = labels == phase
            if here.any():
                thick[opened(here, times)] = phase
        return thick


def counted_every(shape: tuple[int, ...]) -> int:
    """One in how many rows and columns of frames (y, x) is looked at to find the steps that a particle takes."""
    return max(1, -(-max(shape) // _COUNTED_SIDE_PX))


def thickened(every: int) -> int:
    """How many erosions a phase must survive in pixels that are so many times larger."""
    return max(1, round(_THICKEN_PX / every))
