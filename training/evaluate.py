"""How good a model is on labelled frames, with intervals that know that frames of one specimen resemble each other."""

import dataclasses
import json
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from ionfront.core import LabelledDataError, Quantity, UsageError
from ionfront.datasets import likeliest
from ionfront.models import Segmenter, load_segmenter
from ionfront.models.engine import Device

from .frames import Frame, Labelled
from .scores import (
    Counts,
    Float,
    added,
    boundary_f1,
    calibration_error,
    count,
    dice,
    iou,
    mean_iou,
    reliability,
    resampled,
    student_interval,
)

__all__ = ["Evaluation", "FrameCounts", "Scores", "chosen_frames", "evaluate", "frame_counts", "refuse_other_phases"]
__all__ += ["resampling_units", "summarise", "without_nan"]


SomeFrame = TypeVar("SomeFrame", bound=Frame)


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
        resampled: What the bootstrap draws for the overall intervals: whole groups, or frames where there is one group,
            or each is a group of its own.
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
        return json.dumps(without_nan(dataclasses.asdict(self)), indent=1)


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
    refuse_other_phases(segmenter, labelled)
    frames = ((frame, labelled.ignore_label) for frame in chosen_frames(labelled.frames, groups))
    counted = frame_counts(segmenter, frames, tolerance_px, progress=progress)
    return summarise(counted, segmenter, tolerance_px, samples=samples, seed=seed)


def refuse_other_phases(segmenter: Segmenter, labelled: Labelled) -> None:
    """Raise LabelledDataError where the model's phases are not those of the labels."""
    if segmenter.info.phases != labelled.scheme.names:
        raise LabelledDataError(
            f"the model knows phases {list(segmenter.info.phases)}, the labels are {list(labelled.scheme.names)}; "
            "both must be the same: fine-tune the model on this data set (`ionfront finetune`)."
        )


def chosen_frames(frames: Sequence[SomeFrame], groups: Collection[str] | None) -> list[SomeFrame]:
    """Frames of the groups named; None means all.

    Raises:
        UsageError: A group is unknown, or no frame is left.
    """
    known = {frame.group for frame in frames}
    if groups is not None and (unknown := set(groups) - known):
        raise UsageError(f"there is no group {sorted(unknown)}; the data have {sorted(known)}: correct the name.")
    chosen = [frame for frame in frames if groups is None or frame.group in groups]
    if not chosen:
        raise UsageError("no labelled frame was chosen, at least one is needed: name a group or give another data set.")
    return chosen


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
        predicted, stated = likeliest(probabilities), probabilities.max(axis=0)
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
    by_group, units = _by_group(counted), resampling_units(counted)
    total = added(units)

    def scores(units: Sequence[Counts], frames: int) -> Scores:
        return _scores(units, frames, info.phases, samples, np.random.default_rng(seed))

    return Evaluation(
        model=f"{info.name} {info.version}",
        sha256=segmenter.sha256,
        phases=info.phases,
        tolerance_px=tolerance_px,
        resampled="group" if 1 < len(by_group) < len(counted) else "frame",
        overall=scores(units, len(counted)),
        groups={name: scores(counts, len(counts)) for name, counts in by_group.items()},
        confusion=tuple(tuple(int(pixels) for pixels in row) for row in total.confusion),
        reliability=_reliability(total),
    )


def _reliability(total: Counts) -> tuple[tuple[float, float, int], ...]:
    stated, right = reliability(total)
    pixels = total.confidence[:, 0]
    return tuple((float(stated[b]), float(right[b]), int(pixels[b])) for b in np.flatnonzero(pixels))


def resampling_units(counted: Sequence[FrameCounts]) -> list[Counts]:
    """Counts of what a bootstrap draws: of whole groups, or of frames where there is one group."""
    by_group = _by_group(counted)
    if len(by_group) == 1:
        return [item.counts for item in counted]
    return [added(counts) for counts in by_group.values()]


def _by_group(counted: Sequence[FrameCounts]) -> dict[str, list[Counts]]:
    groups = sorted({item.group for item in counted})
    return {name: [item.counts for item in counted if item.group == name] for name in groups}


def _scores(
    units: Sequence[Counts], frames: int, phases: Sequence[str], samples: int, rng: np.random.Generator
) -> Scores:
    total, drawn = added(units), resampled(units, samples, rng)
    means = mean_iou(drawn)

    def by_phase(score: Callable[[Counts], Float]) -> dict[str, Quantity]:
        values, spread = score(total), score(drawn)
        return {
            name: _share(float(values[index]), spread[:, index], len(units))
            for index, name in enumerate(phases)
            if np.isfinite(values[index])
        }

    mean = _share(float(mean_iou(total)), means, len(units))
    stated = _share(float(calibration_error(total)), calibration_error(drawn), len(units))
    return Scores(frames, mean, by_phase(iou), by_phase(dice), by_phase(boundary_f1), stated)


def _share(value: float, samples: Float, n_units: int) -> Quantity:
    """A score between 0 and 1 with its interval."""
    spread = student_interval(value, samples, n_units)
    return Quantity(value, *(float(np.clip(end, 0, 1)) for end in (spread.low, spread.high)))


def without_nan(value: Any) -> Any:
    """The same nested value with None for numbers that JSON does not have."""
    match value:
        case dict():
            return {key: without_nan(inner) for key, inner in value.items()}
        case list() | tuple():
            return [without_nan(inner) for inner in value]
        case float() if not math.isfinite(value):
            return None
    return value
