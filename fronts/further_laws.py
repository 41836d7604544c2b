"""Laws beyond the four: speed that falls exponentially with depth, and fronts that close in on a core.

They ask what slows a front, or lets it go faster near the centre, and are weighed against the four by the same
evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ionfront.core import Quantity
from ionfront.physics import Exponential, LawName, PlasticCore, ShrinkingCore

from .rate_fit import LawFamily, LawFit, fit_law, law_probabilities

__all__ = ["FURTHER_NAMES", "AnyLawName", "FurtherLaws", "FurtherName", "weigh_further_laws"]

Floats = NDArray[np.float64]
FurtherName = Literal["exponential", "shrinking_cylinder", "shrinking_sphere", "plastic_cylinder", "plastic_sphere"]
AnyLawName = LawName | FurtherName
FURTHER_NAMES: tuple[FurtherName, ...] = (
    "exponential",
    "shrinking_cylinder",
    "shrinking_sphere",
    "plastic_cylinder",
    "plastic_sphere",
)

EXPANSION = 2.0
"""Volume of the product over that of the host that a plastic core is fitted with; a front tells it from the stress only
at depths that few movies show."""

_REPLICATES = 100
_LARGEST_STRESS = 1.49  # at 3/2 the expansion of a flat face uses up the drive, and no front sets out


@dataclass(frozen=True)
class FurtherLaws:
    """All laws that a front may follow, weighed together.

    Attributes:
        probabilities: Of the four and of those beyond them that fit its geometry.
        law: The most probable of those beyond.
        parameters: Its parameters, named as in `ionfront.physics`; with intervals where it is more probable than any
            of the four, and empty where it is not.
        closest: The most probable of all, as it was fitted.
    """

    probabilities: dict[AnyLawName, float]
    law: FurtherName
    parameters: dict[str, Quantity]
    closest: LawFit


def weigh_further_laws(
    fits: Mapping[LawName, LawFit],
    time: Floats,
    position: Floats,
    replicates: list[Floats],
    pixel: float,
    radius: float | None,
    evidence: float = 1.0,
) -> FurtherLaws:
    """Fit the laws beyond the four, and weigh all.

    Args:
        fits: The four, fitted to the same points.
        time: Shape (n,).
        position: Shape (n,).
        replicates: Positions that could have been measured, each of shape (n,).
        pixel: Length of a pixel in the unit of `position`.
        radius: Of the particle, where the front closes in on its middle from all around; None where it does not.
        evidence: Share of the evidence that counts.
    """
    families = _families(None if radius is None else radius / float(position.max()))
    beyond = {name: fit_law(family, time, position, pixel) for name, family in families.items()}
    all_fits: dict[AnyLawName, LawFit] = dict(fits.items())
    all_fits.update(beyond.items())
    probabilities = law_probabilities(all_fits, pixel, evidence)
    best = max(beyond, key=lambda name: probabilities[name])
    parameters: dict[str, Quantity] = {}
    if probabilities[best] > max(probabilities[name] for name in fits):
        fit = beyond[best]
        again = [fit_law(families[best], time, curve, pixel, near=fit).law for curve in replicates[:_REPLICATES]]
        parameters = {
            name: Quantity.from_samples(value, [getattr(law, name) for law in again])
            for name, value in vars(fit.law).items()
            if name in ("rate_nm_s", "length_nm", "D_nm2_s", "stress")
        }
    closest = all_fits[max(probabilities, key=lambda name: probabilities[name])]
    return FurtherLaws(probabilities, best, parameters, closest)


def _families(radius: float | None) -> dict[FurtherName, LawFamily]:
    """Those that the geometry allows; `radius` is in units of the distance that the track reaches."""
    families: dict[FurtherName, LawFamily] = {
        "exponential": LawFamily(
            ((0.5, 0.0), (1.5, -1.2)),
            lambda q, span, reach: Exponential(_exp(q[0]) * reach / span, _exp(q[1]) * reach),
        )
    }
    if radius is None:
        return families
    return families | {
        "shrinking_cylinder": _shrinking(radius, 2),
        "shrinking_sphere": _shrinking(radius, 3),
        "plastic_cylinder": _plastic(radius, 2),
        "plastic_sphere": _plastic(radius, 3),
    }


def _shrinking(radius: float, dimension: Literal[2, 3]) -> LawFamily:
    return LawFamily(
        ((0.3, 0.3), (2.0, -0.5)),
        lambda q, span, reach: ShrinkingCore(
            radius * reach, _exp(q[0]) * reach / span, _exp(q[1]) * reach**2 / span, dimension
        ),
    )


def _plastic(radius: float, dimension: Literal[2, 3]) -> LawFamily:
    return LawFamily(
        ((0.5, -1.5), (0.8, -0.3)),
        lambda q, span, reach: PlasticCore(
            radius * reach, _exp(q[0]) * reach / span, EXPANSION, _LARGEST_STRESS / (1 + _exp(-q[1])), dimension
        ),
    )


def _exp(value: float) -> float:
    return float(np.exp(value))
