"""What is left of the applied potential at a reaction front, per ion that crosses it.

A cell held at a potential loses part of it along the way (`resistance.py`), part as work against the stress that the
product's expansion raises (`stress.py`), and at fronts of a few nanometres part to their capillarity.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .units import ELEMENTARY_CHARGE_C, EV_PER_GPA_NM3, EV_PER_J_M2_NM2

__all__ = ["capillary_work_ev", "expansion_work_ev", "front_current_a_m2", "front_speed_of_current_nm_s"]

Floats = NDArray[np.float64]

_CHARGE_PER_AREA = ELEMENTARY_CHARGE_C * 1e18  # e per square nanometre, in C per square metre


def front_current_a_m2(speed_nm_s: ArrayLike, host_volume_nm3: ArrayLike, ions: ArrayLike) -> Floats:
    """Current density i = z e v / V_h that a front draws; Faraday's law.

    Args:
        speed_nm_s: v, in the coordinates of the unreacted host.
        host_volume_nm3: V_h, of a formula unit of the host.
        ions: z, how many a formula unit takes up in this step.
    """
    return np.asarray(_CHARGE_PER_AREA * np.asarray(ions) * np.asarray(speed_nm_s) / np.asarray(host_volume_nm3))


def front_speed_of_current_nm_s(current_a_m2: ArrayLike, host_volume_nm3: ArrayLike, ions: ArrayLike) -> Floats:
    """Speed of the front that draws a current density [A/m^2]; the inverse of `front_current_a_m2`."""
    return np.asarray(np.asarray(current_a_m2) * np.asarray(host_volume_nm3) / (_CHARGE_PER_AREA * np.asarray(ions)))


def expansion_work_ev(
    expansion: ArrayLike, host_volume_nm3: ArrayLike, ions: ArrayLike, stress_gpa: ArrayLike
) -> Floats:
    """Work per ion against stress, w = (beta - 1) V_h sigma / z [eV]; negative where tension helps the product in.

    Args:
        expansion: beta, product volume over host volume.
        host_volume_nm3: V_h, of a formula unit of the host.
        ions: z, how many a formula unit takes up in this step.
        stress_gpa: sigma, mean compression that the expansion works against.
    """
    work = (np.asarray(expansion) - 1) * np.asarray(host_volume_nm3) * np.asarray(stress_gpa) / np.asarray(ions)
    return np.asarray(EV_PER_GPA_NM3 * work)


def capillary_work_ev(
    surface_energy_j_m2: ArrayLike, curvature_per_nm: ArrayLike, host_volume_nm3: ArrayLike, ions: ArrayLike
) -> Floats:
    """Work per ion to make more front, gamma kappa V_h / z [eV] (Gibbs and Thomson).

    Args:
        surface_energy_j_m2: gamma, of the front; 0.1 to 1 for a solid against a solid.
        curvature_per_nm: kappa, positive where the product bulges into the host.
        host_volume_nm3: V_h, of a formula unit of the host.
        ions: z, how many a formula unit takes up in this step.
    """
    per_ion_nm3 = np.asarray(host_volume_nm3) / np.asarray(ions)
    work = np.asarray(surface_energy_j_m2) * np.asarray(curvature_per_nm) * per_ion_nm3
    return np.asarray(EV_PER_J_M2_NM2 * work)
