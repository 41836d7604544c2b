"""What labels have wrong alike in many pixels and frames: no resampling of one movie shows it."""

from dataclasses import dataclass

__all__ = ["LabelErrors"]


@dataclass(frozen=True)
class LabelErrors:
    """How far labels may err together; the defaults are those of nearly perfect labels (docs/uncertainty.md).

    Attributes:
        scale: Relative standard error of all positions together: swelling, blur of the outline, and what labels have
            wrong in every frame.
        spread: By how much arrival times are less sure than their posterior says.
        evidence: Share of the evidence between rate laws that counts: what bends a track is not all its law.
        alike_frames: How many frames in a row share what they were made of, as running means do.
    """

    scale: float = 0.012
    spread: float = 1.0
    evidence: float = 1.0
    alike_frames: int = 1
