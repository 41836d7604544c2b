"""Keeps an eye on frames that are unlike anything the model was trained on."""

from dataclasses import dataclass, field

from numpy.typing import ArrayLike

from ionfront.core import UsageError
from ionfront.models import Domain

__all__ = ["DomainWatch"]


@dataclass
class DomainWatch:
    """Notes which frames are foreign to a model.

    Attributes:
        domain: What the model was trained on; None when it does not say, and then nothing is noted.
        foreign: Indices of foreign frames, so far.
        seen: Number of frames looked at.
        too_small: Whether the frames are too small to be judged.
    """

    domain: Domain | None
    foreign: list[int] = field(default_factory=list)
    seen: int = 0
    too_small: bool = False

    def see(self, index: int, frame: ArrayLike) -> None:
        """Look at frame number `index`, shape (y, x)."""
        self.seen += 1
        if self.domain is None or self.too_small:
            return
        try:
            if self.domain.strangeness(frame) > 1:
                self.foreign.append(index)
        except UsageError:
            self.too_small = True

    def add(self, other: "DomainWatch") -> None:
        """Note what another one saw of later frames."""
        self.seen += other.seen
        self.foreign += other.foreign
        self.too_small |= other.too_small

    @property
    def record(self) -> list[int] | None:
        """Indices of foreign frames for kinetics.json; None when the model cannot say."""
        return None if self.domain is None or self.too_small else list(self.foreign)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know of it, in a sentence or none."""
        if self.record is None:
            why = "they are too small" if self.too_small else "the model does not say what it was trained on"
            return (
                f"Frames were not checked for being unlike what the model was trained on: {why}. Look at labels.zarr, "
                "as a network answers for anything.",
            )
        if not self.foreign:
            return ()
        return (
            f"{len(self.foreign)} of {self.seen} frames (counted from 0, the first is number {self.foreign[0]}) are "
            "unlike anything that the model was trained on: look at their labels, and if they are wrong, fine-tune the "
            "model on a few such frames (`ionfront finetune`).",
        )
