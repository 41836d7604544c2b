"""What the kinetics head is told of a reaction: descriptors, experiment, and the physical mean by its parts."""

import numpy as np
from numpy.typing import NDArray

from ionfront.datasets import MECHANISMS
from ionfront.physics import GEOMETRIES

from .physical_mean import PARTS, contributions
from .reaction import Reactions, Unknowns

__all__ = ["DESCRIPTORS", "FEATURES", "descriptors", "features"]

Floats = NDArray[np.float64]

DESCRIPTORS: tuple[str, ...] = (
    "size [log nm]",
    "bias [V]",
    "temperature [K]",
    "potential [V]",
    "expansion",
    "modulus [log GPa]",
    "barrier [eV]",
    "crowding",
    "ions per volume [log nm^-3]",
    "contact [log10 ohm m^2]",
)
"""Numbers that may lie outside what the head was trained on."""

FEATURES: tuple[str, ...] = (*DESCRIPTORS, "contact known", *MECHANISMS, *GEOMETRIES, *PARTS)


def descriptors(r: Reactions) -> Floats:
    """Shape (n, len(DESCRIPTORS)); a contact that is not known is taken for the middle."""
    return np.column_stack(
        [
            np.log(r.size_nm),
            r.bias_v,
            r.temperature_k,
            r.potential_v,
            r.expansion,
            np.log(r.bulk_modulus_gpa),
            r.barrier_ev,
            r.crowding,
            np.log(r.ions / r.volume_nm3),
            np.where(np.isnan(r.contact), Unknowns().contact, r.contact),
        ]
    )


def features(r: Reactions, parts: Floats | None = None) -> Floats:
    """Shape (n, len(FEATURES)).

    Args:
        r: Reactions.
        parts: `contributions` of them, where they are known already.
    """
    parts = contributions(r) if parts is None else parts
    mechanism = np.column_stack([r.mechanism == name for name in MECHANISMS])
    geometry = np.column_stack([r.geometry == name for name in GEOMETRIES])
    return np.column_stack([descriptors(r), ~np.isnan(r.contact), mechanism, geometry, parts]).astype(float)
