"""Crystal structures to start computations from: published cells, and where an ion hops in a host.

The tables are `structures.csv` and `hops.csv`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .shipped_table import shipped_table

__all__ = ["IonHop", "PhaseStructure", "ion_hop", "phase_structure"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PhaseStructure:
    """A crystal by its space group.

    Attributes:
        phase: Formula.
        space_group: Number in the International Tables.
        setting: 1 or 2, of those that the Tables give more than one origin; rhombohedral ones are in hexagonal axes.
        cell: a, b, c [nm] and alpha, beta, gamma [degrees] of the conventional cell, shape (6,).
        elements: Of the sites that symmetry does not tell apart.
        places: One of each, in fractions of the cell, shape (n, 3).
        layered: Whether dispersion holds it together.
        source: Where it is from.
    """

    phase: str
    space_group: int
    setting: int
    cell: Floats
    elements: tuple[str, ...]
    places: Floats
    layered: bool
    source: str


@dataclass(frozen=True)
class IonHop:
    """Half of an ion's way from one site to the next alike: up to the site between.

    Attributes:
        host: Formula.
        cell: Edges of the cell to compute in, in fractions of the conventional one, shape (3, 3).
        start, end: Sites in fractions of the conventional cell, shape (3,).
        source: What they are.
    """

    host: str
    cell: Floats
    start: Floats
    end: Floats
    source: str


def phase_structure(phase: str) -> PhaseStructure | None:
    """Where a phase's atoms are; None where no ordered structure is in the table."""
    row = _rows("structures", "phase").get(phase)
    if row is None:
        return None
    sites = [site.split() for site in row["sites"].split("; ")]
    lengths, angles = ([float(row[name]) for name in names] for names in (("a", "b", "c"), ("alpha", "beta", "gamma")))
    return PhaseStructure(
        phase=phase,
        space_group=int(row["space_group"]),
        setting=int(row["setting"]),
        cell=np.array([*(length / 10 for length in lengths), *angles]),
        elements=tuple(site[0] for site in sites),
        places=np.array([[float(x) for x in site[1:]] for site in sites]),
        layered=row["layered"] == "yes",
        source=row["source"],
    )


def ion_hop(host: str) -> IonHop | None:
    """How ions hop in a host; None where that is not in the table."""
    row = _rows("hops", "host").get(host)
    if row is None:
        return None
    cell = np.array([_numbers(edge) for edge in row["cell"].split("; ")])
    return IonHop(host, cell, np.array(_numbers(row["start"])), np.array(_numbers(row["end"])), row["source"])


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split()]


@lru_cache
def _rows(table: str, key: str) -> dict[str, dict[str, Any]]:
    return {str(row[key]): row for row in shipped_table(table, dtype=str).to_dict("records")}  # type: ignore[misc]
