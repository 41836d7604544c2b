"""Segmentation scores as functions of counts, so that frames, groups and bootstrap samples simply add up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

from .frames import Label

__all__ = ["Counts", "boundary_f1", "count", "dice", "iou", "mean_iou"]

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """What the scores are made of; leading axes may hold frames or bootstrap samples.

    Attributes:
        confusion: Pixels by label id and predicted id, shape (..., phase, phase).
        boundary: By phase, boundary pixels: predicted and near a true one, predicted, true and near a predicted one,
            true; shape (..., phase, 4).
    """

    confusion: Float
    boundary: Float


def count(predicted: Label, label: Label, n_phases: int, ignore_label: int | None, tolerance_px: float) -> Counts:
    """Counts of one frame; predicted and true label ids are both (y, x).

    Boundary pixels within the tolerance of ignored ones are not judged: the end of a scribble bounds no phase.
    """
    valid = np.ones(label.shape, bool) if ignore_label is None else label != ignore_label
    pairs = label[valid].astype(np.int64) * n_phases + predicted[valid]
    confusion = np.bincount(pairs, minlength=n_phases**2).reshape(n_phases, n_phases)
    boundary = [_boundary(predicted == phase, label == phase, valid, tolerance_px) for phase in range(n_phases)]
    return Counts(confusion.astype(float), np.asarray(boundary, float))


def iou(counts: Counts) -> Float:
    """Intersection over union by phase, shape (..., phase); NaN where a phase is neither labelled nor predicted."""
    hits, labelled, predicted = _margins(counts)
    return _ratio(hits, labelled + predicted - hits)


def dice(counts: Counts) -> Float:
    """Dice coefficient by phase, shape (..., phase); NaN where a phase is neither labelled nor predicted."""
    hits, labelled, predicted = _margins(counts)
    return _ratio(2 * hits, labelled + predicted)


def boundary_f1(counts: Counts) -> Float:
    """Harmonic mean of boundary precision and recall by phase (Csurka et al. 2013, doi:10.5244/C.27.32)."""
    precision = _ratio(counts.boundary[..., 0], counts.boundary[..., 1])
    recall = _ratio(counts.boundary[..., 2], counts.boundary[..., 3])
    one_sided = np.isnan(precision) != np.isnan(recall)
    product = 2 * np.nan_to_num(precision) * np.nan_to_num(recall)
    score = np.where(precision + recall == 0, 0.0, _ratio(product, precision + recall))
    return np.where(one_sided, 0.0, score)


def mean_iou(counts: Counts) -> Float:
    """Mean intersection over union of the phases that occur, shape (...)."""
    scores = iou(counts)
    present = np.isfinite(scores)
    return _ratio(np.nansum(scores, axis=-1), present.sum(axis=-1))


def _boundary(predicted: Bool, true: Bool, valid: Bool, tolerance_px: float) -> tuple[int, int, int, int]:
    ours, theirs = _edge(predicted) & valid, _edge(true) & valid
    judged = ~_near(~valid, tolerance_px)
    return (
        int((judged & ours & _near(theirs, tolerance_px)).sum()),
        int((judged & ours).sum()),
        int((judged & theirs & _near(ours, tolerance_px)).sum()),
        int((judged & theirs).sum()),
    )


def _edge(mask: Bool) -> Bool:
    """Inner boundary; the frame's own border is none."""
    eroded: Bool = binary_erosion(mask, border_value=1)
    return mask & ~eroded


def _near(edge: Bool, tolerance_px: float) -> Bool:
    if not edge.any():
        return np.zeros_like(edge)
    near: Bool = distance_transform_edt(~edge) <= tolerance_px
    return near


def _margins(counts: Counts) -> tuple[Float, Float, Float]:
    hits = np.diagonal(counts.confusion, axis1=-2, axis2=-1)
    return hits, counts.confusion.sum(axis=-1), counts.confusion.sum(axis=-2)


def _ratio(part: Float, whole: Float) -> Float:
    undefined = np.full(np.shape(whole), np.nan)
    return np.asarray(np.divide(part, whole, out=undefined, where=np.nan_to_num(whole) > 0))
