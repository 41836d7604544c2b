"""Repeats of one experiment become one estimate, with the spread between particles in its interval."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student
from statsmodels.stats.meta_analysis import combine_effects

from ionfront.core import Quantity

__all__ = ["NORMAL_975", "Pooled", "difference", "exponential", "log_estimate", "pooled"]

NORMAL_975 = 1.959964
_LEAST_ERROR = 1e-3  # of a logarithm: a fraction of exactly 1 is not known without error


@dataclass(frozen=True)
class Pooled:
    """Mean of repeats under a random-effects model: each has a value of its own, and is measured with its own error.

    Attributes:
        mean: Of all particles that could have been filmed.
        std: Standard error of `mean`.
        freedom: Degrees of freedom of `std`; infinite where no repeat tells of a spread.
        spread: Standard deviation between particles; NaN for a single repeat, which shows none.
        count: Number of repeats.
    """

    mean: float
    std: float
    freedom: float
    spread: float
    count: int

    @property
    def quantity(self) -> Quantity:
        """The mean and its 95 % interval, Student's."""
        return _interval(self.mean, self.std, self.freedom)


def pooled(sides: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, Pooled]:
    """Pool the repeats of each side.

    The spread between particles is that of Paule and Mandel, the error of the mean that of Hartung and Knapp
    (doi:10.1002/sim.791), but never below what the errors and the spread make it by themselves. A single repeat shows
    no spread: it is taken to be that of the other sides, or none where they are single repeats too.

    Args:
        sides: A value and its standard error, above zero, of each repeat; at least one a side.
    """
    repeated = {side: _random_effects(pairs) for side, pairs in sides.items() if len(pairs) > 1}
    freedom = sum(mean.freedom for mean in repeated.values())
    variance = sum(mean.freedom * mean.spread**2 for mean in repeated.values()) / freedom if repeated else 0.0
    single = {
        side: Pooled(value, float(np.sqrt(std**2 + variance)), freedom or np.inf, np.nan, 1)
        for side, ((value, std), *others) in sides.items()
        if not others
    }
    return {side: (repeated | single)[side] for side in sides}


def log_estimate(value: float, low: float | None, high: float | None) -> tuple[float, float] | None:
    """Logarithm of a value and its standard error, from its 95 % interval; None where either is unknown."""
    if low is None or high is None or value <= 0:
        return None
    width = math.log(high / low) if low > 0 else (high - low) / value
    return math.log(value), max(width / (2 * NORMAL_975), _LEAST_ERROR)


def exponential(quantity: Quantity) -> Quantity:
    """Of a logarithm and its interval; an end beyond all numbers is infinite."""
    with np.errstate(over="ignore"):
        value, low, high = np.exp([quantity.value, quantity.low, quantity.high])
    return Quantity(float(value), float(low), float(high))


def _random_effects(pairs: Sequence[tuple[float, float]]) -> Pooled:
    values, stds = np.array(pairs).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels wants numbers of observations for intervals that are not used
        fit = combine_effects(values, stds**2, method_re="iterated")
    std = max(float(fit.sd_eff_w_re_hksj), float(fit.sd_eff_w_re))
    spread = float(np.sqrt(max(float(fit.tau2), 0.0)))
    return Pooled(float(fit.mean_effect_re), std, len(pairs) - 1.0, spread, len(pairs))


def difference(one: Pooled, other: Pooled) -> Quantity:
    """`one` less `other`, with the interval of B. L. Welch, Biometrika 34 (1947) 28."""
    variances = one.std**2, other.std**2
    spent = variances[0] ** 2 / one.freedom + variances[1] ** 2 / other.freedom
    freedom = sum(variances) ** 2 / spent if spent > 0 else np.inf
    return _interval(one.mean - other.mean, float(np.sqrt(sum(variances))), freedom)


def _interval(value: float, std: float, freedom: float) -> Quantity:
    reach = float(student.ppf(0.975, freedom)) * std
    return Quantity(value, value - reach, value + reach)
