"""A front in series with what feeds it: contact, oxide film, and the product that it leaves behind.

With a linear front the series is B. E. Deal and A. S. Grove's (J. Appl. Phys. 36 (1965) 3770,
doi:10.1063/1.1713945), for ions that a potential drives through the product rather than oxygen that diffuses.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .driving_force import front_current_a_m2, front_speed_of_current_nm_s
from .rate_laws import Mixed

__all__ = ["cost_v_s_nm", "drive_in_series_ev", "series_law", "speed_in_series_nm_s"]

Floats = NDArray[np.float64]

_M_PER_NM = 1e-9
_FALSE_POSITIONS = 16
_LOWER = float(np.log(100))
_EXACT = 1e-12
_HALVINGS = 60


def cost_v_s_nm(
    host_volume_nm3: ArrayLike,
    ions: ArrayLike,
    *,
    contact_ohm_m2: ArrayLike = 0.0,
    path_nm: ArrayLike = 0.0,
    conductivity_s_m: ArrayLike = np.inf,
) -> Floats:
    """Potential lost for each nm/s of front speed, (z e/V_h)(R_A + L/sigma) [V s/nm].

    Args:
        host_volume_nm3: V_h, of a formula unit of the host.
        ions: z, how many a formula unit takes up in this step.
        contact_ohm_m2: R_A, of contact and solid electrolyte; it differs from cell to cell.
        path_nm: L, through the product.
        conductivity_s_m: sigma, above 0, of the product, for what moves slower, ions or electrons.
    """
    resistance = np.asarray(contact_ohm_m2) + _M_PER_NM * np.asarray(path_nm) / np.asarray(conductivity_s_m)
    return front_current_a_m2(resistance, host_volume_nm3, ions)


def speed_in_series_nm_s(
    kinetics: Callable[[Floats], Floats],
    exchange_nm_s: ArrayLike,
    available_ev: ArrayLike,
    cost_v_s_nm: ArrayLike,
) -> Floats:
    """Speed v at which front and resistance share the drive: v = v0 f(psi - c v).

    Args:
        kinetics: f, speed over exchange speed at a drive [eV], as `butler_volmer`: never falling, 0 at 0.
        exchange_nm_s: v0.
        available_ev: psi, per ion, with works against stress and surface taken off; at 0 or less the front stands.
        cost_v_s_nm: c, 0 or more, from `cost_v_s_nm`; infinite where nothing conducts.
    """
    psi, exchange, cost = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (available_ev, exchange_nm_s, cost_v_s_nm))
    )
    psi = np.maximum(psi, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of no cost, and of an infinite one
        high = np.fmin(exchange * kinetics(psi), psi / cost)
        low = np.zeros_like(high)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            slower = exchange * kinetics(psi - cost * middle) < middle
            low, high = np.where(slower, low, middle), np.where(slower, middle, high)
    return np.asarray((low + high) / 2)


def drive_in_series_ev(kinetics: Callable[[Floats], Floats], burden_ev: Floats, available_ev: Floats) -> Floats:
    """Drive d that is left at a front which shares it with a resistance: d + b f(d) = psi.

    The logarithm of the left side over that of d is nearly straight, so that the false position (Illinois) finds it
    within a dozen steps, however heavy the burden.

    Args:
        kinetics: f, speed over exchange speed at a drive [eV], never falling, 0 at 0, and at no drive more than a
            hundred times as large, for its drive, as at psi.
        burden_ev: b, what the resistance takes at the exchange speed; finite.
        available_ev: psi, 0 or more.
    """
    some = available_ev > 0
    whole = np.where(some, available_ev, 1.0)

    def beyond(log_drive: Floats) -> Floats:
        drive = np.exp(log_drive)
        return np.asarray(np.log((drive + burden_ev * kinetics(drive)) / whole))

    high = np.log(whole)
    low = high - np.log1p(burden_ev * kinetics(whole) / whole) - _LOWER
    under, over, side = beyond(low), beyond(high), np.zeros_like(high)
    place = high
    for _ in range(_FALSE_POSITIONS):
        gap = over - under
        place = np.where(gap > 0, (low * over - high * under) / np.where(gap > 0, gap, 1.0), high)
        value = beyond(place)
        if np.abs(value).max(initial=0.0) < _EXACT:
            break
        above = value > 0
        # An end that stays twice counts half, or the other would creep.
        under, low = np.where(above, np.where(side > 0, under / 2, under), value), np.where(above, low, place)
        over, high = np.where(above, value, np.where(side < 0, over / 2, over)), np.where(above, place, high)
        side = np.where(above, 1.0, -1.0)
    return np.where(some, np.exp(place), 0.0)


def series_law(
    overpotential_v: float,
    host_volume_nm3: float,
    ions: float,
    *,
    front_ohm_m2: float,
    contact_ohm_m2: float,
    conductivity_s_m: float,
) -> Mixed:
    """The law of a flat front with linear kinetics: k = K n/(r_f + R_A), B = 2 K sigma n, with K = V_h/(z e).

    Args:
        overpotential_v: n, of the cell, less the work against stress; above 0, or no front sets out.
        host_volume_nm3: V_h, of a formula unit of the host.
        ions: z, how many a formula unit takes up in this step.
        front_ohm_m2: r_f, of the front itself.
        contact_ohm_m2: R_A, of contact and solid electrolyte.
        conductivity_s_m: sigma, of the product.
    """
    limited = overpotential_v / (front_ohm_m2 + contact_ohm_m2)
    through = 2 * conductivity_s_m * overpotential_v / _M_PER_NM
    return Mixed(
        float(front_speed_of_current_nm_s(limited, host_volume_nm3, ions)),
        float(front_speed_of_current_nm_s(through, host_volume_nm3, ions)),
    )
