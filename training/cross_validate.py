"""Cross-validation with whole specimens held out: every frame is judged by a model that never saw its specimen."""

import json
from collections.abc import Sequence
from pathlib import Path

from ionfront.core import UsageError
from ionfront.datasets import LabelledSet, PackedSet, group_folds
from ionfront.models import load_segmenter
from ionfront.models.engine import Device

from .evaluate import Evaluation, FrameCounts, frame_counts, summarise
from .lightning_cli import data_argument, train_segmenter
from .sources import Tagged, read_sources

__all__ = ["cross_validate"]


def cross_validate(
    arguments: Sequence[str],
    data: Sequence[Path],
    n_folds: int = 5,
    *,
    out: Path,
    seed: int = 0,
    tolerance_px: float = 3.0,
    device: Device = "auto",
) -> Evaluation:
    """Train one model a fold and evaluate all held-out frames together.

    Within a fold, the groups of the next fold choose the best epoch, so that the held-out ones take no part in it.

    Args:
        arguments: As for `train_segmenter`, without data, groups, output and checkpoint folder.
        data: Labelled data sets; each is dealt into folds by itself.
        n_folds: How many folds; at least 3 (one trains, one chooses, one judges), at most the number of groups.
        out: Folder for the models of the folds, `fold0.onnx` and so on.
        seed: Seed of the folds.
        tolerance_px: Boundaries this close count as found [px].
        device: Where the networks run in the evaluation.

    Returns:
        Scores over the held-out frames of all folds; model name and digest are those of the last fold.

    Raises:
        UsageError: Fewer than three folds were asked for.
        LabelledDataError: There are fewer groups than folds, or the data break their layout.
        OutputExistsError: A fold's model exists already.
    """
    if n_folds < 3:
        raise UsageError(f"{n_folds} folds were asked for; one trains, one chooses and one judges: take 3 or more.")
    folds = _folds(read_sources([str(folder) for folder in data]), n_folds, seed)
    counted: list[FrameCounts] = []
    for index, held in enumerate(folds):
        path = Path(out) / f"fold{index}.onnx"
        chooses = _groups(folds[(index + 1) % n_folds])
        train_segmenter([*arguments, data_argument(data), *_fold_arguments(_groups(held), chooses, path)])
        segmenter = load_segmenter(path, device=device)
        counted += frame_counts(segmenter, held, tolerance_px)
    return summarise(counted, segmenter, tolerance_px, seed=seed)


def _folds(sets: Sequence[LabelledSet | PackedSet], n_folds: int, seed: int) -> list[list[Tagged]]:
    """Held-out frames of each fold, over all data sets."""
    folds: list[list[Tagged]] = [[] for _ in range(n_folds)]
    for labelled in sets:
        for fold, (_, held) in zip(folds, group_folds(labelled, n_folds, seed), strict=True):
            fold += [(frame, held.ignore_label) for frame in held.frames]
    return folds


def _groups(frames: Sequence[Tagged]) -> list[str]:
    return sorted({frame.group for frame, _ in frames})


def _fold_arguments(held_out: Sequence[str], chooses: Sequence[str], path: Path) -> list[str]:
    return [
        "--data.held_out_groups=" + json.dumps(list(held_out)),
        "--data.validation_groups=" + json.dumps(list(chooses)),
        f"--output.path={path}",
        f"--checkpoint.dirpath={path.with_suffix('')}",
    ]
