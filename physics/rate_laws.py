"""Rate laws of a reaction front: how far it has come after a time, and when it reaches a place.

A front advances at constant speed while the interface reaction limits it, as the square root of time
once transport through the product does, and as their sum in between (Deal & Grove 1965,
doi:10.1063/1.1713945, eq. 11). A drive that falls linearly with depth, as stress builds up, gives
v = v0 (1 - x/L), which integrates to x = L (1 - exp(-t/tau)) with tau = L/v0. A mobility that falls
exponentially with depth gives v = v0 exp(-x/l) and x = l ln(1 + v0 t/l): a front that slows for ever
and never stalls. Fronts that close in on a core: `closed_cores`.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LAW_NAMES", "Exponential", "LawName", "Linear", "Mixed", "Parabolic", "RateLaw", "SelfLimiting"]

LawName = Literal["linear", "parabolic", "mixed", "self_limiting"]
LAW_NAMES: tuple[LawName, ...] = ("linear", "parabolic", "mixed", "self_limiting")

Floats = NDArray[np.float64]


class RateLaw(Protocol):
    """A front that starts at time zero from position zero."""

    @property
    def name(self) -> str: ...

    def position_nm(self, time_s: ArrayLike) -> Floats:
        """Distance swept [nm] after a time [s]; zero before time zero."""

    def time_s(self, position_nm: ArrayLike) -> Floats:
        """Time [s] at which a distance [nm] is reached; infinite where it never is."""


@dataclass(frozen=True)
class Linear:
    """x = k t, limited by the interface reaction."""

    rate_nm_s: float
    name: LawName = "linear"

    def position_nm(self, time_s: ArrayLike) -> Floats:
        return self.rate_nm_s * _elapsed(time_s)

    def time_s(self, position_nm: ArrayLike) -> Floats:
        return np.asarray(position_nm, float) / self.rate_nm_s


@dataclass(frozen=True)
class Parabolic:
    """x^2 = B t, limited by transport through the product."""

    B_nm2_s: float
    name: LawName = "parabolic"

    def position_nm(self, time_s: ArrayLike) -> Floats:
        return np.asarray(np.sqrt(self.B_nm2_s * _elapsed(time_s)))

    def time_s(self, position_nm: ArrayLike) -> Floats:
        return np.asarray(np.square(np.asarray(position_nm, float)) / self.B_nm2_s)


@dataclass(frozen=True)
class Mixed:
    """x^2/B + x/k = t: the two resistances in series."""

    rate_nm_s: float
    B_nm2_s: float
    name: LawName = "mixed"

    def position_nm(self, time_s: ArrayLike) -> Floats:
        # The root of the quadratic, written so that it stays exact where diffusion hardly matters.
        t = _elapsed(time_s)
        k, B = self.rate_nm_s, self.B_nm2_s
        return np.asarray(2 * k * t / (1 + np.sqrt(1 + 4 * k * k * t / B)))

    def time_s(self, position_nm: ArrayLike) -> Floats:
        x = np.asarray(position_nm, float)
        return np.asarray(x * x / self.B_nm2_s + x / self.rate_nm_s)


@dataclass(frozen=True)
class SelfLimiting:
    """x = L (1 - exp(-t/tau)): a drive that falls with depth until the front stalls at L."""

    length_nm: float
    tau_s: float
    name: LawName = "self_limiting"

    def position_nm(self, time_s: ArrayLike) -> Floats:
        return np.asarray(-self.length_nm * np.expm1(-_elapsed(time_s) / self.tau_s))

    def time_s(self, position_nm: ArrayLike) -> Floats:
        left = 1 - np.asarray(position_nm, float) / self.length_nm
        reached = left > 0
        return np.asarray(np.where(reached, -self.tau_s * np.log(np.where(reached, left, 1.0)), np.inf))


@dataclass(frozen=True)
class Exponential:
    """x = l ln(1 + k t/l): a speed k that falls by e over every length l."""

    rate_nm_s: float
    length_nm: float
    name: Literal["exponential"] = "exponential"

    def position_nm(self, time_s: ArrayLike) -> Floats:
        return np.asarray(self.length_nm * np.log1p(self.rate_nm_s * _elapsed(time_s) / self.length_nm))

    def time_s(self, position_nm: ArrayLike) -> Floats:
        depth = np.asarray(position_nm, float) / self.length_nm
        with np.errstate(over="ignore"):  # later than any clock shows: never
            return np.asarray(self.length_nm / self.rate_nm_s * np.expm1(depth))


def _elapsed(time_s: ArrayLike) -> Floats:
    return np.asarray(np.maximum(np.asarray(time_s, float), 0.0))
