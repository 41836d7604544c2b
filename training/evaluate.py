"""How good a model is on labelled frames, with intervals that know that frames of one specimen resemble each other."""

import dataclasses
import json
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ionfront.core import LabelledDataError, Quantity, UsageError
from ionfront.models import Segmenter, load_segmenter
from ionfront.models.engine import Device

from .frames import Frame, Labelled
from .scores import Counts, Float, boundary_f1, calibration_error, count, dice, iou, mean_iou, reliability

__all__ = ["Evaluation", "FrameCounts", "Scores", "evaluate", "frame_counts", "summarise"]


@dataclass(frozen=True)
class Scores:
    """Scores with 95 % intervals; phases neither labelled nor predicted are left out.

    Attributes:
        frames: Number of frames.
        mean_iou: Mean intersection over union of the phases.
        iou: Intersection over union by phase.
        dice: Dice coefficient by phase.
        boundary_f1: Boundary F1 by phase.
        calibration_error: Expected calibration error: how far stated probabilities are from the share of right pixels.
    """

    frames: int
    mean_iou: Quantity
    iou: dict[str, Quantity]
    dice: dict[str, Quantity]
    boundary_f1: dict[str, Quantity]
    calibration_error: Quantity


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation.

    Attributes:
        model: Name and version of the model.
        sha256: Digest of the model file.
        phases: Names by label id.
        tolerance_px: Boundaries this close count as found [px].
        resampled: What the bootstrap draws for the overall intervals: whole groups, or frames where there is one group.
        overall: Scores over all frames.
        groups: Scores of each group, intervals over its frames.
        confusion: Pixels by label id and predicted id.
        reliability: Of each bin of the stated probability that occurs: its mean, the share of right pixels, and pixels.
    """

    model: str
    sha256: str
    phases: tuple[str, ...]
    tolerance_px: float
    resampled: Literal["group", "frame"]
    overall: Scores
    groups: dict[str, Scores]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[tuple[float, float, int], ...]

    def to_json(self) -> str:
        """The result as JSON; what is undefined is null."""
        return json.dumps(_without_nan(dataclasses.asdict(self)), indent=1)


@dataclass(frozen=True)
class FrameCounts:
    """Counts of one frame."""

    name: str
    group: str
    counts: Counts


def evaluate(
    model_path: Path | None,
    labelled: Labelled,
    groups: Collection[str] | None = None,
    *,
    tolerance_px: float = 3.0,
    samples: int = 1000,
    seed: int = 0,
    device: Device = "auto",
    progress: Callable[[Frame], None] | None = None,
) -> Evaluation:
    """Evaluate a model file on labelled frames.

    Args:
        model_path: Model file; None takes the bundled model.
        labelled: The data set.
        groups: Only these groups; None means all.
        tolerance_px: Boundaries this close count as found [px].
        samples: Bootstrap samples.
        seed: Seed of the bootstrap.
        device: Where the network runs.
        progress: Called with each frame before it is read.

    Raises:
        LabelledDataError: The model knows other phases than the labels.
        UsageError: A group is unknown, or no frame is left.
        ModelFileError: The model file cannot be used.
    """
    segmenter = load_segmenter(model_path, device=device)
    if segmenter.info.phases != labelled.scheme.names:
        raise LabelledDataError(
            f"the model knows phases {list(segmenter.info.phases)}, the labels are {list(labelled.scheme.names)}; "
            "both must be the same: fine-tune the model on this data set (`ionfront finetune`)."
        )
    frames = _chosen(labelled.frames, groups)
    counted = frame_counts(
        segmenter, ((frame, labelled.ignore_label) for frame in frames), tolerance_px, progress=progress
    )
    return summarise(counted, segmenter, tolerance_px, samples=samples, seed=seed)


def frame_counts(
    segmenter: Segmenter,
    frames: Iterable[tuple[Frame, int | None]],
    tolerance_px: float = 3.0,
    *,
    progress: Callable[[Frame], None] | None = None,
) -> list[FrameCounts]:
    """Segment frames, each with the label id to ignore in it, and count."""
    n_phases = len(segmenter.info.phases)
    counted = []
    for frame, ignore_label in frames:
        if progress is not None:
            progress(frame)
        image, label = frame.load()
        probabilities = segmenter.probabilities(image)
        predicted, stated = probabilities.argmax(axis=0).astype(np.uint8), probabilities.max(axis=0)
        counts = count(predicted, label, n_phases, ignore_label, tolerance_px, stated)
        counted.append(FrameCounts(frame.name, frame.group, counts))
    return counted


def summarise(
    counted: Sequence[FrameCounts],
    segmenter: Segmenter,
    tolerance_px: float,
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Scores of counted frames; frames may come from several models of one cross-validation."""
    info = segmenter.info
    groups = sorted({item.group for item in counted})
    by_group = {name: [item.counts for item in counted if item.group == name] for name in groups}
    pooled = [_added(counts) for counts in by_group.values()] if len(groups) > 1 else by_group[groups[0]]
    total = _added(pooled)

    def scores(units: Sequence[Counts], frames: int) -> Scores:
        return _scores(units, frames, info.phases, samples, np.random.default_rng(seed))

    return Evaluation(
        model=f"{info.name} {info.version}",
        sha256=segmenter.sha256,
        phases=info.phases,
        tolerance_px=tolerance_px,
        resampled="group" if len(groups) > 1 else "frame",
        overall=scores(pooled, len(counted)),
        groups={name: scores(counts, len(counts)) for name, counts in by_group.items()},
        confusion=tuple(tuple(int(pixels) for pixels in row) for row in total.confusion),
        reliability=_reliability(total),
    )


