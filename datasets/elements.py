"""Features of a composition: means and spreads of what its elements are like.

L. Ward et al., npj Comput. Mater. 2 (2016) 16028, doi:10.1038/npjcompumats.2016.28 (Magpie). The values of the elements
in `tables/elements.csv` are those of mendeleev 1.3 (MIT licence).
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pandas as pd

from ionfront.core import MaterialError

from .shipped_table import shipped_table

__all__ = ["FEATURE_NAMES", "IONIC_RADIUS_NM", "composition_features"]

IONIC_RADIUS_NM: Mapping[str, float] = {"Li": 0.076, "Na": 0.102, "K": 0.138}
"""R. D. Shannon, Acta Cryst. A 32 (1976) 751, doi:10.1107/S0567739476001551; six neighbours."""

_PROPERTIES = ("atomic_weight_u", "electronegativity", "covalent_radius_pm", "polarizability_au", "group", "period")
FEATURE_NAMES: tuple[str, ...] = tuple(f"{what}_{name}" for name in _PROPERTIES for what in ("mean", "spread"))


def composition_features(atoms: Mapping[str, float]) -> dict[str, float]:
    """Mean and mean absolute deviation of each property over the atoms.

    Args:
        atoms: How many of each element.

    Raises:
        MaterialError: No atoms, or an element without these properties.
    """
    if not atoms or sum(atoms.values()) <= 0:
        raise MaterialError("a composition without atoms has no features.")
    known = _elements()
    missing = [element for element in atoms if element not in known.index]
    if missing:
        raise MaterialError(f"{', '.join(missing)} is not an element whose properties are known.")
    values = known.loc[list(atoms), list(_PROPERTIES)].to_numpy(float)
    share = np.array(list(atoms.values()))[:, None] / sum(atoms.values())
    mean = (share * values).sum(axis=0)
    spread = (share * np.abs(values - mean)).sum(axis=0)
    return dict(zip(FEATURE_NAMES, np.column_stack([mean, spread]).ravel().tolist(), strict=True))


@lru_cache
def _elements() -> pd.DataFrame:
    return shipped_table("elements", na_values=[""]).set_index("symbol").dropna()
