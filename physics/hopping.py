"""Diffusion of ions that hop between sites, D = (g/2d) a^2 nu exp(-E/kT).

A barrier is a weak predictor of how fast a front goes: fronts that are far slower than hops allow are limited by
their interface, and an interface mobility is to be fitted to them.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .units import BOLTZMANN_EV_K, EV_PER_GPA_NM3, ROOM_TEMPERATURE_K

__all__ = ["SITE_LATTICES", "SiteLattice", "hop_diffusivity_nm2_s", "stress_factor"]

Floats = NDArray[np.float64]
SiteLattice = Literal["chain", "square", "triangular", "simple_cubic", "diamond"]

SITE_LATTICES: dict[SiteLattice, tuple[int, int]] = {
    "chain": (2, 1),
    "square": (4, 2),
    "triangular": (6, 2),
    "simple_cubic": (6, 3),
    "diamond": (4, 3),
}
"""Neighbours g of a site and dimensions d that they span."""


def hop_diffusivity_nm2_s(
    barrier_ev: ArrayLike,
    hop_nm: ArrayLike,
    *,
    lattice: SiteLattice,
    attempt_hz: ArrayLike = 1e13,
    temperature_k: ArrayLike = ROOM_TEMPERATURE_K,
) -> Floats:
    """Tracer diffusivity of few ions among free sites [nm^2/s]; 1 nm^2/s is 1e-18 m^2/s.

    Args:
        barrier_ev: E, from site to site.
        hop_nm: a, distance between sites.
        lattice: How sites neighbour each other.
        attempt_hz: nu.
        temperature_k: T.
    """
    neighbours, dimensions = SITE_LATTICES[lattice]
    rate = np.asarray(attempt_hz) * np.exp(-np.asarray(barrier_ev) / (BOLTZMANN_EV_K * np.asarray(temperature_k)))
    return np.asarray(neighbours / (2 * dimensions) * np.square(hop_nm) * rate)


def stress_factor(
    stress_gpa: ArrayLike, activation_volume_nm3: ArrayLike, temperature_k: ArrayLike = ROOM_TEMPERATURE_K
) -> Floats:
    """What a hydrostatic stress, tension positive, makes of a rate: exp(sigma Omega/kT)."""
    work = EV_PER_GPA_NM3 * np.asarray(stress_gpa) * np.asarray(activation_volume_nm3)
    return np.asarray(np.exp(work / (BOLTZMANN_EV_K * np.asarray(temperature_k))))
