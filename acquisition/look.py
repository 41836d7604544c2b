"""A look at the fronts while frames come: coarse, so that it takes seconds of one core, whatever the frames' size.

One in so many pixels of the maps, and of the moments, tells where fronts entered and how far they have come. Between
looks a front's position is read off each frame by the way that the last look found for it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ionfront.core import FrontFitError, Quantity, Transition, UsageError
from ionfront.datasets import IONS, IonName, MaterialStep, all_steps, material_steps
from ionfront.fronts import (
    BEND,
    OUTLINE_PX,
    FrontTrack,
    FrontTracker,
    LabelErrors,
    LawFit,
    Ways,
    fit_law,
    law_probabilities,
    possible_curves,
    track_front,
    usable,
)
from ionfront.models.forecast import Forecaster
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.reaction import Experiment
from ionfront.physics import LAW_NAMES, GeometryName, LawName

from .state import THROUGH

__all__ = ["SIDE_PX", "FrontSeen", "Look", "Material", "View", "look", "warm_up"]

Floats = NDArray[np.float64]

SIDE_PX = 192
"""Longer edge of the maps that are looked at, at most."""

_REPLICATES, _MOMENTS = 40, 80
_RECENT = 0.2  # of the moments at which the front was in sight: what its speed now is read from,
_FEWEST = 5  # and no fewer than
_UNSETTLED = 3  # newest frames, which further ones may yet correct
_PLACES = 8  # ahead, for which a forecast is made


@dataclass(frozen=True)
class Material:
    """What reacts with what, and how; what is not known is None, and then all that is known of any host is possible.

    Attributes:
        host, ion: As the tables name them.
        geometry: How the front lies in the particle.
        bias_v, temperature_k, contact_ohm_m2: As for `Experiment`.
    """

    host: str | None = None
    ion: IonName | None = None
    geometry: GeometryName = "flake"
    bias_v: float = 1.0
    temperature_k: float = 298.15
    contact_ohm_m2: float | None = None

    def __post_init__(self) -> None:
        if (self.host is None) != (self.ion is None) or (self.ion is not None and self.ion not in IONS):
            raise UsageError(f"host {self.host} with ion {self.ion}: name both (ions: {', '.join(IONS)}), or neither.")
        self.steps(1)
        self.experiment(1.0)

    def steps(self, number: int) -> list[MaterialStep]:
        """What the step with this number may be, counted from 1."""
        if self.host is None or self.ion is None:
            return all_steps()
        path = material_steps(self.host, self.ion)
        if not path:
            raise UsageError(f"no reaction of {self.host} with {self.ion} is known: leave both out.")
        return [path[min(number, len(path)) - 1]]

    def experiment(self, size_nm: float) -> Experiment:
        """In a particle of this size."""
        return Experiment(self.geometry, size_nm, self.bias_v, self.temperature_k, self.contact_ohm_m2)

    @property
    def record(self) -> dict[str, str]:
        """For kinetics.json."""
        return {} if self.host is None or self.ion is None else {"host": self.host, "ion": self.ion}


@dataclass(frozen=True)
class View:
    """What a look is given.

    Attributes:
        tracker: Thinned.
        every: To one in so many rows and columns.
        pixel_size_nm: Of the frames; None where it is not known, and lengths are in pixels.
        frame: How many frames the tracker has seen.
        time_s: Of the last.
        start_s: When the front may have set out.
        material: Of the particle.
    """

    tracker: FrontTracker
    every: int
    pixel_size_nm: float | None
    frame: int
    time_s: float
    start_s: float
    material: Material


@dataclass(frozen=True)
class FrontSeen:
    """A front as a look found it; lengths in nm, or px where no pixel size is known.

    Attributes:
        transition: What changes into what.
        particle: Number of the particle, from 1, the largest first.
        step: Which step of the tracker's order it is.
        way: Distance that each pixel of the thinned maps lies from the entry, shape (y, x); NaN where none is measured.
        depth: The farthest that it can go.
        time_s: Moments at which it was read, shape (n,).
        position: Where it was, shape (n,).
        fitted: Where its law has it; NaN where it has none yet.
        own_error: Standard error of its last position by what pixels say.
        errors: What labels have wrong, in pixels of the thinned maps.
        pixel: Of those.
        settled_s, settled: When the newest frames began, and where the front was then, as they confirm it.
        speed: Of late [length / s]; None before it can be told.
        law: The most probable law; likewise.
        law_probability: How probable.
        ahead: Forecast, shape (m, 5): place; median, low and high end at 95 % of the time [s]; probability to get
            there. The last place is the end of the particle. Empty where there is none.
    """

    transition: Transition
    particle: int
    step: int
    way: Floats
    depth: float
    time_s: Floats
    position: Floats
    fitted: Floats
    own_error: float
    errors: LabelErrors
    pixel: float
    settled_s: float
    settled: float
    speed: Quantity | None
    law: str | None
    law_probability: float | None
    ahead: Floats

    def interval(self, position: float) -> Quantity:
        """A position with its 95 % interval."""
        start = self.pixel * float(self.errors.at_start_px(np.array(position / self.pixel)))
        error = 1.96 * float(np.linalg.norm([self.own_error, self.errors.scale * position, start]))
        return Quantity(position, max(position - error, 0.0), position + error)  # the depth has an error, too

    def expected(self, time_s: float) -> Quantity:
        """Where it should be by now, with its 95 % interval: by where it has settled, and its speed since."""
        was, since = self.interval(self.settled), max(time_s - self.settled_s, 0.0)
        error, way = was.high - was.value, 0.0
        if self.speed is not None:
            error = float(np.hypot(error, since * (self.speed.high - self.speed.low) / 2))
            way = since * max(self.speed.value, 0.0)
        return Quantity(was.value + way, max(was.value + way - error, 0.0), was.value + way + error)


@dataclass(frozen=True)
class Look:
    """What was seen.

    Attributes:
        frame, time_s: Of the view.
        half_cycle: Number of the half cycle under way, from 1.
        direction: "insertion" or "extraction".
        every: Thinning of the ways.
        fronts: Of the half cycle under way, those of the largest particle first.
        why: Why there is none, where that is known.
    """

    frame: int
    time_s: float
    half_cycle: int
    direction: str
    every: int
    fronts: tuple[FrontSeen, ...]
    why: str = ""


def look(view: View) -> Look:
    """Measure a thinned tracker."""
    tracker, why = view.tracker, ""
    try:
        ways = tracker.ways()
    except FrontFitError as error:
        ways, why = (), str(error)
    fronts = [
        _front(view, number, found, index) for number, found in enumerate(ways, 1) for index in range(len(found.steps))
    ]
    return Look(view.frame, view.time_s, tracker.half_cycle, tracker.direction, view.every, tuple(fronts), why)


def warm_up() -> None:
    """Make beforehand what the first look that sees a front would wait for, over a second of one core."""
    _forecaster(Material(), 1, 100.0)


def _front(view: View, particle: int, ways: Ways, index: int) -> FrontSeen:
    pixel, errors = (view.pixel_size_nm or 1.0) * view.every, view.tracker.errors
    way = ways.followed_px[index] * pixel
    track = track_front(ways.arrival[index], way, _moments(view.tracker), pixel=pixel, n_replicates=_REPLICATES)
    past = _settled(track, view.tracker)
    fits, chances = _laws(past, pixel, errors)
    law = max(chances, key=lambda name: chances[name], default=None)
    own = float(np.hypot(track.replicates[:, -1].std(), OUTLINE_PX * pixel / view.every))
    return FrontSeen(
        transition=ways.steps[index].transition,
        particle=particle,
        step=ways.steps[index].index,
        way=np.asarray(way, np.float32),
        depth=track.depth,
        time_s=track.time,
        position=track.position,
        fitted=np.full_like(track.time, np.nan) if law is None else fits[law].position(track.time),
        own_error=own,
        errors=errors,
        pixel=pixel,
        settled_s=float(past.time[-1]),
        settled=past.swept,
        speed=_speed_now(past, pixel, errors),
        law=law,
        law_probability=None if law is None else chances[law],
        ahead=np.empty((0, 5)) if view.pixel_size_nm is None else _ahead(view, past, index + 1, own),
    )


def _settled(track: FrontTrack, tracker: FrontTracker) -> FrontTrack:
    """Without the newest frames: pixels that they seem to show converted may turn out not to be, and a slope or a law
    that ended there would be too fast."""
    moments = int(np.searchsorted(track.time, tracker.times[-1 - _UNSETTLED :][0], side="right"))
    return replace(
        track,
        time=track.time[:moments],
        position=track.position[:moments],
        replicates=track.replicates[:, :moments],
    )


def _moments(tracker: FrontTracker) -> Floats:
    """At most so many times of frames, the first and the last among them."""
    times = np.array(tracker.times)
    chosen = np.unique(np.linspace(0, times.size - 1, min(times.size, _MOMENTS)).astype(int))
    return np.asarray(times[chosen])


def _laws(track: FrontTrack, pixel: float, errors: LabelErrors) -> tuple[dict[LawName, LawFit], dict[LawName, float]]:
    """Each law, and how probable it is; nothing where the track is too short for one."""
    try:
        use = usable(track)
    except FrontFitError:
        return {}, {}
    fits = {name: fit_law(name, track.time[use], track.position[use], pixel) for name in LAW_NAMES}
    return fits, law_probabilities(fits, pixel, errors.evidence)


def _speed_now(track: FrontTrack, pixel: float, errors: LabelErrors) -> Quantity | None:
    """Slope of the last moments at which the front was in sight, and of all curves that could have been measured."""
    seen = np.flatnonzero(track.in_sight)
    count = max(_FEWEST, round(_RECENT * seen.size))
    curves = possible_curves(track, track.in_sight, pixel, errors, 0) if seen.size >= count else []
    if not curves:
        return None
    time = track.time[seen[-count:]] - track.time[seen[-count:]].mean()
    slopes = np.vstack([track.position[seen], *curves])[:, -count:] @ time / (time @ time)
    return Quantity.from_samples(float(slopes[0]), slopes[1:])


def _ahead(view: View, track: FrontTrack, number: int, error_nm: float) -> Floats:
    if track.swept >= THROUGH * track.depth:
        return np.empty((0, 5))
    places = np.linspace(track.swept, track.depth, _PLACES + 1)[1:]
    position = np.where(track.in_sight, track.position, np.nan)
    error_nm = float(np.hypot(error_nm, BEND * view.tracker.errors.scale * track.swept))
    forecaster = _forecaster(view.material, number, float(f"{track.depth:.2g}"))
    scaled = forecaster.depth_nm / track.depth
    said = forecaster.forecast(
        track.time, position * scaled, places * scaled, error_nm=max(error_nm * scaled, 1e-6), start_s=view.start_s
    )
    return np.asarray(np.column_stack([places, said.time_s, said.reached]))


@lru_cache(8)
def _forecaster(material: Material, number: int, size_nm: float) -> Forecaster:
    """For sizes that are rounded, as the size is found anew by each look."""
    return Forecaster(load_kinetics_head(), material.steps(number), material.experiment(size_nm))
