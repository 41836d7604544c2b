"""What labels have wrong alike in many pixels and frames: no resampling of one movie shows it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["LabelErrors"]


@dataclass(frozen=True)
class LabelErrors:
    """How far labels may err together; the defaults are those of nearly perfect labels (docs/uncertainty.md).

    Attributes:
        scale: Relative standard error of all positions together: swelling, blur of the outline, and what labels have
            wrong in every frame.
        spread: By how much arrival times are less sure than their posterior says.
        evidence: Share of the evidence between rate laws that counts: what bends a track is not all its law.
        start_px: Standard error of positions at the entry [px], over and above: a product that is still thin is hard to
            see, and seen too thick or too thin by as much all along.
        start_fades_px: Over which distance that fades; beyond it positions through the bundled network spread as in
            the middle of a particle.
        alike_frames: How many frames in a row share what they were made of, as running means do.
    """

    scale: float = 0.012
    spread: float = 1.0
    evidence: float = 1.0
    start_px: float = 0.0
    start_fades_px: float = 25.0
    alike_frames: int = 1

    def at_start_px(self, position_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is left of the standard error at the entry, where a front has come so far."""
        return np.asarray(self.start_px * np.exp(-np.square(position_px / self.start_fades_px)))

    def thinned(self, every: int) -> "LabelErrors":
        """In pixels that are so many times larger."""
        return replace(self, start_px=self.start_px / every, start_fades_px=self.start_fades_px / every)
