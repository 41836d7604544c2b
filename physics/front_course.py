"""A front's course through particles of simple shape, many at once: the simulator's physics along one depth.

The front at a depth x of a particle of depth X has the speed v = v0 f(psi) exp(-s w/kT) with

    psi = n - w(x) - (z e/V_h)(R_A a(x) + l(x)/sigma) v

where a is the front's area over the contact's, and l the product's thickness, weighted with the front's area over that
of the surface at each depth: what one current meets on its way in (`resistance.py`, `stress.py`,
`interface_kinetics.py`). The time to a depth is the integral of 1/v.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .driving_force import expansion_work_ev, front_current_a_m2
from .interface_kinetics import tabulated_marcus_hush_chidsey
from .resistance import drive_in_series_ev
from .stress import log_swelling
from .units import BOLTZMANN_EV_K

__all__ = ["FrontCases", "FrontCourse", "front_course"]

Floats = NDArray[np.float64]

_TOGETHER = 2048
_M_PER_NM = 1e-9
_SLOWEST = 1e-30


@dataclass(frozen=True)
class FrontCases:
    """Particles, one number or an array of shape (n,) each; all broadcast.

    Attributes:
        exchange_nm_s: v0.
        overpotential_v: n, of the cell.
        host_volume_nm3: V_h.
        ions: z.
        expansion: beta.
        yield_gpa: Y.
        layer: c, of `FrontGeometry`, with what tension ahead of a concave front takes from it.
        hoop: n, of `FrontGeometry`.
        dimension: 1 for a front that stays as large as it is, 2 for a core in a disc or wire, 3 in a sphere.
        depth_nm: X, way from the contact to the end, or the radius.
        strain_share: s.
        reorganisation_ev: lambda.
        contact_ohm_m2: R_A.
        conductivity_s_m: sigma.
        temperature_k: T.
    """

    exchange_nm_s: ArrayLike
    overpotential_v: ArrayLike
    host_volume_nm3: ArrayLike
    ions: ArrayLike
    expansion: ArrayLike
    yield_gpa: ArrayLike
    layer: ArrayLike
    hoop: ArrayLike
    dimension: ArrayLike
    depth_nm: ArrayLike
    strain_share: ArrayLike
    reorganisation_ev: ArrayLike
    contact_ohm_m2: ArrayLike
    conductivity_s_m: ArrayLike
    temperature_k: ArrayLike


@dataclass(frozen=True)
class FrontCourse:
    """Fronts on their way; m depths.

    Attributes:
        depth_nm: Shape (n, m), from the contact inwards.
        speed_nm_s: Shape (n, m); 0 where the front does not come.
        time_s: When it arrives, shape (n, m); infinite where it never does.
    """

    depth_nm: Floats
    speed_nm_s: Floats
    time_s: Floats


def front_course(cases: FrontCases, depths: int = 64) -> FrontCourse:
    """Speeds and times at evenly spaced depths, the middles of so many layers.

    Args:
        cases: The particles.
        depths: How many layers.
    """
    names = [field.name for field in fields(cases)]
    values = np.broadcast_arrays(*(np.atleast_1d(np.asarray(getattr(cases, name), float)) for name in names))
    parts = [  # of a size that fits the processor's cache
        _courses(
            {name: value[start : start + _TOGETHER, None] for name, value in zip(names, values, strict=True)}, depths
        )
        for start in range(0, max(len(values[0]), 1), _TOGETHER)
    ]
    return FrontCourse(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(FrontCourse))
    )


def _courses(c: dict[str, Floats], depths: int) -> FrontCourse:
    share = (np.arange(depths) + 0.5) / depths
    depth = c["depth_nm"] * share
    left = np.where(c["dimension"] > 1, 1 - share, 1.0)
    spread = left ** (c["dimension"] - 1)
    path = c["depth_nm"] * _path(share, c["dimension"])
    swelling = np.where(c["hoop"] > 0, _log_swelling(c["expansion"], left, c["dimension"]), 0.0)
    stress = c["yield_gpa"] * (c["layer"] + c["hoop"] * swelling)
    work = expansion_work_ev(c["expansion"], c["host_volume_nm3"], c["ions"], stress)
    resistance = c["contact_ohm_m2"] * spread + _M_PER_NM * path / c["conductivity_s_m"]
    cost = front_current_a_m2(resistance, c["host_volume_nm3"], c["ions"])
    heat = BOLTZMANN_EV_K * c["temperature_k"]
    exchange = c["exchange_nm_s"] * np.exp(-c["strain_share"] * work / heat)
    available = np.maximum(c["overpotential_v"] - work, 0.0)

    def kinetics(drive_ev: Floats) -> Floats:
        return tabulated_marcus_hush_chidsey(drive_ev / heat, c["reorganisation_ev"] / heat)

    speed = exchange * kinetics(drive_in_series_ev(kinetics, cost * exchange, available))
    layer = c["depth_nm"] / depths
    slow = layer / np.maximum(speed, _SLOWEST)
    time = np.cumsum(slow, axis=1) - slow / 2
    return FrontCourse(depth, speed, np.where(time < layer / _SLOWEST / 2, time, np.inf))


def _path(share: Floats, dimension: Floats) -> Floats:
    """Integral of the front's area over that at each depth, from the surface to the front; in units of X."""
    left = 1 - share
    disc = -left * np.log(left)
    return np.where(dimension == 1, share, np.where(dimension == 2, disc, left * share))


def _log_swelling(expansion: Floats, left: Floats, dimension: Floats) -> Floats:
    two, three = (log_swelling(expansion, left**d, d) for d in (2, 3))
    return np.where(dimension == 2, two, three)
