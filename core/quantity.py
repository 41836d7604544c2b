"""A number that leaves the program: a value and its 95 % interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Quantity"]


@dataclass(frozen=True)
class Quantity:
    """A value with the ends of its 95 % interval, all in one unit (the unit lives in the name that holds it)."""

    value: float
    low: float
    high: float

    @classmethod
    def from_samples(cls, value: float, samples: ArrayLike) -> "Quantity":
        """The value with the 2.5 % and 97.5 % quantiles of its bootstrap samples, shape (n,); NaN are left out."""
        finite = np.asarray(samples, float)
        finite = finite[np.isfinite(finite)]
        if finite.size == 0:
            return cls(float(value), float("nan"), float("nan"))
        low, high = np.quantile(finite, [0.025, 0.975])
        return cls(float(value), float(min(low, value)), float(max(high, value)))
