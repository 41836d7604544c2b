"""How fast a front goes under a drive: Butler and Volmer's law, and that of Marcus, Hush and Chidsey.

Both are speeds in units of the exchange speed, at which ions cross a front in equilibrium either way. A front whose
drive is used up stands still: insertion does not undo itself at constant potential, so neither is negative.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .units import BOLTZMANN_EV_K, ROOM_TEMPERATURE_K

__all__ = ["butler_volmer", "marcus_hush_chidsey", "tabulated_marcus_hush_chidsey"]

Floats = NDArray[np.float64]

_LARGEST_EXPONENT = 600.0
_BEYOND = 80.0  # kT: no level above is occupied
_NODES = 1024
_LARGEST_DRIVE = 250.0  # kT
_REORGANISATIONS = 4.0, 80.0  # kT


def butler_volmer(drive_ev: ArrayLike, temperature_k: ArrayLike = ROOM_TEMPERATURE_K, transfer: float = 0.5) -> Floats:
    """Speed over the exchange speed, exp(a psi/kT) - exp(-(1 - a) psi/kT).

    M. Z. Bazant, Acc. Chem. Res. 46 (2013) 1144, doi:10.1021/ar300145c, for fronts under stress.

    Args:
        drive_ev: psi, net driving force per ion.
        temperature_k: T.
        transfer: a, of the reaction that drives the front on; 0 to 1.
    """
    psi = np.maximum(np.asarray(drive_ev, float), 0.0) / (BOLTZMANN_EV_K * np.asarray(temperature_k))
    forth = np.exp(np.minimum(transfer * psi, _LARGEST_EXPONENT))
    return np.asarray(forth * -np.expm1(-psi))


def marcus_hush_chidsey(
    drive_ev: ArrayLike, reorganisation_ev: ArrayLike, temperature_k: ArrayLike = ROOM_TEMPERATURE_K
) -> Floats:
    """Speed over the exchange speed where ions must wait for their surroundings: it levels off at large drives.

    The rate is the overlap of a Gaussian with the occupied levels, integral of exp(-(x - l + n)^2/(4 l))/(1 + e^x) dx;
    the way back is slower by exp(-n). C. E. D. Chidsey, Science 251 (1991) 919, doi:10.1126/science.251.4996.919. It is
    integrated here: the closed form of Y. Zeng et al. (doi:10.1016/j.jelechem.2014.09.038) is up to a fourth off.

    Args:
        drive_ev: psi, net driving force per ion; n = psi/kT.
        reorganisation_ev: lambda, 0.2 to 1 for ions in solids; l = lambda/kT.
        temperature_k: T.
    """
    heat = BOLTZMANN_EV_K * np.asarray(temperature_k)
    n, l = np.broadcast_arrays(np.maximum(drive_ev, 0.0) / heat, np.asarray(reorganisation_ev, float) / heat)  # noqa: E741
    return np.asarray(_overlap(l, n) / _overlap(l, np.zeros_like(n)) * -np.expm1(-n))


def tabulated_marcus_hush_chidsey(drive: ArrayLike, reorganisation: ArrayLike) -> Floats:
    """The same out of a table, a thousand times as fast and exact to a thousandth; drives beyond 250 kT count as 250.

    Args:
        drive: psi/kT, 0 or more.
        reorganisation: lambda/kT, 4 to 80.
    """
    table = _table()
    rows, columns = table.shape
    n = np.clip(np.sqrt(np.asarray(drive, float) / _LARGEST_DRIVE) * (columns - 1), 0, columns - 1.000001)
    low, high = _REORGANISATIONS
    share = np.log(np.asarray(reorganisation, float) / low) / np.log(high / low)
    l = np.clip(share * (rows - 1), 0, rows - 1.000001)  # noqa: E741
    column, row = n.astype(np.intp), l.astype(np.intp)
    right, below = n - column, l - row
    upper = (1 - right) * table[row, column] + right * table[row, column + 1]
    lower = (1 - right) * table[row + 1, column] + right * table[row + 1, column + 1]
    return np.asarray(np.exp((1 - below) * upper + below * lower) * -np.expm1(-np.asarray(drive, float)))


@lru_cache
def _table() -> Floats:
    """log of the overlap over that in equilibrium; closer together where drives and energies are small."""
    l = np.geomspace(*_REORGANISATIONS, 160)[:, None]  # noqa: E741
    n = np.linspace(0, 1, 400) ** 2 * _LARGEST_DRIVE
    return np.array([np.log(_overlap(np.full_like(n, x), n)) - np.log(_overlap(x, np.zeros(1))) for x in l])


def _overlap(l: Floats, n: Floats) -> Floats:  # noqa: E741
    """By trapezoids less than one kT apart, which for so smooth a function are exact."""
    centre = l - n
    x = np.linspace(np.minimum(centre, 0.0) - 10 * np.sqrt(l), _BEYOND, _NODES, axis=-1)
    middle, width = np.asarray(centre)[..., None], np.asarray(l)[..., None]
    values = np.exp(-np.square(x - middle) / (4 * width)) * special.expit(-x)
    return np.asarray(values.sum(axis=-1) * (x[..., 1] - x[..., 0]))
