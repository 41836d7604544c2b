"""How much the shape of a particle lets its product's expansion press back on a front, and with which sign.

The product yields. A layer that has just reacted keeps the lateral size of the host and is then pushed outward; the
compression that works against the front is Y [c + n ln(b/a)], Y the product's yield stress, b and a the radii of the
swollen body and of its core. c is the plastic work of one layer: (2/3) Y (beta - 1) where only one direction is free,
(1/3) where two are. n comes from the equilibrium of a yielding shell, d sigma_r/dr = (d - 1)(sigma_theta - sigma_r)/r.
K. Zhao et al., J. Electrochem. Soc. 159 (2012) A238, doi:10.1149/2.020203jes, have the same mechanics.

Elastic forms hold for intercalation of a few per cent and small misfits only; there a coherent shell that expands puts
its core in tension, the opposite of the plastic case.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "GEOMETRIES",
    "FrontGeometry",
    "GeometryName",
    "cavity_limit_gpa",
    "film_curvature_per_nm",
    "film_stress_gpa",
    "front_stress_gpa",
    "inclusion_pressure_gpa",
    "log_swelling",
    "stall_core",
]

Floats = NDArray[np.float64]
_LARGEST_EXPONENT = 200.0  # a core of e^-67 of the radius or less is none
GeometryName = Literal["film", "flake", "wire_axial", "wire_radial", "sphere", "open_concave"]


@dataclass(frozen=True)
class FrontGeometry:
    """What a geometry makes of the yield stress.

    Attributes:
        layer: c, of a layer that has just reacted.
        hoop: n, of the shell around a closed core; 0 where there is none.
        dimension: d, in which the body swells around its core; 0 where there is none.
        assisted: Whether tension ahead of an open concave front takes from c. An assumption: its sign is from one
            observation (J. Cui et al. on Bi2Te3), its size is to be fitted.
    """

    layer: float
    hoop: float = 0.0
    dimension: Literal[0, 2, 3] = 0
    assisted: bool = False


GEOMETRIES: dict[GeometryName, FrontGeometry] = {
    "film": FrontGeometry(2 / 3),
    "flake": FrontGeometry(1 / 3),
    "wire_axial": FrontGeometry(1 / 3),
    "wire_radial": FrontGeometry(2 / 3, 2 / np.sqrt(3), 2),
    "sphere": FrontGeometry(2 / 3, 2.0, 3),
    "open_concave": FrontGeometry(1 / 3, assisted=True),
}


def log_swelling(expansion: ArrayLike, core: ArrayLike, dimension: int) -> Floats:
    """ln(b/a), with (b/a)^d = 1 + beta V_reacted/V_core.

    Args:
        expansion: beta, product volume over host volume.
        core: Share of the body's volume that has not reacted, above 0.
        dimension: d, 2 for a cylinder or disc and 3 for a sphere; 0 gives 0.
    """
    left = np.asarray(core, float)
    swollen = np.log1p(np.asarray(expansion) * (1 - left) / left)
    return np.asarray(swollen / dimension if dimension else np.zeros_like(swollen))


def front_stress_gpa(
    geometry: FrontGeometry, yield_gpa: ArrayLike, log_ratio: ArrayLike = 0.0, assistance: ArrayLike = 0.0
) -> Floats:
    """Compression that a front's expansion works against, Y [c - chi + n ln(b/a)]; negative is tension.

    Args:
        geometry: c and n.
        yield_gpa: Y, of the product.
        log_ratio: ln(b/a), from `log_swelling`.
        assistance: chi, what an open concave front gains; counts only where the geometry is `assisted`.
    """
    gained = np.asarray(assistance) if geometry.assisted else 0.0
    return np.asarray(np.asarray(yield_gpa) * (geometry.layer - gained + geometry.hoop * np.asarray(log_ratio)))


def stall_core(
    geometry: FrontGeometry, expansion: float, yield_gpa: float, drive_gpa: float, assistance: float = 0.0
) -> float:
    """Radius of the core at which a front stalls, as a share of the body's; 1 where it never sets out.

    Args:
        geometry: c, n and d.
        expansion: beta, above 1.
        yield_gpa: Y, of the product.
        drive_gpa: Driving force z psi/V_h per volume of host, without the work of expansion.
        assistance: chi, as for `front_stress_gpa`.
    """
    spare = drive_gpa / ((expansion - 1) * yield_gpa) - geometry.layer + geometry.assisted * assistance
    if spare <= 0:
        return 1.0
    if geometry.hoop == 0:
        return 0.0  # nothing adds up: it goes all the way
    swollen = np.expm1(min(geometry.dimension * spare / geometry.hoop, _LARGEST_EXPONENT)) / expansion
    return float((1 + swollen) ** (-1 / geometry.dimension))


def film_stress_gpa(modulus_gpa: ArrayLike, poisson: ArrayLike, misfit: ArrayLike) -> Floats:
    """Stress of a thin plate held on a thick one, -E e/(1 - nu): compression is negative."""
    return np.asarray(-np.asarray(modulus_gpa) * np.asarray(misfit) / (1 - np.asarray(poisson)))


def film_curvature_per_nm(
    stress_gpa: ArrayLike, film_nm: ArrayLike, modulus_gpa: ArrayLike, poisson: ArrayLike, plate_nm: ArrayLike
) -> Floats:
    """Curvature of a plate bent by a thin film on it, 6 (1 - nu) s h_f / (E h^2).

    G. G. Stoney, Proc. R. Soc. A 82 (1909) 172, doi:10.1098/rspa.1909.0021, with the plate's biaxial modulus.
    """
    moment = 6 * (1 - np.asarray(poisson)) * np.asarray(stress_gpa) * np.asarray(film_nm)
    return np.asarray(moment / (np.asarray(modulus_gpa) * np.square(plate_nm)))


def inclusion_pressure_gpa(bulk_gpa: ArrayLike, shear_gpa: ArrayLike, misfit: ArrayLike) -> Floats:
    """Pressure in a sphere that grew by a linear misfit e in a matrix, 12 K mu e/(3 K + 4 mu).

    J. D. Eshelby, Proc. R. Soc. A 241 (1957) 376, doi:10.1098/rspa.1957.0133.

    Args:
        bulk_gpa: K, of the inclusion.
        shear_gpa: mu, of the matrix.
        misfit: e.
    """
    bulk, shear = np.asarray(bulk_gpa, float), np.asarray(shear_gpa, float)
    return np.asarray(12 * bulk * shear * np.asarray(misfit) / (3 * bulk + 4 * shear))


def cavity_limit_gpa(yield_gpa: ArrayLike, modulus_gpa: ArrayLike, poisson: ArrayLike = 0.3) -> Floats:
    """Largest pressure of a product that grows inside a yielding host, (2 Y/3)[1 + ln(E/(3 (1 - nu) Y))].

    R. Hill, The Mathematical Theory of Plasticity (1950), expansion of a spherical cavity.
    """
    strength = np.asarray(yield_gpa, float)
    return np.asarray(
        2 * strength / 3 * (1 + np.log(np.asarray(modulus_gpa) / (3 * (1 - np.asarray(poisson)) * strength)))
    )
