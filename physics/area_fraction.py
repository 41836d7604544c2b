"""Reacted area over time as nucleation and growth have it: X = 1 - exp(-(K (t - t0))^n).

M. Avrami, J. Chem. Phys. 7 (1939) 1103, doi:10.1063/1.1750380. The exponent adds up how many dimensions grow, each by
1 where the interface limits and by 1/2 where diffusion does, and 1 more while new nuclei form (J. W. Christian, The
Theory of Transformations in Metals and Alloys, chapter 12). One exponent may have several readings, so it proves none.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["AreaFraction", "avrami_readings"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AreaFraction:
    """X = 1 - exp(-(K t)^n) from time zero on.

    Attributes:
        rate_per_s: K.
        exponent: n.
    """

    rate_per_s: float
    exponent: float

    def fraction(self, time_s: ArrayLike) -> Floats:
        """Reacted share after a time [s]; zero before time zero."""
        elapsed = np.maximum(np.asarray(time_s, float), 0.0)
        return np.asarray(-np.expm1(-((self.rate_per_s * elapsed) ** self.exponent)))

    def time_s(self, fraction: ArrayLike) -> Floats:
        """Time [s] at which a share has reacted; infinite at 1."""
        with np.errstate(divide="ignore"):
            return np.asarray((-np.log1p(-np.asarray(fraction, float))) ** (1 / self.exponent) / self.rate_per_s)


def avrami_readings(low: float, high: float, growing: Literal[1, 2, 3]) -> tuple[str, ...]:
    """What an exponent between `low` and `high` may mean where `growing` dimensions grow: 1 a wire, 2 a flake."""
    readings = [
        ("nuclei keep forming, the interface limits", growing + 1.0),
        ("all nuclei are there at the start, the interface limits", float(growing)),
        ("nuclei keep forming, diffusion limits", growing / 2 + 1),
        ("all nuclei are there at the start, diffusion limits", growing / 2),
    ]
    return tuple(meaning for meaning, exponent in readings if low <= exponent <= high)
