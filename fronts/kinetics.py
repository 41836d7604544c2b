"""Everything that is said about one transition: its track, rate law, speed, exponent and shape, with intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionfront.core import FrontFitError, Quantity, Transition
from ionfront.physics import LAW_NAMES, LawName

from .position import FrontTrack, completed_fraction, track_front
from .rate_fit import LawFit, fit_exponent, fit_law, law_probabilities, mean_velocity, usable
from .shape import FrontShape, front_shape

__all__ = ["RateResult", "TransitionResult", "measure_transition"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RateResult:
    """Rate law of a track; lengths and times in the units of the track.

    Attributes:
        law: The most probable law.
        probabilities: Of all laws.
        fit: Of the most probable law.
        parameters: Named as in `ionfront.physics`, without units.
        onset: When the front set out.
        velocity: Mean speed between 10 % and 90 % of the distance swept.
        exponent: p of x = C (t - t0)^p.
        band: Fitted position at each time of the track, its 95 % limits, shape (2, n).
    """

    law: LawName
    probabilities: dict[LawName, float]
    fit: LawFit
    parameters: dict[str, Quantity]
    onset: Quantity
    velocity: Quantity
    exponent: Quantity
    band: Floats


@dataclass(frozen=True)
class TransitionResult:
    """One transition of the movie; `rate` is None where the track is too short for one, and `why` says so."""

    transition: Transition
    track: FrontTrack
    completed_fraction: Quantity
    shape: FrontShape | None
    rate: RateResult | None
    why: str = ""


def measure_transition(
    transition: Transition,
    arrival: Floats,
    particle: NDArray[np.bool_],
    distance_px: Floats,
    time: Floats,
    *,
    pixel: float = 1.0,
    scale_error: float,
    seed: int = 0,
) -> TransitionResult:
    """Measure one front.

    Args:
        transition: What changes into what.
        arrival: Arrival times, shape (y, x); infinite where never reached.
        particle: All of the particle, shape (y, x): what the completed fraction is a fraction of.
        distance_px: Geodesic distance from the entry, shape (y, x); NaN where the front cannot be followed.
        time: Frame times, shape (n,).
        pixel: Length of a pixel in the unit wanted.
        scale_error: Relative standard error of all positions together, which no resampling of one movie shows.
        seed: Of every resampling.
    """
    track = track_front(arrival, distance_px * pixel, time, pixel=pixel, seed=seed)
    swept = np.isfinite(arrival) & np.isfinite(distance_px)
    half_width = 0.5 * float(swept.sum()) / max(track.swept / pixel, 1.0)
    shape = front_shape(np.where(swept, arrival, 0.0), swept, half_width, seed=seed)
    completed = completed_fraction(arrival, particle, seed=seed)
    try:
        rate, why = _measure_rate(track, pixel, scale_error, seed), ""
    except FrontFitError as error:
        rate, why = None, str(error)
    return TransitionResult(transition, track, completed, shape, rate, why)


def _measure_rate(track: FrontTrack, pixel: float, scale_error: float, seed: int) -> RateResult:
    use = usable(track)
    time, position = track.time[use], track.position[use]
    fits = {name: fit_law(name, time, position, pixel) for name in LAW_NAMES}
    probabilities = law_probabilities(fits, pixel)
    law = max(probabilities, key=lambda name: probabilities[name])
    end = float(track.time[-1])
    curves = _replicates(track, use, pixel, scale_error, seed)
    again = [fit_law(law, time, curve, pixel, near=fits[law]) for curve in curves]
    exponents = [fit_exponent(time, curve, pixel) for curve in curves]
    bands = np.quantile([fit.position(track.time) for fit in again], [0.025, 0.975], axis=0)
    fit = fits[law]
    return RateResult(
        law=law,
        probabilities=probabilities,
        fit=fit,
        parameters={
            name: Quantity.from_samples(getattr(fit.law, name), [getattr(other.law, name) for other in again])
            for name in vars(fit.law)
            if name != "name"
        },
        onset=Quantity.from_samples(fit.onset, [other.onset for other in again]),
        velocity=Quantity.from_samples(
            mean_velocity(fit, end, track.depth), [mean_velocity(other, end, track.depth) for other in again]
        ),
        exponent=Quantity.from_samples(fit_exponent(time, position, pixel), exponents),
        band=bands,
    )


def _replicates(track: FrontTrack, use: NDArray[np.bool_], pixel: float, scale_error: float, seed: int) -> list[Floats]:
    """Curves that could have been measured: resampled blocks, and the errors that all blocks share."""
    rng = np.random.default_rng([seed, 1])
    scales = 1 + np.hypot(scale_error, 0.7 * pixel / track.depth) * rng.standard_normal(len(track.replicates))
    curves = track.replicates[:, use] * scales[:, None]
    return [np.maximum(curve, 1e-6 * pixel) for curve in curves if curve.max() > 0]
