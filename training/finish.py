"""After the last epoch: calibrate, export, evaluate, record."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ionfront.core import OutputExistsError
from ionfront.models import ModelInfo, Segmenter, load_segmenter

from .calibrate import fit_temperature
from .data import SegmentationData
from .evaluate import Evaluation, frame_counts, summarise
from .export import export_segmenter, rewrite_info
from .frames import IGNORE
from .module import SegmenterModule
from .pictures import confusion_figure, overlay_figure, reliability_figure
from .provenance import TRAINED_ON, frame_digests
from .tracking import Run, git_revision

__all__ = ["Output", "finish", "record", "refuse_existing"]

_PIXELS_A_CROP = 4096
_PICTURES = 4
_FRAMES = 64


@dataclass(frozen=True)
class Output:
    """The model file that a training run writes.

    Attributes:
        path: Where it goes.
        overwrite: Whether a file there may be replaced.
        name: Name in its metadata.
        version: Version in its metadata.
        licence: Licence of the weights.
        field_px: Edge of the frames trained on, where the model is for frames of any size; None where it is for such.
        pixel_size_range_nm: Smallest and largest pixel trained on [nm]; None when unknown.
    """

    path: str = "segmenter.onnx"
    overwrite: bool = False
    name: str = "segmenter"
    version: str = "0.1.0"
    licence: str = "unknown"
    field_px: int | None = None
    pixel_size_range_nm: tuple[float, float] | None = None


def finish(module: SegmenterModule, data: SegmentationData, output: Output, run: Run | None) -> Evaluation:
    """Turn the trained module into a model file and its record.

    Returns:
        Scores on the validation frames (at most 64, evenly spaced).
    """
    path = Path(output.path)
    facts = {"data_sha256": data.digest(), "git_revision": git_revision(Path(__file__).parent)}
    seen = frame_digests(frame for frame, _ in (*data.sources.train, *data.sources.validation))
    info = _info(module, data, output, "" if run is None else run.run_id, {**facts, TRAINED_ON: seen})
    export_segmenter(module.network, info, path, overwrite=output.overwrite)
    segmenter = load_segmenter(path)
    frames = _evenly(data.validation_frames, _FRAMES)
    evaluation = summarise(frame_counts(segmenter, frames), segmenter, 3.0)
    info = info.model_copy(update={"training_summary": info.training_summary | _summary(evaluation)})
    rewrite_info(path, info)
    if run is not None:
        record(run, path, load_segmenter(path), evaluation, frames, facts)
    return evaluation


def refuse_existing(output: Output) -> None:
    """Before any work is done.

    Raises:
        OutputExistsError: The model file is there already, and may not be replaced.
    """
    if Path(output.path).exists() and not output.overwrite:
        raise OutputExistsError(
            f"{output.path} exists already; a finished model is never overwritten unasked. "
            "Give another path, or say that it may be overwritten."
        )


def _info(
    module: SegmenterModule, data: SegmentationData, output: Output, run_id: str, summary: dict[str, Any]
) -> ModelInfo:
    return ModelInfo(
        name=output.name,
        version=output.version,
        phases=tuple(data.phases),
        reaction_order=tuple(data.reaction_order),
        normalisation=data.normalisation,
        reduction=data.reduction,
        field_px=output.field_px,
        pixel_size_range_nm=output.pixel_size_range_nm,
        temperature=_temperature(module, data),
        run_id=run_id,
        licence=output.licence,
        architecture=module.architecture,
        training_summary=summary,
    )


def _temperature(module: SegmenterModule, data: SegmentationData) -> float:
    """Fitted on a few thousand pixels of each validation crop."""
    rng = np.random.default_rng(0)
    logits, labels = [], []
    module.eval().cpu()
    with torch.inference_mode():
        for frames, truth in data.val_dataloader():
            rows = module(frames).movedim(1, -1).flatten(0, 2).numpy()
            ids = truth.flatten().numpy()
            known = rng.permutation(np.flatnonzero(ids != IGNORE))[: _PIXELS_A_CROP * len(frames)]
            logits.append(rows[known])
            labels.append(ids[known])
    return fit_temperature(np.concatenate(logits), np.concatenate(labels))


def _summary(evaluation: Evaluation) -> dict[str, Any]:
    scores = evaluation.overall
    return {
        "validation_frames": scores.frames,
        "validation_mean_iou": round(scores.mean_iou.value, 4),
        "validation_iou": {name: round(score.value, 4) for name, score in scores.iou.items()},
    }


def record(
    run: Run, path: Path, segmenter: Segmenter, evaluation: Evaluation | None, frames: list[Any], facts: dict[str, str]
) -> None:
    """Put scores, where there are any, pictures and the model file itself into the training record."""
    run.log_tags(facts | {"model_sha256": segmenter.sha256})
    if evaluation is not None:
        _record_scores(run, segmenter, evaluation)
    for frame, _ in _evenly(frames, _PICTURES):
        image, label = frame.load()
        picture = overlay_figure(image, label, segmenter.labels(image), segmenter.info.phases, frame.name)
        run.log_figure(picture, f"overlays/{frame.name}.png")
    run.register(path)


def _record_scores(run: Run, segmenter: Segmenter, evaluation: Evaluation) -> None:
    run.log_metrics(
        {
            "final_mean_iou": evaluation.overall.mean_iou.value,
            "final_calibration_error": evaluation.overall.calibration_error.value,
            "temperature": segmenter.info.temperature,
        }
        | {f"final_iou_{name}": score.value for name, score in evaluation.overall.iou.items()}
    )
    run.log_text(evaluation.to_json(), "evaluation.json")
    run.log_json({"phases": evaluation.phases, "pixels": evaluation.confusion}, "confusion.json")
    run.log_figure(confusion_figure(evaluation.confusion, evaluation.phases), "confusion.png")
    run.log_figure(reliability_figure(evaluation.reliability, evaluation.model), "reliability.png")


def _evenly(items: list[Any], most: int) -> list[Any]:
    picked = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int))
    return [items[index] for index in picked]
