"""Everything that is said about one transition: its track, rate law, speed, exponent and shape, with intervals."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ionfront.core import FrontFitError, Quantity, Transition
from ionfront.physics import LAW_NAMES, LawName

from .anisotropy import Anisotropy, front_anisotropy
from .area_growth import AreaGrowth, area_growth
from .further_laws import FurtherLaws, weigh_further_laws
from .label_errors import LabelErrors
from .law_turn import LawTurn, find_turn
from .local import LocalFront, local_front
from .position import FrontTrack, completed_fraction, track_front
from .rate_fit import OUTLINE_PX, LawFit, fit_law, fit_power, law_probabilities, mean_velocity, usable
from .shape import FrontShape, front_shape

__all__ = ["BEND", "RateResult", "TransitionResult", "measure_transition", "possible_curves"]

Floats = NDArray[np.float64]

BEND = 0.3
"""How far what makes the relative error of all positions also bends a track: root mean square in units of it."""

_BEND_PX = 0.5  # the same, of nearly perfect labels
_WAVES = 3  # half waves over the track that a bend is made of


_FROM_THE_START = 0.9  # share of the particle that must be unreacted in the first frame for growth to have an onset


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
        onsets: Of all replicates, shape (n_replicates,).
        further: All laws, those beyond the four too.
        turn: Where the front goes over from one law to another; None where a single law tells as much.
    """

    law: LawName
    probabilities: dict[LawName, float]
    fit: LawFit
    parameters: dict[str, Quantity]
    onset: Quantity
    velocity: Quantity
    exponent: Quantity
    band: Floats
    onsets: Floats
    further: FurtherLaws
    turn: LawTurn | None


@dataclass(frozen=True)
class TransitionResult:
    """One transition of the movie.

    Attributes:
        transition: What changes into what.
        track: How far it came, by the time.
        completed_fraction: Share of the particle that it reached.
        local: Speed, direction and curvature at each pixel that it passed.
        shape: Its mean curvature; None where the swept area is too thin to have one.
        anisotropy: How speed depends on direction; None where it went in too few.
        growth: The reacted share of the particle as nucleation and growth; None where too few frames show it.
        rate: None where the track is too short for a law; `why` says so.
        why: Empty where there is one.
        lag: How much later than the step before it set out; None for the first.
    """

    transition: Transition
    track: FrontTrack
    completed_fraction: Quantity
    local: LocalFront
    shape: FrontShape | None
    anisotropy: Anisotropy | None
    growth: AreaGrowth | None
    rate: RateResult | None
    why: str = ""
    lag: Quantity | None = None

    def after(self, before: "TransitionResult") -> "TransitionResult":
        """The same, with its lag behind the step before it; both were drawn from the same blocks."""
        if self.rate is None or before.rate is None or self.rate.onsets.size != before.rate.onsets.size:
            return self
        lags = self.rate.onsets - before.rate.onsets
        return replace(self, lag=Quantity.from_samples(self.rate.onset.value - before.rate.onset.value, lags))


