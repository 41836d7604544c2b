"""Which frames are trained on, which choose the model, and which are never seen."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ionfront.core import LabelledDataError, PhaseScheme, UsageError
from ionfront.datasets import LabelledSet, PackedSet, open_labelled

from .frames import Frame, Labelled

__all__ = ["Sources", "Tagged", "read_sources", "split_sources"]

Tagged = tuple[Frame, int | None]
"""A frame and the label id that its data set ignores."""


@dataclass(frozen=True)
class Sources:
    """Labelled frames for training and for validation; both are empty without labelled data."""

    train: tuple[Tagged, ...] = ()
    validation: tuple[Tagged, ...] = ()


def read_sources(folders: Sequence[str]) -> list[LabelledSet | PackedSet]:
    """Read labelled data sets, folders or stores, that share one phase scheme.

    Raises:
        LabelledDataError: A folder breaks its layout, or two name their phases differently.
    """
    sets = [open_labelled(Path(folder)) for folder in folders]
    for folder, labelled in zip(folders, sets, strict=True):
        if labelled.scheme != sets[0].scheme:
            raise LabelledDataError(
                f"{folder} has phases {_names(labelled.scheme)}, {folders[0]} has {_names(sets[0].scheme)}; data sets "
                "trained on together need the same: edit `labels` in dataset.json, or train on one of them."
            )
    return sets


def split_sources(
    sets: Sequence[Labelled],
    held_out_groups: Collection[str],
    validation_groups: Collection[str],
    train_frames: Collection[str] = (),
) -> Sources:
    """Sort frames by their group.

    Args:
        sets: The data sets.
        held_out_groups: Never seen, neither in training nor in validation.
        validation_groups: Choose the model. Empty: training frames validate, which flatters the scores.
        train_frames: Names of the only frames to train on; empty means all.

    Raises:
        UsageError: A group or a frame is unknown, or nothing is left to train on.
    """
    tagged = [(frame, labelled.ignore_label) for labelled in sets for frame in labelled.frames]
    groups = {frame.group for frame, _ in tagged}
    _refuse_unknown("group", {*held_out_groups, *validation_groups}, groups)
    _refuse_unknown("frame", set(train_frames), {frame.name for frame, _ in tagged})
    if both := set(held_out_groups) & set(validation_groups):
        raise UsageError(f"groups {sorted(both)} are both held out and for validation: choose one for each.")
    apart = {*held_out_groups, *validation_groups}
    train = [item for item in tagged if item[0].group not in apart]
    if train_frames:
        train = [item for item in train if item[0].name in train_frames]
    if tagged and not train:
        raise UsageError(f"of {len(tagged)} frames none is left to train on: hold out fewer groups.")
    validation = [item for item in tagged if item[0].group in validation_groups]
    return Sources(tuple(train), tuple(validation or train))


def _refuse_unknown(kind: str, asked: set[str], known: set[str]) -> None:
    if unknown := asked - known:
        raise UsageError(f"there is no {kind} {sorted(unknown)}; the data have {sorted(known)}: correct the name.")


def _names(scheme: PhaseScheme) -> str:
    return ", ".join(scheme.names)
