"""Whether a front goes over from one rate law to another in mid-course, and when.

Potential steps, a contact that breaks, or a second limitation that sets in change the law at a moment. Before it a law
runs as ever; from it on another takes over where the front then stands, x = x_c + f(t - t_c + a) - f(a), with an age a
that lets it set in at any of its speeds. Two laws describe any track better than one, and are believed only where the
evidence is very strong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from ionfront.core import Quantity
from ionfront.physics import LawName, RateLaw

from .least_squares import least_squares
from .rate_fit import FAMILIES, ROBUST, LawFit, information_criteria

__all__ = ["LawTurn", "find_turn"]

Floats = NDArray[np.float64]

_LAWS: tuple[LawName, ...] = ("linear", "parabolic", "self_limiting")  # mixed goes over from one to the other by itself
_STARTS = (0.3, 0.5, 0.7)  # of the track
_FEWEST = 8  # frames on either side
_LEAST_WAY = 0.1  # of the distance that the track covers, on either side
_LEAST_CHANGE = 1.5  # between the speeds before and after: less is no other course
_BEND = 0.6  # of what all positions may be off by: what a single law may miss
_EVIDENCE = 10.0  # of BIC: very strong, as A. E. Raftery (1995) has it
_REPLICATES = 60


@dataclass(frozen=True)
class LawTurn:
    """A change of law in mid-course.

    Attributes:
        time: When.
        before: Law until then.
        after: Law from then on.
        speed_before: Speed just before.
        speed_after: Speed just after.
    """

    time: Quantity
    before: LawName
    after: LawName
    speed_before: Quantity
    speed_after: Quantity


@dataclass(frozen=True)
class _Model:
    """Two laws in units in which the track spans 1 and reaches 1; parameters: t_c, onset, those of each, age."""

    before: LawName
    after: LawName

    @property
    def start(self) -> Floats:
        return np.array([0.0, -0.02, *FAMILIES[self.before].starts[0], *FAMILIES[self.after].starts[0], -2.0])

    def positions(self, t: Floats, q: Floats) -> Floats:
        first, second, age = self._laws(q)
        so_far = first.position_nm(np.minimum(t, q[0]) - q[1])
        further = second.position_nm(np.maximum(t - q[0], 0.0) + age) - second.position_nm(age)
        return np.asarray(so_far + further)

    def speeds(self, q: Floats) -> Floats:
        """Just before and just after the turn, shape (2,)."""
        step = 1e-3
        places = self.positions(q[0] + np.array([-step, 0.0, step]), q)
        return np.diff(places) / step

    def _laws(self, q: Floats) -> tuple[RateLaw, RateLaw, float]:
        split = 2 + len(FAMILIES[self.before].starts[0])
        first = FAMILIES[self.before].build(q[2:split], 1.0, 1.0)
        return first, FAMILIES[self.after].build(q[split:-1], 1.0, 1.0), float(np.exp(q[-1]))


def find_turn(
    single: LawFit, time: Floats, position: Floats, replicates: Sequence[Floats], pixel: float, scale_error: float
) -> LawTurn | None:
    """The change of law that a track shows; None where one law tells as much.

    Args:
        single: The one law that describes it best.
        time: Shape (n,).
        position: Shape (n,).
        replicates: Positions that could have been measured, each of shape (n,).
        pixel: Length of a pixel in the unit of `position`.
        scale_error: Relative standard error of all positions together. A network whose errors shift positions by so
            much also bends a track, over many frames on end, and a bend of that size is no change of law.
    """
    bend = float(np.sqrt(np.mean(np.square(single.residuals))))
    if time.size < 2 * _FEWEST or bend < _BEND * scale_error * position.max():
        return None
    span, reach = float(np.ptp(time)), float(position.max())
    t, x = (time - time[0]) / span, position / reach
    model, best = min(_fits(t, x), key=lambda found: float(found[1].cost))
    left = position - reach * model.positions(t, best.x)
    bic = information_criteria(
        {"one": single.residuals, "two": left}, {"one": single.solution.size, "two": best.x.size}, pixel
    )
    speeds = model.speeds(best.x)
    if bic["two"] > bic["one"] - _EVIDENCE or not _plain(best.x[0], t, x, speeds):
        return None
    again = [_solve(model, t, curve / reach, best.x).x for curve in replicates[:_REPLICATES]]
    before, after = np.array([model.speeds(q) for q in again]).reshape(-1, 2).T * reach / span
    now = speeds * reach / span
    return LawTurn(
        time=Quantity.from_samples(time[0] + span * best.x[0], [time[0] + span * q[0] for q in again]),
        before=model.before,
        after=model.after,
        speed_before=Quantity.from_samples(now[0], before),
        speed_after=Quantity.from_samples(now[1], after),
    )


def _fits(t: Floats, x: Floats) -> Iterator[tuple[_Model, optimize.OptimizeResult]]:
    for before in _LAWS:
        for after in _LAWS:
            model = _Model(before, after)
            for turn in _STARTS:
                start = model.start
                start[0] = turn
                yield model, _solve(model, t, x, start)


def _solve(model: _Model, t: Floats, x: Floats, start: Floats) -> optimize.OptimizeResult:
    low, high = np.full(start.size, -8.0), np.full(start.size, 8.0)
    low[:2], high[:2] = (t[_FEWEST - 1], -2.0), (t[-_FEWEST], t[3])
    return least_squares(lambda q: model.positions(t, q) - x, start, low, high, max_nfev=60, **ROBUST)


def _plain(turn: float, t: Floats, x: Floats, speeds: Floats) -> bool:
    """Whether both parts are long enough, and their speeds different enough, to be called two."""
    middle = float(np.interp(turn, t, x))
    parts = np.array([middle - x[0], x[-1] - middle])
    slow, fast = np.sort(speeds)
    return bool(parts.min() > _LEAST_WAY * np.ptp(x) and fast > _LEAST_CHANGE * max(slow, 0.0))
