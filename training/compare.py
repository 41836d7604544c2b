"""Two models on the same frames: by how much one is better, with an interval that holds for few specimens too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ionfront.core import Quantity
from ionfront.models import Segmenter

from .evaluate import Evaluation, FrameCounts, frame_counts, refuse_other_phases, resampling_units, summarise
from .frames import Frame, Labelled
from .scores import Counts, added, mean_iou, resampled, student_interval

__all__ = ["Comparison", "compare", "paired_difference"]


@dataclass(frozen=True)
class Comparison:
    """Scores of a candidate, and of the champion where there is one.

    Attributes:
        difference: Mean intersection over union of the candidate less that of the champion.
    """

    candidate: Evaluation
    champion: Evaluation | None = None
    difference: Quantity | None = None


def compare(
    candidate: Segmenter,
    champion: Segmenter | None,
    labelled: Labelled,
    *,
    tolerance_px: float = 3.0,
    samples: int = 1000,
    seed: int = 0,
    progress: Callable[[Frame], None] | None = None,
) -> Comparison:
    """Judge two models on the same labelled frames.

    Args:
        candidate: The one that may be better.
        champion: The other; None only scores the candidate.
        labelled: The frames.
        tolerance_px: Boundaries this close count as found [px].
        samples: Bootstrap samples.
        seed: Seed of the bootstrap.
        progress: Called with each frame before a model sees it.

    Raises:
        LabelledDataError: A model knows other phases than the labels.
    """

    def counted(model: Segmenter) -> list[FrameCounts]:
        refuse_other_phases(model, labelled)
        frames = [(frame, labelled.ignore_label) for frame in labelled.frames]
        return frame_counts(model, frames, tolerance_px, progress=progress)

    ours = counted(candidate)
    evaluation = summarise(ours, candidate, tolerance_px, samples=samples, seed=seed)
    if champion is None:
        return Comparison(evaluation)
    theirs = counted(champion)
    difference = paired_difference(resampling_units(ours), resampling_units(theirs), samples=samples, seed=seed)
    return Comparison(evaluation, summarise(theirs, champion, tolerance_px, samples=samples, seed=seed), difference)


def paired_difference(
    ours: Sequence[Counts], theirs: Sequence[Counts], *, samples: int = 1000, seed: int = 0
) -> Quantity:
    """Mean IoU of one model less that of another on the same n units, with its 95 % interval.

    The bootstrap draws the same units for both models.

    Args:
        ours: Counts of the units that one model was judged on.
        theirs: Those of the other model, in the same order.

    Returns:
        The difference; a single unit has no interval (NaN).
    """
    value = float(mean_iou(added(ours)) - mean_iou(added(theirs)))
    drawn = [mean_iou(resampled(units, samples, np.random.default_rng(seed))) for units in (ours, theirs)]
    return student_interval(value, drawn[0] - drawn[1], len(ours))
