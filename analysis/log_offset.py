"""Where a potentiostat's log lies on the movie's clock, from the reaction itself: it advances as charge passes.

The reacted share of what is in view is taken as a straight line in the charge that has passed, and the log is slid
along until the line fits best; it must cover the movie. Cells in which most charge goes elsewhere still start, stop and
turn with their current; where the current does none of these in the movie, it tells nothing.
"""

import numpy as np
from numpy.typing import NDArray

from ionfront.core import ElectrochemistryError, Quantity
from ionfront.datasets import ElectrochemicalLog
from ionfront.fronts import independent_values, lag_one

__all__ = ["log_offset"]

Floats = NDArray[np.float64]

_STEPS = 400  # of the movie's length: the grid of offsets tried
_CHI2_95 = 3.84  # one degree of freedom
_FITTED = 3  # the offset, and the line's slope and height
_FEWEST_FRAMES = 8
_MOST_ALIKE = 0.9  # from frame to frame: of a smooth misfit, a few values still tell
_LEAST_EXPLAINED = 0.8  # of the variance of the reacted share
_WIDEST = 0.2  # of the movie's length: an interval that says little more than that log and movie overlap


def log_offset(log: ElectrochemicalLog, time_s: Floats, progress: Floats) -> Quantity:
    """What the movie's clock shows when the log's shows zero [s], with its 95 % interval.

    Args:
        log: On its own clock.
        time_s: Of the frames, shape (n,).
        progress: How far what is in view has reacted, shape (n,), in any unit; NaN where a frame shows nothing.

    Raises:
        ElectrochemistryError: The reaction does not tell where it lies.
    """
    seen = np.isfinite(progress)
    time, reacted = time_s[seen], progress[seen]
    if time.size < _FEWEST_FRAMES or np.ptp(reacted) == 0:
        raise ElectrochemistryError("nothing reacts in the movie, so the log's offset cannot be found: give it.")
    span = float(np.ptp(time_s))
    # all frames within the log: where it begins and ends is no event in the cell
    offsets = np.arange(time_s[-1] - log.time_s[-1], time_s[0] - log.time_s[0] + 1e-9 * span, span / _STEPS)
    if offsets.size == 0:
        raise ElectrochemistryError(f"{log.source} is shorter than the movie, so its offset cannot be found: give it.")
    fits = [_left(log, offset, time, reacted) for offset in offsets]
    squares = np.array([float(np.mean(left**2)) for left in fits])
    best = int(squares.argmin())
    explained = 1 - squares[best] / float(reacted.var())
    floor = 1e-12 * float(np.mean(reacted**2))  # of exact data: two offsets that both fit are not told apart
    ratio = np.log((squares + floor) / (squares[best] + floor))
    independent = independent_values(time.size, lag_one(fits[best], _MOST_ALIKE))
    fitting = max(independent - _FITTED, 1.0) * ratio <= _CHI2_95
    likely = offsets[fitting]
    frame = float(np.median(np.diff(time_s)))  # a change is seen a frame or so after it
    low, high = float(likely[0]) - frame, float(likely[-1]) + frame
    at_an_end = fitting[0] or fitting[-1]  # the best may lie beyond
    if at_an_end or explained < _LEAST_EXPLAINED or high - low > _WIDEST * span:
        raise ElectrochemistryError(
            f"the reaction does not tell where {log.source} lies on the movie's clock (with the best offset, "
            f"{offsets[best]:.4g} s, charge explains {explained:.0%} of its course; 95 % interval {low:.4g} to "
            f"{high:.4g} s): give the offset."
        )
    return Quantity(float(offsets[best]), low, high)


def _left(log: ElectrochemicalLog, offset: float, time: Floats, reacted: Floats) -> Floats:
    """What the best straight line in the charge leaves of the reacted share, shape (n,)."""
    charge = np.interp(time - offset, log.time_s, log.charge_c)
    charge = charge - charge.mean()
    centred = reacted - reacted.mean()
    length = float(charge @ charge)
    return np.asarray(centred if length == 0 else centred - charge * float(charge @ centred) / length)
