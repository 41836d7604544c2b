"""What the literature says of reaction fronts: verified and recalled are never mixed.

`literature_kinetics.csv` has a row for each observation, most of them in situ TEM. A number counts as read only where
the row says that the kinetic number was verified; all other velocities are orders of magnitude, for priors at most.
`orderings.csv` has which ion was seen to be the faster in one and the same laboratory.
"""

from functools import lru_cache
from io import StringIO
from typing import Annotated, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ionfront.core import MaterialError

from .materials import IonName
from .shipped_table import shipped_table

__all__ = ["Observation", "Ordering", "concave_front", "literature", "orderings", "read_literature"]

Verification = Literal["kinetic_number", "other_number", "in_words", "in_part", "recalled"]
_VERIFICATION: dict[str, Verification] = {
    "VERIFIED(kinetic number)": "kinetic_number",
    "VERIFIED(other number": "other_number",
    "VERIFIED(qualitative only)": "in_words",
    "MIXED(": "in_part",
    "RECALLED(": "recalled",
}


def _verification(text: object) -> object:
    """The word that the column begins with; what follows is an address."""
    found = [name for start, name in _VERIFICATION.items() if str(text).startswith(start)]
    return found[0] if found else text


def _empty(text: object) -> object:
    return None if text == "" else text


Number = Annotated[float | None, BeforeValidator(_empty)]
Velocity = Annotated[Annotated[float, Field(ge=0)] | None, BeforeValidator(_empty)]


class Observation(BaseModel):
    """One row: what was seen of one host with one ion.

    Velocities are in nm/s, sizes in nm, temperatures in K, expansions in per cent, bias in V.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    host: str = Field(min_length=1)
    ion: Literal["Li", "Na", "K", "Ca"]
    mechanism: str
    morphology: str
    size_nm: Number
    orientation: str
    regime: str
    velocity_nm_s_low: Velocity
    velocity_nm_s_best: Velocity
    velocity_nm_s_high: Velocity
    exponent: Number
    volume_expansion_percent: Number
    temperature_k: Number = Field(alias="temperature_K")
    bias_v: Number = Field(alias="bias_V")
    source_citation: str = Field(min_length=1)
    doi: str
    verified_or_recalled: Annotated[Verification, BeforeValidator(_verification)]
    confidence_note: str

    @model_validator(mode="after")
    def _in_order(self) -> "Observation":
        bounds = [
            v for v in (self.velocity_nm_s_low, self.velocity_nm_s_best, self.velocity_nm_s_high) if v is not None
        ]
        if bounds != sorted(bounds):
            raise ValueError("velocities are not in the order low, best, high")
        return self

    @property
    def velocity_verified_nm_s(self) -> float | None:
        """A velocity that was read in a source as such; None where it is recalled, or an order of magnitude."""
        return self.velocity_nm_s_best if self.verified_or_recalled == "kinetic_number" else None

    @property
    def concave(self) -> bool:
        """Whether the front's middle was seen to lag its edges."""
        return "concave" in self.regime

    @property
    def self_limiting(self) -> bool:
        """Whether the front was seen to slow down for the stress of its own product."""
        return "self-limiting" in self.regime or "stress, not diffusion" in self.regime


class Ordering(BaseModel):
    """Which of two ions was the faster in a host, and how much where that was said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    faster: IonName
    slower: IonName
    ratio_low: Number
    ratio_high: Number
    status: Literal["verified", "recalled"]
    source: str


@lru_cache
def literature() -> tuple[Observation, ...]:
    """The table that comes with IonFront."""
    return _observations(shipped_table("literature_kinetics", dtype=str))


def concave_front(host: str, ion: str) -> Observation | None:
    """Who saw that the front of an ion in a host is concave; None where nobody did."""
    return next((seen for seen in literature() if seen.concave and (seen.host, seen.ion) == (host, ion)), None)


def read_literature(text: str) -> tuple[Observation, ...]:
    """A table of observations in CSV.

    Raises:
        MaterialError: A row is not as it should be; says which.
    """
    return _observations(pd.read_csv(StringIO(text), dtype=str, keep_default_na=False))


@lru_cache
def orderings() -> tuple[Ordering, ...]:
    """Which ion was the faster, of those that were read in a source."""
    return tuple(Ordering.model_validate(row) for row in shipped_table("orderings", dtype=str).to_dict("records"))


def _observations(table: pd.DataFrame) -> tuple[Observation, ...]:
    observations = []
    for number, row in enumerate(table.to_dict("records"), start=2):
        try:
            observations.append(Observation.model_validate(row))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise MaterialError(f"line {number} of the literature table, {place or 'row'}: {first['msg']}.") from error
    return tuple(observations)
