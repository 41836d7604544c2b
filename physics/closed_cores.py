"""Fronts that close in on a core: spheres and long cylinders that react from their surface inwards.

Position is the depth x = R - r below the surface of the unreacted body, in its own coordinates; swelling of the
product does not enter it. Under reaction and diffusion in series a core shrinks as O. Levenspiel has it (Chemical
Reaction Engineering, chapter on fluid-particle reactions); diffusion alone makes it *accelerate* near the centre, where
little is left to convert. A product that yields plastically presses on the core and takes from the drive, so that the
front slows and stalls: the same mechanics as K. Zhao et al., J. Electrochem. Soc. 159 (2012) A238,
doi:10.1149/2.020203jes, whose bookkeeping of the interface differs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline

from .stress import GEOMETRIES, FrontGeometry, stall_core

__all__ = ["PlasticCore", "ShrinkingCore"]

Floats = NDArray[np.float64]
Dimension = Literal[2, 3]

_GEOMETRY: dict[Dimension, FrontGeometry] = {2: GEOMETRIES["wire_radial"], 3: GEOMETRIES["sphere"]}
_DEEPEST = 20.0  # e-foldings of the way that is left before a stall
_CELLS = 800
_STEPS, _NEAR = 60, 1e-15  # of the search for a front's place, as a share of R


@dataclass(frozen=True)
class ShrinkingCore:
    """Surface reaction and diffusion through the product in series, at a core that shrinks.

    Sphere: t = x/k + (R^2/6D) [1 - 3 (r/R)^2 + 2 (r/R)^3].
    Cylinder: t = x/k + (R^2/4D) [1 - (r/R)^2 + 2 (r/R)^2 ln(r/R)].

    Attributes:
        radius_nm: R, of the unreacted body.
        rate_nm_s: k, speed of the front where diffusion costs nothing.
        D_nm2_s: D dc V_h/z, diffusivity times the drop of concentration across the product times host volume per ion.
        dimension: 2 for a long cylinder or a disc, 3 for a sphere.
    """

    radius_nm: float
    rate_nm_s: float
    D_nm2_s: float
    dimension: Dimension = 3
    name: Literal["shrinking_core"] = "shrinking_core"

    def position_nm(self, time_s: ArrayLike) -> Floats:
        t = np.asarray(time_s, float)
        reaction, diffusion = self._times_s
        half = reaction / diffusion
        whole = half + 1 / (2 * self.dimension)
        due = np.clip(t / diffusion, 0.0, whole)
        flat = 2 * due / (half + np.sqrt(half**2 + 2 * due))  # how far it is where the core is a half space

        def late(gone: Floats) -> tuple[Floats, Floats]:
            spent, slope = _diffusion_time(gone, self.dimension)
            return half * gone + spent - due, half + slope

        return np.where(t > 0, self.radius_nm * _zero(late, np.where(due < whole, flat, 1.0)), 0.0)

    def time_s(self, position_nm: ArrayLike) -> Floats:
        gone = np.asarray(position_nm, float) / self.radius_nm
        reaction, diffusion = self._times_s
        spent, _ = _diffusion_time(np.minimum(gone, 1.0), self.dimension)
        return np.where(gone <= 1, reaction * gone + diffusion * spent, np.inf)

    @property
    def _times_s(self) -> tuple[float, float]:
        """R/k and R^2/D."""
        return self.radius_nm / self.rate_nm_s, self.radius_nm**2 / self.D_nm2_s


@dataclass(frozen=True)
class PlasticCore:
    """Speed v = v0 [1 - S (c + n ln(b/a))], until the drive is used up and the front stalls.

    b and a are the radii of the swollen body and of its core, (b/a)^d = 1 + expansion (V_reacted/V_core); c = 2/3 and
    n = 2 for a sphere, 2/sqrt(3) for a cylinder.

    Attributes:
        radius_nm: R, of the unreacted body.
        rate_nm_s: v0, speed without stress.
        expansion: Product volume over host volume.
        stress: S = (expansion - 1) Y/dG, above 0: work against the yield stress Y over the driving force, both per
            volume of host.
        dimension: 2 for a long cylinder or a disc, 3 for a sphere.
    """

    radius_nm: float
    rate_nm_s: float
    expansion: float
    stress: float
    dimension: Dimension = 3
    name: Literal["plastic_core"] = "plastic_core"

    @property
    def stall_nm(self) -> float:
        """Depth at which the front stalls; zero where it never sets out."""
        return self.radius_nm * (1 - self._core_at_stall)

    def speed_nm_s(self, position_nm: ArrayLike) -> Floats:
        """Speed at a depth below the surface; zero at and beyond the stall."""
        core = np.clip(1 - np.asarray(position_nm, float) / self.radius_nm, self._core_at_stall, 1.0)
        return self._speed_before_stall(core - self._core_at_stall)

    def position_nm(self, time_s: ArrayLike) -> Floats:
        t = np.maximum(np.asarray(time_s, float), 0.0)
        if self._core_at_stall >= 1:
            return np.zeros_like(t)
        return np.asarray(self._depth_at(np.minimum(t, self._depth_at.x[-1])))

    def time_s(self, position_nm: ArrayLike) -> Floats:
        x = np.asarray(position_nm, float)
        if self._core_at_stall >= 1:
            return np.where(x > 0, np.inf, 0.0)
        deepest = self._time_at.x[-1]
        return np.asarray(np.where(x <= deepest, self._time_at(np.clip(x, 0.0, deepest)), np.inf))

    @cached_property
    def _depth_at(self) -> CubicHermiteSpline:
        times, depths, speeds = self._course
        return CubicHermiteSpline(times, depths, speeds)

    @cached_property
    def _time_at(self) -> CubicHermiteSpline:
        times, depths, speeds = self._course
        return CubicHermiteSpline(depths, times, 1 / speeds)

    @cached_property
    def _core_at_stall(self) -> float:
        """Radius of the core that is left, as a share of R; 1 where the front never sets out."""
        yield_over_drive = self.stress / (self.expansion - 1)
        return stall_core(_GEOMETRY[self.dimension], self.expansion, yield_over_drive, 1.0)

    @cached_property
    def _course(self) -> tuple[Floats, Floats, Floats]:
        """Times, depths and speeds along the way; cells shrink towards the stall, so that each takes about as long."""
        edges = np.linspace(0, _DEEPEST, _CELLS + 1)
        nodes, weights = np.polynomial.legendre.leggauss(5)
        width = _DEEPEST / _CELLS
        inner = (1 - self._core_at_stall) * np.exp(-(edges[:-1, None] + width * (nodes + 1) / 2))
        spent = self.radius_nm * (inner / self._speed_before_stall(inner)) @ weights * width / 2
        left = (1 - self._core_at_stall) * np.exp(-edges)
        return np.append(0.0, np.cumsum(spent)), self.stall_nm - self.radius_nm * left, self._speed_before_stall(left)

    def _speed_before_stall(self, left: Floats) -> Floats:
        """Speed where the core's radius is a share `left` of R above that at the stall; exact however little it is.

        v = v0 S n (L* - L) with L = ln(b/a), whose value L* at the stall uses up the drive.
        """
        stalled, d = self._core_at_stall, self.dimension
        now, then = (1 + self.expansion * np.expm1(-d * np.log(core)) for core in (stalled + left, stalled))
        missing = self.expansion * (stalled + left) ** -d * np.expm1(d * np.log1p(left / stalled)) / then
        log_ratio = np.where(missing < 0.5, np.log1p(-np.minimum(missing, 0.5)), np.log(now / then))
        return np.asarray(-self.rate_nm_s * self.stress * _GEOMETRY[d].hoop / d * log_ratio)


def _diffusion_time(gone: Floats, dimension: Dimension) -> tuple[Floats, Floats]:
    """Share of R^2/D that diffusion takes until a share of the radius is gone, and its slope."""
    if dimension == 3:
        return gone**2 * (3 - 2 * gone) / 6, gone * (1 - gone)
    left = 1 - gone
    log = np.log(np.maximum(left, 1e-300))
    return (1 - left**2 + 2 * left**2 * log) / 4, -left * log


def _zero(value: Callable[[Floats], tuple[Floats, Floats]], start: Floats) -> Floats:
    """Where functions that increase from 0 to 1 are zero: Newton's steps, and halves where one would lead astray.

    Args:
        value: Of the functions, and their slopes.
        start: Places to set out from.
    """
    low, high, here = np.zeros_like(start), np.ones_like(start), np.clip(start, 0.0, 1.0)
    for _ in range(_STEPS):
        found, slope = value(here)
        low, high = np.where(found < 0, here, low), np.where(found < 0, high, here)
        there = here - found / slope
        there = np.where((there >= low) & (there <= high), there, (low + high) / 2)
        moved, here = np.abs(there - here).max(initial=0.0), there
        if moved < _NEAR:
            break
    return here
