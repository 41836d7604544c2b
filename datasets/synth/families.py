"""Families of scenes: what may be drawn for a movie."""

from dataclasses import dataclass
from typing import Literal

from .detectors import DetectorName
from .looks import ContrastName
from .shapes import ShapeName

__all__ = ["FAMILIES", "FAMILY_NAMES", "Family", "FamilyName"]

FamilyName = Literal["plain", "wide", "held_out"]
FAMILY_NAMES: tuple[FamilyName, ...] = ("plain", "wide", "held_out")


@dataclass(frozen=True)
class Family:
    """What the scenes of a family are drawn from.

    Attributes:
        shapes: Geometries of the particle; one named twice is drawn twice as often.
        contrasts: Imaging modes; none for plain scenes, whose particles are bright or dark and differ in texture alone.
        detectors: What records; none for plain scenes.
    """

    shapes: tuple[ShapeName, ...]
    contrasts: tuple[ContrastName, ...] = ()
    detectors: tuple[DetectorName, ...] = ()


# No geometry, contrast or detector of "held_out" is in "wide", on which the bundled model is trained.
FAMILIES: dict[FamilyName, Family] = {
    "plain": Family(("wire", "flake", "sphere")),
    "wide": Family(
        ("wire", "flake", "sphere", "hollow"),
        ("bright_field", "bright_field", "dark_field"),
        ("ccd", "cmos", "float", "video"),
    ),
    "held_out": Family(("bent_wire", "aggregate"), ("haadf",), ("counting",)),
}
