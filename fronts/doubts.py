"""What should make a reader doubt a measured front, in sentences that travel with the numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .geometry import order_agreement
from .kinetics import TransitionResult

__all__ = ["doubts_about"]

Floats = NDArray[np.float64]

_EARLY_SHARE = 0.1
_ORDER = 0.75
_MISFIT_PX = 1.5
_MISFIT_SHARE = 0.06  # of the distance swept


def doubts_about(
    transitions: Sequence[TransitionResult],
    times_of: Floats,
    early: NDArray[np.bool_],
    distance_px: Floats,
    *,
    pixel: float,
    begins: bool = True,
) -> list[str]:
    """Sentences on a reaction that had begun, that does not spread from its entry, or that no law follows.

    Args:
        transitions: What was measured.
        times_of: Arrival times of each, shape (transition, y, x); infinite where never reached.
        early: Where each counts as done in the first frame, shape (transition, y, x).
        distance_px: Distance from the entry, shape (y, x); NaN outside the measured particle.
        pixel: Length of a pixel in the unit of the tracks.
        begins: Whether nothing should have reacted in the first frame; what an insertion left out never has to be
            extracted.
    """
    found = [_already_reacted(early, np.isfinite(distance_px))] if begins else []
    for item, arrival, before in zip(transitions, times_of, early, strict=True):
        found += [_disorder(item, arrival, np.where(before, np.nan, distance_px)), _misfit(item, pixel)]
        found.append(_two_laws(item))
    return [sentence for sentence in found if sentence]


def _already_reacted(early: NDArray[np.bool_], particle: NDArray[np.bool_]) -> str:
    share = float(early[0][particle].mean()) if len(early) else 0.0
    if share < _EARLY_SHARE:
        return ""
    return (
        f"{share:.0%} of the particle counts as reacted in the first frame: either the movie starts late, or the "
        "model takes part of the unreacted particle for a product. Compare labels.zarr with the movie; fine-tune the "
        "model where they differ."
    )


def _disorder(item: TransitionResult, arrival: Floats, distance_px: Floats) -> str:
    agreement = order_agreement(distance_px, arrival)
    if not -np.inf < agreement < _ORDER:
        return ""
    return (
        f"{item.transition}: arrival times follow the distance from the entry with a rank correlation of only "
        f"{agreement:.2f} (one sweeping front: 1), so that its position, and all that rests on it, is doubtful. "
        "Look at the arrival map for wrong labels, or for several fronts."
    )


def _misfit(item: TransitionResult, pixel: float) -> str:
    if item.rate is None:
        return f"{item.transition}: {item.why}"
    miss = float(np.sqrt(np.mean(np.square(item.rate.fit.residuals))))
    if miss < max(_MISFIT_PX * pixel, _MISFIT_SHARE * item.track.swept):
        return ""
    return (
        f"{item.transition}: the most probable law misses the track by {miss / item.track.swept:.0%} of the distance "
        "swept (root mean square): none of the laws describes this front, and its interval does not cover that."
    )


def _two_laws(item: TransitionResult) -> str:
    if item.rate is None or item.rate.turn is None:
        return ""
    turn = item.rate.turn
    return (
        f"{item.transition}: the front goes over from a {turn.before} to a {turn.after} law in mid-course "
        f"(`law_change`); velocity, exponent and law are those of the whole way and mix both."
    )
