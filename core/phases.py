"""Which phases a pixel can be in, and in which order a reaction passes through them."""

from dataclasses import dataclass

from .errors import UsageError

__all__ = ["DEFAULT_SCHEME", "PhaseScheme", "Transition"]


@dataclass(frozen=True)
class Transition:
    """One step of a reaction, between two phases of a scheme."""

    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before}->{self.after}"


@dataclass(frozen=True)
class PhaseScheme:
    """Phase names by label id, and the order in which a reaction visits them.

    Attributes:
        names: `names[i]` is the phase of label id i; id 0 is the background.
        reaction_order: Names in the order of the reaction, unreacted first; empty when the labels
            are no reaction (a segmentation only).

    Raises:
        UsageError: A name is doubled, or the order names an unknown phase.
    """

    names: tuple[str, ...]
    reaction_order: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names) or len(self.names) < 2:
            raise UsageError(
                f"phases {list(self.names)} need at least two names, each once: give every label id its own name."
            )
        unknown = [name for name in self.reaction_order if name not in self.names]
        if unknown or len(set(self.reaction_order)) != len(self.reaction_order):
            raise UsageError(
                f"reaction order {list(self.reaction_order)} must name phases of {list(self.names)}, each once."
            )

    @property
    def order_ids(self) -> tuple[int, ...]:
        """Label ids in reaction order."""
        return tuple(self.names.index(name) for name in self.reaction_order)

    @property
    def count(self) -> int:
        """How many label ids there are, background included."""
        return len(self.names)


DEFAULT_SCHEME = PhaseScheme(
    names=("background", "pristine", "intercalated", "converted", "alloyed"),
    reaction_order=("pristine", "intercalated", "converted", "alloyed"),
)
