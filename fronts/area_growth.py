"""The reacted share of a particle against time, as nucleation and growth have it: Avrami's exponent.

Few nuclei make a curve whose late part bends by chance, and with it exponent and onset. So its start counts most, and
the moment when the first of the particle had reacted is held to what was seen. The exponent describes any curve; it
counts dimensions only where nuclei grew all over the particle.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionfront.core import Quantity
from ionfront.physics import AreaFraction

from .blocks import blocks_in, draws_of_blocks
from .least_squares import least_squares

__all__ = ["AreaGrowth", "area_growth"]

Floats = NDArray[np.float64]

_FEWEST = 6  # moments between the ends below
_ENDS = (0.01, 0.99)  # shares outside which a curve tells nothing of its exponent
_FIRST = 0.003  # the share that has reacted when the first of a particle has: fewer pixels may be a segmenter's
_FIRST_FRAMES = 2.0  # how well that moment is known: so many frames, or
_FIRST_SHARE = 0.05  # so much of the time from there to half reacted, whichever is longer
_LEAST_SHARE = 1e-3  # what a share is known to
_NOISE = 0.02  # of the square root of a share: what a curve misses, alike from frame to frame
_REPLICATES = 100
_BLOCKS_ACROSS = 5  # what grew from one nucleus goes together: larger blocks than for errors of pixels


@dataclass(frozen=True)
class AreaGrowth:
    """X = 1 - exp(-(K (t - t0))^n).

    Attributes:
        exponent: n.
        rate: K, per time unit.
        onset: t0.
    """

    exponent: Quantity
    rate: Quantity
    onset: Quantity


def area_growth(arrival: Floats, particle: NDArray[np.bool_], time: Floats, *, seed: int = 0) -> AreaGrowth | None:
    """Fit the reacted share; None where too few frames show it between 1 and 99 %, or some had reacted before them.

    Args:
        arrival: Arrival times, shape (y, x); infinite where never reached.
        particle: What the share is of, shape (y, x).
        time: Frame times, shape (n,).
        seed: Of the bootstrap, which draws blocks of the particle.
    """
    rows, columns = np.nonzero(particle)
    block = blocks_in(rows, columns, across=_BLOCKS_ACROSS)
    moment = np.searchsorted(time, arrival[rows, columns])
    cells = np.bincount(block * (time.size + 1) + moment, minlength=(block.max() + 1) * (time.size + 1))
    reached = np.cumsum(cells.reshape(-1, time.size + 1)[:, :-1], axis=1).astype(float)
    size = np.bincount(block).astype(float)
    share = reached.sum(axis=0) / size.sum()
    if ((share > _ENDS[0]) & (share < _ENDS[1])).sum() < _FEWEST or share[0] > _FIRST:
        return None
    draws = draws_of_blocks(size.size, _REPLICATES, np.random.default_rng(seed))
    curves = (draws @ reached) / (draws @ size)[:, None]
    curves = curves[curves[:, -1] > _ENDS[0]]  # a draw may hold no block that reacted
    best = _solve(time, share, None)
    rng = np.random.default_rng([seed, 2])
    again = np.array([_solve(time, curve, best, rng.standard_normal()) for curve in curves])
    again = 2 * best - again  # basic bootstrap: few nuclei bias a curve, and few blocks of it once more
    scale, start = np.ptp(time), time[0]
    return AreaGrowth(
        Quantity.from_samples(float(np.exp(best[0])), np.exp(again[:, 0])),
        Quantity.from_samples(float(np.exp(best[1]) / scale), np.exp(again[:, 1]) / scale),
        Quantity.from_samples(float(start + best[2] * scale), start + again[:, 2] * scale),
    )


def _solve(time: Floats, share: Floats, near: Floats | None, off: float = 0.0) -> Floats:
    """Logarithms of n and of K, and t0, in units of the movie's length.

    Args:
        time: Frame times.
        share: Reacted share in each.
        near: Where to set out from.
        off: How far the first moment is taken beside where it was seen, in standard deviations: replicates draw it.
    """
    t = (time - time[0]) / np.ptp(time)
    weight = 1 / (_NOISE * np.sqrt(t.size * np.maximum(share, _LEAST_SHARE)))
    first = float(t[np.argmax(share > _FIRST)])
    half = float(t[np.argmax(share > 0.5 * share[-1])])
    known = max(_FIRST_FRAMES * float(np.median(np.diff(t))), _FIRST_SHARE * (half - first))

    def misses(q: Floats) -> Floats:
        law = AreaFraction(float(np.exp(q[1])), float(np.exp(q[0])))
        left = weight * (law.fraction(t - q[2]) - share)
        return np.append(left, (q[2] + float(law.time_s(_FIRST)) - first) / known - off)

    starts = [near] if near is not None else [np.array([np.log(n), 0.5, first - 0.5 * known]) for n in (0.7, 1.5, 3.0)]
    low, high = np.array([np.log(0.1), -6.0, -1.5]), np.array([np.log(8.0), 8.0, 1.0])
    found = [least_squares(misses, start, low, high) for start in starts]
    return np.asarray(min(found, key=lambda fit: float(fit.cost)).x)