def _reliability(total: Counts) -> tuple[tuple[float, float, int], ...]:
    stated, right = reliability(total)
    pixels = total.confidence[:, 0]
    return tuple((float(stated[b]), float(right[b]), int(pixels[b])) for b in np.flatnonzero(pixels))


def _scores(
    units: Sequence[Counts], frames: int, phases: Sequence[str], samples: int, rng: np.random.Generator
) -> Scores:
    total, resampled = _added(units), _resampled(units, samples, rng)
    means = mean_iou(resampled)

    def by_phase(score: Callable[[Counts], Float]) -> dict[str, Quantity]:
        values, spread = score(total), score(resampled)
        return {
            name: Quantity.from_samples(float(values[index]), spread[:, index])
            for index, name in enumerate(phases)
            if np.isfinite(values[index])
        }

    mean = Quantity.from_samples(float(mean_iou(total)), means)
    stated = Quantity.from_samples(float(calibration_error(total)), calibration_error(resampled))
    return Scores(frames, mean, by_phase(iou), by_phase(dice), by_phase(boundary_f1), stated)


def _added(units: Sequence[Counts]) -> Counts:
    return _combined(units, lambda arrays: np.sum(arrays, axis=0))


def _resampled(units: Sequence[Counts], samples: int, rng: np.random.Generator) -> Counts:
    """Bootstrap: each sample draws as many units as there are, with replacement; samples are the first axis.

    A single unit says nothing about spread: its samples are NaN, and so are the intervals.
    """
    drawn = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), size=samples).astype(float)
    if len(units) == 1:
        drawn[:] = np.nan
    return _combined(units, lambda arrays: np.tensordot(drawn, np.stack(arrays), axes=1))


def _combined(units: Sequence[Counts], combine: Callable[[list[Float]], Float]) -> Counts:
    return Counts(*(combine([getattr(unit, field.name) for unit in units]) for field in dataclasses.fields(Counts)))


def _chosen(frames: Sequence[Frame], groups: Collection[str] | None) -> list[Frame]:
    known = {frame.group for frame in frames}
    if groups is not None and (unknown := set(groups) - known):
        raise UsageError(f"there is no group {sorted(unknown)}; the data have {sorted(known)}: correct the name.")
    chosen = [frame for frame in frames if groups is None or frame.group in groups]
    if not chosen:
        raise UsageError("no labelled frame was chosen, at least one is needed: name a group or give another data set.")
    return chosen


def _without_nan(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_nan(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_without_nan(inner) for inner in value]
        case float() if not math.isfinite(value):
            return None
    return value
