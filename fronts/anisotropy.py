"""Whether a front goes faster in some directions of a particle than in others.

The speed of a front along its normal n is the support function of the shape that it would grow into from a point
(`physics.growth_shapes`). Tried are, beside none, an ellipse, a rectangle, a diamond, and lattices of four- and sixfold
symmetry.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from ionfront.core import Quantity
from ionfront.physics import LatticeFold, lattice_speed, two_axes_speed

from .blocks import blocks_in, draws_of_blocks
from .local import LOCAL_BLOCKS, LocalFront

__all__ = ["FORM_NAMES", "Anisotropy", "FormName", "front_anisotropy"]

Floats = NDArray[np.float64]
FormName = Literal["isotropic", "ellipse", "rectangle", "diamond", "fourfold", "sixfold"]

_SECTORS = 18  # of 10 degrees; a direction and its opposite count as one, as they do in all forms
_FEWEST_SECTORS = 7  # a front that never turned by more than some 60 degrees tells nothing of the others
_FEWEST_PX = 20  # in a sector
_FARTHEST = np.log(4.0)  # of a pixel's speed beside the median: the rest is noise
_LARGEST = np.log(30.0)  # ratio of speeds along the axes that is told apart from none at all across
_EVIDENCE = 6.0  # of BIC that five forms must have over none: strong, as A. E. Raftery (1995) has it
_STRETCH = 6.0  # error of the mean logarithm of the speeds in a sector, in units of that of all positions
_FLOOR = 0.02  # of the mean logarithm in a sector: what a pixel grid does to gradients


@dataclass(frozen=True)
class Anisotropy:
    """How the speed of a front depends on its direction.

    Attributes:
        form: The shape that describes it best by BIC.
        ratio: Largest speed over smallest, 1 where the front is isotropic.
        fastest_deg: Direction of the largest speed, from x towards y in the image, modulo 180 degrees; None where
            isotropic. Of several such directions the one nearest to 0.
    """

    form: FormName
    ratio: Quantity
    fastest_deg: Quantity | None


def front_anisotropy(
    local: LocalFront, pace: Floats | float = 1.0, *, scale_error: float = 0.0, n_replicates: int = 200, seed: int = 0
) -> Anisotropy | None:
    """Fit all forms to the speeds of a front; None where it went in too few directions to tell.

    Args:
        local: The front at each place.
        pace: Speed of the whole front when it was there, shape (y, x) or one number: what the rate law says, so that a
            front that turned as it slowed is not taken for an anisotropic one.
        scale_error: Relative standard error of all positions together. What makes it also makes speeds of whole
            stretches wrong, and stretches differ in direction.
        n_replicates: Bootstrap samples over blocks of the swept area.
        seed: Of the bootstrap.
    """
    relative = np.log(local.speed / pace)
    rows, columns = np.nonzero(local.trusted & np.isfinite(relative))
    if rows.size < _FEWEST_SECTORS * _FEWEST_PX:
        return None
    speeds = relative[rows, columns]
    speeds = np.clip(speeds - np.median(speeds), -_FARTHEST, _FARTHEST)
    sector = (local.direction[rows, columns] % np.pi / np.pi * _SECTORS).astype(np.intp) % _SECTORS
    block = blocks_in(rows, columns, **LOCAL_BLOCKS)
    cells = block * _SECTORS + sector
    shape = (int(block.max()) + 1, _SECTORS)
    total, count = (np.bincount(cells, w, minlength=shape[0] * _SECTORS).reshape(shape) for w in (speeds, None))
    seen = np.flatnonzero(count.sum(axis=0) >= _FEWEST_PX)
    if seen.size < _FEWEST_SECTORS:
        return None
    angles = (seen + 0.5) * np.pi / _SECTORS
    rng = np.random.default_rng(seed)
    draws = draws_of_blocks(shape[0], n_replicates, rng)
    measured = total.sum(axis=0)[seen] / count.sum(axis=0)[seen]
    drawn = (draws @ total)[:, seen], (draws @ count)[:, seen]
    replicates = np.where(drawn[1] > 0, drawn[0] / np.maximum(drawn[1], 1), measured)
    common = np.hypot(_FLOOR, _STRETCH * scale_error)
    error = np.hypot(replicates.std(axis=0), common)
    replicates = replicates + common * rng.standard_normal(replicates.shape)
    fits = {form: _fitted(form, angles, measured, error) for form in FORM_NAMES}
    bic = {form: fit.cost * 2 + fit.x.size * np.log(seen.size) for form, fit in fits.items()}
    bic["isotropic"] -= _EVIDENCE
    best = min(FORM_NAMES, key=lambda form: bic[form])
    form = best if best != "isotropic" else "ellipse"
    again = [_fitted(form, angles, values, error, fits[form].x).x for values in replicates]
    ratios = np.array([_ratio(form, parameters) for parameters in again])
    if best == "isotropic":
        return Anisotropy(best, Quantity(1.0, 1.0, float(np.quantile(ratios, 0.975))), None)
    ratio = Quantity.from_samples(_ratio(form, fits[form].x), ratios)
    fastest = _fastest(form, fits[form].x)
    away = [_difference(form, _fastest(form, parameters), fastest) for parameters in again]
    low, high = np.quantile(away, [0.025, 0.975])
    return Anisotropy(best, ratio, Quantity(fastest, fastest + min(low, 0.0), fastest + max(high, 0.0)))


def _fitted(
    form: FormName, angles: Floats, measured: Floats, error: Floats, near: Floats | None = None
) -> optimize.OptimizeResult:
    """Least squares for log F: its level, and unless isotropic its strength and the angle of its axis."""

    def residuals(q: Floats) -> Floats:
        return np.asarray((q[0] + _log_speed(form, angles, q) - measured) / error)

    starts = [near] if near is not None else _starts(form)
    found = [optimize.least_squares(residuals, start, method="lm") for start in starts]
    return min(found, key=lambda fit: float(fit.cost))


def _starts(form: FormName) -> list[Floats]:
    if form == "isotropic":
        return [np.zeros(1)]
    turns = np.arange(4) * _PERIOD[form] / 4
    return [np.array([0.0, 0.3, turn]) for turn in turns]


def _log_speed(form: FormName, angles: Floats, q: Floats) -> Floats:
    """log F in each direction; q[1] is the log ratio of the speeds along the axes, or the strength of the lattice."""
    if form == "isotropic":
        return np.zeros_like(angles)
    turned = angles - q[2]
    match form:
        case "fourfold" | "sixfold":
            strength = np.clip(np.tanh(q[1]), -0.999, 0.999)
            return np.asarray(np.log(lattice_speed(_FOLD[form], turned, strength)))
        case _:
            half = np.clip(q[1], -_LARGEST, _LARGEST) / 2
            return np.asarray(np.log(two_axes_speed(form, turned, np.exp(half), np.exp(-half))))


def _ratio(form: FormName, q: Floats) -> float:
    speeds = _log_speed(form, _ALL_ANGLES, q)
    return float(np.exp(np.ptp(speeds)))


def _fastest(form: FormName, q: Floats) -> float:
    """Direction of the largest speed [deg], within the symmetry of the form."""
    speeds = _log_speed(form, _ALL_ANGLES, q)
    period = _PERIOD[form] if form in _FOLD else np.pi
    return float(np.degrees(_ALL_ANGLES[int(speeds.argmax())] % period))


def _difference(form: FormName, angle_deg: float, from_deg: float) -> float:
    period = np.degrees(_PERIOD[form] if form in _FOLD else np.pi)
    return float((angle_deg - from_deg + period / 2) % period - period / 2)


_FOLD: dict[FormName, LatticeFold] = {"fourfold": 4, "sixfold": 6}
_PERIOD: dict[FormName, float] = {
    "isotropic": np.pi,
    "ellipse": np.pi,
    "rectangle": np.pi,
    "diamond": np.pi,
    "fourfold": np.pi / 2,
    "sixfold": np.pi / 3,
}
FORM_NAMES: tuple[FormName, ...] = ("isotropic", "ellipse", "rectangle", "diamond", "fourfold", "sixfold")
_ALL_ANGLES = np.linspace(0, np.pi, 720, endpoint=False)
