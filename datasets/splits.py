"""Splits of labelled data that never cut a group: frames of one specimen are all seen, or all held out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ionfront.core import LabelledDataError

from .labelled import LabelledFrame, LabelledSet
from .packed import PackedFrame, PackedSet

__all__ = ["group_folds", "split_by_group"]

Set = TypeVar("Set", bound=LabelledSet | PackedSet)


def split_by_group(labelled: Set, held_out: Sequence[str]) -> tuple[Set, Set]:
    """Frames to train on, and those of the groups `held_out`.

    Raises:
        LabelledDataError: A group is unknown, or one side would be empty.
    """
    unknown = sorted(set(held_out) - set(labelled.groups))
    if unknown:
        raise LabelledDataError(f"{labelled.root} has no group {unknown}; it has {list(labelled.groups)}.")
    held = tuple(frame for frame in labelled.frames if frame.group in held_out)
    train = tuple(frame for frame in labelled.frames if frame.group not in held_out)
    if not (held and train):
        raise LabelledDataError(
            f"holding out {len(set(held_out))} of {len(labelled.groups)} groups of {labelled.root} leaves "
            f"{len(train)} frames to train on and {len(held)} held out; both sides need one."
        )
    return _only(labelled, train), _only(labelled, held)


def group_folds(labelled: Set, n_folds: int, seed: int) -> list[tuple[Set, Set]]:
    """Cross-validation folds (train, held out) of about equally many frames; each group is held out once.

    Raises:
        LabelledDataError: There are fewer groups than folds, or fewer than two folds.
    """
    groups = labelled.groups
    if not 2 <= n_folds <= len(groups):
        raise LabelledDataError(
            f"{n_folds} folds were asked of {labelled.root}, which has {len(groups)} groups; choose 2 to {len(groups)}."
        )
    return [split_by_group(labelled, fold) for fold in _balanced(labelled, n_folds, seed)]


def _balanced(labelled: Set, n_folds: int, seed: int) -> list[list[str]]:
    """Groups dealt to folds in random order, the largest first, each to the fold that has the fewest frames."""
    sizes = {group: sum(frame.group == group for frame in labelled.frames) for group in labelled.groups}
    shuffled = np.random.default_rng(seed).permutation(list(sizes)).tolist()
    folds: list[list[str]] = [[] for _ in range(n_folds)]
    for group in sorted(shuffled, key=lambda name: -sizes[name]):
        min(folds, key=lambda fold: sum(sizes[member] for member in fold)).append(group)
    return folds


def _only(labelled: Set, frames: Sequence[LabelledFrame | PackedFrame]) -> Set:
    return replace(labelled, frames=tuple(frames))  # type: ignore[arg-type]  # they are its own
