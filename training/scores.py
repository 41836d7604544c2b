"""Segmentation scores as functions of counts, so that frames, groups and bootstrap samples simply add up."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.stats import t as student

from ionfront.core import Quantity

from .frames import Label

__all__ = ["BINS", "Counts", "added", "boundary_f1", "calibration_error", "confidence_counts", "count", "dice", "iou"]
__all__ += ["mean_iou", "reliability", "resampled", "student_interval"]

BINS = 15
"""Bins of stated confidence, of equal width between 0 and 1."""

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """What the scores are made of; leading axes may hold frames or bootstrap samples.

    Attributes:
        confusion: Pixels by label id and predicted id, shape (..., phase, phase).
        boundary: By phase, boundary pixels: predicted and near a true one, predicted, true and near a predicted one,
            true; shape (..., phase, 4).
        confidence: By bin of the stated probability of the predicted phase: pixels, sum of those probabilities, pixels
            where the phase was right; shape (..., bin, 3).
    """

    confusion: Float
    boundary: Float
    confidence: Float


def count(
    predicted: Label,
    label: Label,
    n_phases: int,
    ignore_label: int | None,
    tolerance_px: float,
    stated: NDArray[np.float32] | None = None,
) -> Counts:
    """Counts of one frame; predicted and true label ids, and stated probabilities of the predicted ones, are (y, x).

    Boundary pixels within the tolerance of ignored ones are not judged: the end of a scribble bounds no phase.
    """
    valid = np.ones(label.shape, bool) if ignore_label is None else label != ignore_label
    pairs = label[valid].astype(np.int64) * n_phases + predicted[valid]
    confusion = np.bincount(pairs, minlength=n_phases**2).reshape(n_phases, n_phases)
    boundary = [_boundary(predicted == phase, label == phase, valid, tolerance_px) for phase in range(n_phases)]
    confidence = (
        np.zeros((BINS, 3)) if stated is None else confidence_counts(stated[valid], (predicted == label)[valid])
    )
    return Counts(confusion.astype(float), np.asarray(boundary, float), confidence)


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


def reliability(counts: Counts) -> tuple[Float, Float]:
    """Mean stated probability and share of right pixels in each bin, shape (..., bin); NaN where a bin is empty."""
    pixels = counts.confidence[..., 0]
    return _ratio(counts.confidence[..., 1], pixels), _ratio(counts.confidence[..., 2], pixels)


def calibration_error(counts: Counts) -> Float:
    """Expected calibration error of the predicted phase, shape (...); NaN where nothing was stated.

    Mean over pixels of the difference between stated probability and share of right ones in its bin (Guo et al. 2017,
    arXiv:1706.04599, equation 3).
    """
    pixels, stated, right = np.moveaxis(counts.confidence, -1, 0)
    return _ratio(np.abs(stated - right).sum(axis=-1), pixels.sum(axis=-1))


def confidence_counts(stated: NDArray[np.float32], right: Bool) -> Float:
    """The `confidence` of some pixels' counts, from the probabilities stated for them and whether they were right."""
    bins = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    weights = (None, stated, right)
    return np.stack([np.bincount(bins, weight, minlength=BINS) for weight in weights], axis=-1).astype(float)


def added(units: Sequence[Counts]) -> Counts:
    """Counts of all units together."""
    return _combined(units, lambda arrays: np.sum(arrays, axis=0))


def student_interval(value: float, samples: Float, n_units: int) -> Quantity:
    """A value with its 95 % interval, from bootstrap samples over n units.

    Of few units a bootstrap's spread is too small by sqrt(1 - 1/n), and its percentiles reach no farther than the units
    do (narrowness bias: Hesterberg 2015, doi:10.1080/00031305.2015.1089789). So it only gives the standard error, and
    the interval is Student's. A single unit has none (NaN).
    """
    known = samples[np.isfinite(samples)]
    if n_units < 2 or known.size < 2:
        return Quantity(value, math.nan, math.nan)
    error = float(np.std(known, ddof=1)) * math.sqrt(n_units / (n_units - 1))
    half = float(student.ppf(0.975, n_units - 1)) * error
    return Quantity(value, value - half, value + half)


def resampled(units: Sequence[Counts], samples: int, rng: np.random.Generator) -> Counts:
    """Bootstrap: each sample draws as many units as there are, with replacement; samples are the first axis.

    Two models judged on the same units are drawn alike by generators of one seed.
    A single unit says nothing about spread: its samples are NaN, and so are the intervals.
    """
    drawn = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), size=samples).astype(float)
    if len(units) == 1:
        drawn[:] = np.nan
    return _combined(units, lambda arrays: np.tensordot(drawn, np.stack(arrays), axes=1))


def _combined(units: Sequence[Counts], combine: Callable[[list[Float]], Float]) -> Counts:
    return Counts(*(combine([getattr(unit, field.name) for unit in units]) for field in fields(Counts)))


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
