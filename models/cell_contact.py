"""What fronts that were measured in a cell tell of its contact, and what that tells of its other fronts.

Contacts differ from cell to cell, by more than hosts do, and all fronts of one movie share theirs: a random effect.
Its posterior is taken on a grid, with the head's own intervals at each contact as the likelihood of a measured speed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .kinetics_head import SPEED_LEVELS, KineticsHead, KineticsPrediction
from .measured_runs import MeasuredFront
from .reaction import CONTACT_SPREAD, Reactions, Unknowns, reactions

__all__ = ["CellContact", "cell_contact", "predict_in_cell"]

Floats = NDArray[np.float64]

_NODES = 21
_WIDEST = 3.0  # standard deviations
_PLACES = 200  # of a mixture's distribution
_Z = special.ndtri(np.array(SPEED_LEVELS))


@dataclass(frozen=True)
class CellContact:
    """Contact and solid electrolyte of one cell.

    Attributes:
        log10_ohm_m2: Resistances, shape (k,).
        weight: Probability of each, shape (k,).
    """

    log10_ohm_m2: Floats
    weight: Floats

    @property
    def mean(self) -> float:
        """Of log10 of the resistance [ohm m^2]."""
        return float(self.log10_ohm_m2 @ self.weight)

    @property
    def spread(self) -> float:
        """Standard deviation of it."""
        return float(np.sqrt(np.square(self.log10_ohm_m2 - self.mean) @ self.weight))


def cell_contact(fronts: Sequence[MeasuredFront], head: KineticsHead) -> CellContact:
    """Posterior of the contact that fronts of one cell share; without any, what is thought of cells at large."""
    nodes = np.linspace(-_WIDEST, _WIDEST, _NODES)
    contacts = Unknowns().contact + CONTACT_SPREAD * nodes
    evidence = -np.square(nodes) / 2
    if fronts:
        told = reactions([front.step for front in fronts], [front.experiment for front in fronts])
        speed = np.array([front.log_speed for front in fronts])
        error = np.array([front.error for front in fronts])
        for k, contact in enumerate(contacts):
            evidence[k] += _log_likelihood(head.predict(_with_contact(told, contact)).quantiles, speed, error)
    weight = np.exp(evidence - evidence.max())
    return CellContact(contacts, weight / weight.sum())


def predict_in_cell(head: KineticsHead, told: Reactions, cell: CellContact) -> KineticsPrediction:
    """As `KineticsHead.predict`, for a cell of which something is known: the mixture over its contact.

    Exponent, laws and the like are those at the mean contact.
    """
    said = [head.predict(_with_contact(told, contact)) for contact in cell.log10_ohm_m2]
    quantiles = _mixed(np.array([one.quantiles for one in said]), cell.weight)
    middle = head.predict(_with_contact(told, cell.mean))
    speed = quantiles[:, [len(SPEED_LEVELS) // 2, 0, -1]] + head.info.widen * np.array([0.0, -1.0, 1.0])
    parts = middle.contributions.copy()
    parts[:, -2] += speed[:, 0] - middle.log_speed[:, 0]
    return replace(middle, log_speed=speed, quantiles=quantiles, contributions=parts)


def _with_contact(told: Reactions, contact: float) -> Reactions:
    return replace(told, contact=np.full(len(told), contact))


def _log_likelihood(quantiles: Floats, speed: Floats, error: Floats) -> float:
    """Of measured speeds: a normal distribution on either side of the median, as wide as the quantiles are there."""
    low, middle, high = quantiles[:, 0], quantiles[:, len(SPEED_LEVELS) // 2], quantiles[:, -1]
    off = speed - middle
    spread = np.hypot(np.where(off < 0, middle - low, high - middle) / _Z[-1], error)
    both = np.hypot((high - low) / (2 * _Z[-1]), error)
    return float((-np.square(off / spread) / 2 - np.log(both)).sum())


def _mixed(quantiles: Floats, weight: Floats) -> Floats:
    """Quantiles of a mixture, shape (n, 7), of distributions with quantiles of shape (k, n, 7)."""
    mixed = np.empty(quantiles.shape[1:])
    for n in range(quantiles.shape[1]):
        each = quantiles[:, n]
        reach = each[:, -1].max() - each[:, 0].min()
        places = np.linspace(each[:, 0].min() - reach / 2, each[:, -1].max() + reach / 2, _PLACES)
        share = sum(w * special.ndtr(_score(places, q)) for w, q in zip(weight, each, strict=True))
        mixed[n] = np.interp(SPEED_LEVELS, share, places)
    return mixed


def _score(places: Floats, quantiles: Floats) -> Floats:
    """Places as standard scores; beyond the outermost quantiles they go on evenly."""
    slopes = np.diff(_Z)[[0, -1]] / np.maximum(np.diff(quantiles)[[0, -1]], 1e-9)
    inner = np.interp(places, quantiles, _Z)
    below, above = np.minimum(places - quantiles[0], 0), np.maximum(places - quantiles[-1], 0)
    return np.asarray(inner + below * slopes[0] + above * slopes[1])
