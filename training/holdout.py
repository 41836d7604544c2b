"""Who judges whom where labelled frames are few: whole groups, else frames, else quarters of the only frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ionfront.datasets import LabelledFrame, LabelledSet, group_folds

from .frames import IGNORE, Image, Label
from .sources import Tagged

__all__ = ["Fold", "HoldOut", "Unit", "any_labelled", "hold_out"]

Unit = Literal["group", "frame", "quarter"]

_DIAGONALS = ((0, 3), (1, 2))  # quarters, row by row: each pair holds both sides of a layer, however it lies
_MARGIN = 1 / 16  # of the frame's shorter edge, between quarters that train and quarters that judge


@dataclass(frozen=True)
class Fold:
    """Frames to train on, and frames, or parts of them, that judge."""

    train: tuple[Tagged, ...]
    judge: tuple[Tagged, ...]


@dataclass(frozen=True)
class HoldOut:
    """Folds, and what they keep apart. There are none where too little is labelled."""

    unit: Unit
    folds: tuple[Fold, ...]


@dataclass(frozen=True)
class FramePart:
    """A frame that is labelled in some of its quarters alone.

    Attributes:
        frame: The whole frame.
        ignore_label: Label id that its data set ignores.
        quarters: 0 to 3, row by row.
        margin: Share of the shorter edge that stays unlabelled on this side of the cuts.
    """

    frame: LabelledFrame
    ignore_label: int | None
    quarters: tuple[int, ...]
    margin: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.frame.name} (quarter {', '.join(map(str, self.quarters))})"

    @property
    def group(self) -> str:
        return self.frame.group

    def load(self) -> tuple[Image, Label]:
        image, label = self.frame.load()
        margin_px = round(self.margin * min(label.shape))
        part = np.full_like(label, IGNORE)
        for quarter in self.quarters:
            window = tuple(
                slice(n // 2 + margin_px, n) if second else slice(n // 2 - margin_px)
                for second, n in zip(divmod(quarter, 2), label.shape, strict=True)
            )
            part[window] = label[window]
        if self.ignore_label is not None:
            part[part == self.ignore_label] = IGNORE
        return image, part


def hold_out(labelled: LabelledSet, seed: int, most: int = 3) -> HoldOut:
    """At most `most` folds in which nothing that judges was trained on; every labelled frame judges once.

    Args:
        labelled: The data set.
        seed: Seed of the deal.
        most: How many folds at most; fewer where there are fewer groups or frames.
    """
    unit: Unit = "frame" if len(labelled.frames) > 1 else "quarter"
    if labelled.names_groups and len(labelled.groups) > 1:
        unit = "group"
    folds = _quarters(labelled) if unit == "quarter" else _deal(labelled, unit, seed, most)
    return HoldOut(unit, tuple(fold for fold in folds if any_labelled(fold.train) and any_labelled(fold.judge)))


def any_labelled(frames: Sequence[Tagged]) -> bool:
    """Whether any pixel of the frames is labelled."""
    return any(bool((frame.load()[1] != ignore_label).any()) for frame, ignore_label in frames)


def _deal(labelled: LabelledSet, unit: Unit, seed: int, most: int) -> list[Fold]:
    apart = labelled
    if unit == "frame":
        apart = replace(labelled, frames=tuple(replace(frame, group=frame.name) for frame in labelled.frames))
    names = [
        [frame.name for frame in held.frames] for _, held in group_folds(apart, min(most, len(apart.groups)), seed)
    ]
    tagged = {frame.name: (frame, labelled.ignore_label) for frame in labelled.frames}
    return [
        Fold(
            train=tuple(item for name, item in tagged.items() if name not in held),
            judge=tuple(tagged[name] for name in held),
        )
        for held in names
    ]


def _quarters(labelled: LabelledSet) -> list[Fold]:
    (frame,), ignore = labelled.frames, labelled.ignore_label

    def fold(trains: tuple[int, ...], judges: tuple[int, ...]) -> Fold:
        return Fold(
            train=((FramePart(frame, ignore, trains, _MARGIN), IGNORE),),
            judge=tuple((FramePart(frame, ignore, (quarter,)), IGNORE) for quarter in judges),
        )

    return [fold(*_DIAGONALS), fold(*reversed(_DIAGONALS))]