def measure_transition(
    transition: Transition,
    arrival: Floats,
    particle: NDArray[np.bool_],
    distance_px: Floats,
    time: Floats,
    *,
    pixel: float = 1.0,
    errors: LabelErrors,
    closes_in: bool = False,
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
        errors: What the labels have wrong.
        closes_in: Whether the ion enters from all around, so that the front closes in on a core.
        seed: Of every resampling.
    """
    track = track_front(arrival, distance_px * pixel, time, pixel=pixel, seed=seed)
    swept = np.isfinite(arrival) & np.isfinite(distance_px)
    half_width = 0.5 * float(swept.sum()) / max(track.swept / pixel, 1.0)
    local = local_front(arrival, swept)
    try:
        rate, why = _measure_rate(track, pixel, errors, closes_in, seed), ""
    except FrontFitError as error:
        rate, why = None, str(error)
    return TransitionResult(
        transition=transition,
        track=track,
        completed_fraction=completed_fraction(arrival, particle, seed=seed),
        local=local,
        shape=front_shape(local, half_width, seed=seed),
        anisotropy=front_anisotropy(
            local, 1.0 if rate is None else _pace(rate, arrival), scale_error=errors.scale, seed=seed
        ),
        growth=_growth(arrival, particle & np.isfinite(distance_px), particle, time, seed),
        rate=rate,
        why=why,
    )


def _growth(
    arrival: Floats, followed: NDArray[np.bool_], particle: NDArray[np.bool_], time: Floats, seed: int
) -> AreaGrowth | None:
    """Growth of the reacted share, where the movie shows it from its start."""
    begun = followed.sum() < _FROM_THE_START * particle.sum()
    return None if begun else area_growth(arrival, followed, time, seed=seed)


def _pace(rate: RateResult, arrival: Floats) -> Floats:
    """Speed that the law has for the moment when the front was at each pixel, shape (y, x); NaN before its onset."""
    elapsed = np.where(np.isfinite(arrival), arrival, np.nan) - rate.fit.onset
    step = 1e-3 * np.nanmax(elapsed)
    law = rate.fit.law
    speed = (law.position_nm(elapsed + step) - law.position_nm(elapsed - step)) / (2 * step)
    return np.where((elapsed > step) & (speed > 0), speed, np.nan)


def _measure_rate(track: FrontTrack, pixel: float, errors: LabelErrors, closes_in: bool, seed: int) -> RateResult:
    use = usable(track)
    time, position = track.time[use], track.position[use]
    fits = {name: fit_law(name, time, position, pixel) for name in LAW_NAMES}
    probabilities = law_probabilities(fits, pixel, errors.evidence)
    law = max(probabilities, key=lambda name: probabilities[name])
    end = float(track.time[-1])
    curves = possible_curves(track, use, pixel, errors, seed)
    again = [fit_law(law, time, curve, pixel, near=fits[law]) for curve in curves]
    power = fit_power(time, position, pixel)
    exponents = [fit_power(time, curve, pixel, near=power)[0] for curve in curves]
    bands = np.quantile([fit.position(track.time) for fit in again], [0.025, 0.975], axis=0)
    fit = fits[law]
    onsets = np.array([other.onset for other in again])
    further = weigh_further_laws(
        fits, time, position, curves, pixel, track.depth if closes_in else None, errors.evidence
    )
    return RateResult(
        law=law,
        probabilities=probabilities,
        fit=fit,
        parameters={
            name: Quantity.from_samples(getattr(fit.law, name), [getattr(other.law, name) for other in again])
            for name in vars(fit.law)
            if name != "name"
        },
        onset=Quantity.from_samples(fit.onset, onsets),
        velocity=Quantity.from_samples(
            mean_velocity(fit, end, track.depth), [mean_velocity(other, end, track.depth) for other in again]
        ),
        exponent=Quantity.from_samples(float(power[0]), exponents),
        band=bands,
        onsets=onsets,
        further=further,
        turn=find_turn(further.closest, time, position, curves, pixel, errors.scale),
    )


def possible_curves(
    track: FrontTrack, use: NDArray[np.bool_], pixel: float, errors: LabelErrors, seed: int
) -> list[Floats]:
    """Curves that could have been measured: resampled blocks, and the errors that all blocks share.

    Args:
        track: As measured.
        use: At which of its times, shape (n,).
        pixel: Length of a pixel in its unit.
        errors: What the labels have wrong.
        seed: Of the draws.

    Returns:
        One for each replicate, of the positions at those times.
    """
    rng = np.random.default_rng([seed, 1])
    scales = 1 + np.hypot(errors.scale, OUTLINE_PX * pixel / track.depth) * rng.standard_normal(len(track.replicates))
    bent = np.hypot(BEND * errors.scale * track.swept, _BEND_PX * pixel)
    bends = bent * _bends(track.time[use], len(scales), rng)
    starts = OUTLINE_PX * pixel * rng.standard_normal((len(scales), 1))
    thin = pixel * errors.at_start_px(track.position[use] / pixel) * rng.standard_normal((len(scales), 1))
    curves = track.replicates[:, use] * scales[:, None] + bends + starts + thin
    return [np.maximum(curve, 1e-6 * pixel) for curve in curves if curve.max() > 0]


def _bends(time: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Random courses of mean square 1 that a network's errors may take over a movie, shape (count, n)."""
    waves = np.cos(np.pi * np.outer(np.arange(1, _WAVES + 1), (time - time[0]) / np.ptp(time)))
    return np.asarray(rng.standard_normal((count, _WAVES)) @ waves * np.sqrt(2 / _WAVES))
