"""The honest score of a fine-tuning: every fold's model judged on what it never saw, epochs chosen by the others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ionfront.datasets import likeliest
from ionfront.models import Segmenter

from .evaluate import FrameCounts
from .frames import IGNORE
from .scores import added, confidence_counts, count, mean_iou
from .sources import Tagged

__all__ = ["TOLERANCE_PX", "Choice", "Verdict", "choose", "judge", "pooled_mean_iou"]

TOLERANCE_PX = 3.0
"""Boundaries this close count as found [px]."""

_PIXELS_A_FRAME = 20_000
_SMALLEST = 1e-7

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Verdict:
    """What a model made of frames that it never saw.

    Attributes:
        counts: Of each frame; of how sure the model was, nothing.
        logits: Of each frame, logarithms of the probabilities of some labelled pixels, shape (pixel, phase).
        labels: Of each frame, label ids of these pixels.
    """

    counts: list[FrameCounts]
    logits: list[Floats]
    labels: list[NDArray[np.uint8]]

    def calibrated(self, temperature: float) -> list[FrameCounts]:
        """Counts that say how sure the model was, with its logits divided by a temperature."""
        found = []
        for item, logits, labels in zip(self.counts, self.logits, self.labels, strict=True):
            stated = softmax(logits / temperature, axis=1)
            sure = confidence_counts(stated.max(axis=1), stated.argmax(axis=1) == labels)
            found.append(replace(item, counts=replace(item.counts, confidence=sure)))
        return found


@dataclass(frozen=True)
class Choice:
    """Which snapshot speaks for a fold, and which for a model trained on all frames."""

    by_fold: tuple[int, ...]
    overall: int


def judge(segmenter: Segmenter, frames: Sequence[Tagged]) -> Verdict:
    """Segment frames and count; the model's temperature should be 1, so that one can be fitted."""
    rng = np.random.default_rng(0)
    counts, logits, labels = [], [], []
    for frame, ignore_label in frames:
        image, label = frame.load()
        probabilities = segmenter.probabilities(image)
        predicted = likeliest(probabilities)
        n_phases = len(probabilities)
        counts.append(
            FrameCounts(frame.name, frame.group, count(predicted, label, n_phases, ignore_label, TOLERANCE_PX))
        )
        ignored = IGNORE if ignore_label is None else ignore_label
        known = rng.permutation(np.flatnonzero(label != ignored))[:_PIXELS_A_FRAME]
        rows = np.moveaxis(probabilities, 0, -1).reshape(-1, n_phases)[known]
        logits.append(np.log(np.maximum(rows, _SMALLEST)))
        labels.append(label.ravel()[known])
    return Verdict(counts, logits, labels)


def choose(scores: Sequence[Sequence[float]]) -> Choice:
    """The best snapshot for each fold by the scores of the others, and for all by all.

    So no pixel that judges a model has chosen how long it was trained. A fold alone takes its last snapshot.

    Args:
        scores: Mean IoU by fold and snapshot, shape (fold, snapshot).
    """
    table = np.asarray(scores, float)
    last = table.shape[1] - 1
    if len(table) == 1:
        return Choice((last,), last)
    by_fold = (int(np.delete(table, fold, axis=0).mean(axis=0).argmax()) for fold in range(len(table)))
    return Choice(tuple(by_fold), int(table.mean(axis=0).argmax()))


def pooled_mean_iou(counts: Sequence[FrameCounts]) -> float:
    """Mean IoU of the phases, all frames taken together."""
    return float(mean_iou(added([item.counts for item in counts])))
