"""How much dose and how many frames a second a front's speed needs, rehearsed on the frames of this very specimen.

Frames that were seen are given the noise of a smaller dose, or every second one is left out, and the front is followed
anew: how far its speeds then stray from those that all frames with their full dose gave is what the smaller dose costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ionfront.core import UsageError
from ionfront.models import Segmenter

from .aside import Inline
from .live import LiveFront
from .look import FrontSeen
from .noise import noise_of
from .state import FrontState

__all__ = ["Advice", "DoseAdvisor", "Option"]

Floats = NDArray[np.float64]
Kept = tuple[NDArray[Any], float]  # image and time

_KEPT = 24  # frames, an even number, so that halves of them go on evenly
_FEWEST = 8
_SHARES, _EVERY = (1.0, 0.5, 0.25, 0.125), (1, 2, 4)
_SPANS = 3  # of the front's course, each with a speed of its own,
_UNDER_WAY = (0.05, 0.95)  # while it is between these shares of its way
_REFERENCES = 2
_FEWEST_TAKEN = 12  # a reference, what has not settled, and a slope: with fewer so far there would be no speed
_FOREIGN = 0.1  # share of frames: more, and the model does not know such frames


@dataclass(frozen=True)
class Option:
    """A way to go on.

    Attributes:
        dose_share: Of the dose that a frame has now.
        every: One frame in so many is taken; the beam is blanked for the others.
        speed_error: Half of the 95 % interval of the front's speed, relative to it, that is to be expected.
    """

    dose_share: float
    every: int
    speed_error: float

    @property
    def rate_share(self) -> float:
        """Of the dose a second that the specimen takes now."""
        return self.dose_share / self.every


@dataclass(frozen=True)
class Advice:
    """What was rehearsed.

    Attributes:
        wanted: The error of the speed that may be.
        options: All that were tried, the least dose first; the last is to leave everything as it is.
        frame_time_s: Now.
        dose_e_nm2_s: Dose rate now; None where no frame told its dose.
        left_s: Until the front is through, by the forecast; None where there is none.
    """

    wanted: float
    options: tuple[Option, ...]
    frame_time_s: float
    dose_e_nm2_s: float | None
    left_s: float | None

    @property
    def chosen(self) -> Option | None:
        """The least dose that still gives what is wanted; None where nothing does."""
        return next((option for option in self.options if option.speed_error <= self.wanted), None)

    def dose_left_e_nm2(self, option: Option) -> float | None:
        """What the specimen would take until the front is through."""
        if self.dose_e_nm2_s is None or self.left_s is None:
            return None
        return self.dose_e_nm2_s * option.rate_share * self.left_s

    @property
    def sentence(self) -> str:
        """For people."""
        now = self.options[-1]
        if self.chosen is None:
            return (
                f"The speed is known to {now.speed_error:.0%} as it is; no smaller dose gives {self.wanted:.0%}. Take "
                "more frames or more dose, or a larger magnification."
            )
        every_s = self.chosen.every * self.frame_time_s
        said = f"{self.chosen.dose_share:.3g} of a frame's dose, one every {every_s:.3g} s, "
        said += f"still gives the speed to {self.chosen.speed_error:.0%} (now {now.speed_error:.0%})"
        left = self.dose_left_e_nm2(self.chosen)
        return f"{said}." if left is None else f"{said}; {left:.3g} electrons / nm^2 until the front is through."


class DoseAdvisor:
    """Keeps some frames of a measurement, spread over all of it, and rehearses with them.

    Args:
        segmenter: The model that measures.
        pixel_size_nm, binning: As the measurement has them.
        seed: Of the noise.
    """

    def __init__(
        self, segmenter: Segmenter, *, pixel_size_nm: float | None = None, binning: int = 1, seed: int = 0
    ) -> None:
        self._segmenter, self._pixel_size_nm, self._binning, self._seed = segmenter, pixel_size_nm, binning, seed
        self._frames: list[Kept] = []
        self._step, self._seen = 1, 0
        self._times = (np.nan, np.nan)  # of the first and the last frame

    def push(self, frame: ArrayLike, time_s: float) -> None:
        """Show it every frame (y, x); some of them are kept."""
        if self._seen % self._step == 0:
            if len(self._frames) == _KEPT:
                self._frames, self._step = self._frames[::2], 2 * self._step
            self._frames.append((np.array(frame), time_s))
        self._times = (time_s if self._seen == 0 else self._times[0], time_s)
        self._seen += 1

    @property
    def kept(self) -> tuple[Kept, ...]:
        """Images and times of the frames to rehearse with: at most 24, equally many frames apart."""
        return tuple(self._frames)

    def advise(self, wanted: float, state: FrontState) -> Advice:
        """What the speed of the front that has come farthest needs; takes some ten seconds.

        Args:
            wanted: Half of the 95 % interval of the speed, relative to it, that may be.
            state: After the newest frame.

        Raises:
            UsageError: Too few frames came, no front has a speed yet, or the wanted error is not above 0.
        """
        if not wanted > 0:
            raise UsageError(f"the speed's error is to be {wanted}; a number above 0 is needed, such as 0.1 for 10 %.")
        frames, (begun_s, now_s), seen = self.kept, self._times, self._seen
        if len(frames) < _FEWEST:
            raise UsageError(f"{len(frames)} frames were kept; advice on the dose needs {_FEWEST}: ask later.")
        moving = [front for front in state.fronts if front.speed is not None and front.speed.value > 0]
        usual = self._course(frames) if moving else None
        if usual is None:
            raise UsageError("no front has a speed yet, so nobody knows what dose it needs: ask later.")
        front = max(moving, key=lambda front: 0.0 if front.through else front.fraction)
        assert front.speed is not None
        now = (front.speed.high - front.speed.low) / 2 / front.speed.value
        errors = np.hypot(now, self._strays(frames, usual))
        errors[:, [seen // every < _FEWEST_TAKEN for every in _EVERY]] = np.inf
        options = [Option(*way, float(error)) for way, error in zip(product(_SHARES, _EVERY), errors.flat, strict=True)]
        return Advice(
            wanted=wanted,
            options=tuple(sorted(options, key=lambda option: option.rate_share)),
            frame_time_s=(now_s - begun_s) / (seen - 1),
            dose_e_nm2_s=None if state.dose_e_nm2 is None else state.dose_e_nm2 / (now_s - begun_s),
            left_s=None if front.completion_s is None else max(front.completion_s.value - now_s, 0.0),
        )

    def _strays(self, frames: Sequence[Kept], usual: FrontSeen) -> Floats:
        """How far speeds stray with less, relative to the mean speed, at 95 %, shape (share, every).

        Infinite where no such front is found.
        """
        noise = noise_of([image for image, _ in frames[:: len(frames) // 4]])
        strays = np.zeros((len(_SHARES), len(_EVERY)))
        for place, (share, every) in zip(np.ndindex(*strays.shape), product(_SHARES, _EVERY), strict=True):
            if (share, every) != (1.0, 1):
                rng = np.random.default_rng([self._seed, *place])
                less = [(noise.with_less_dose(image, share, rng), time_s) for image, time_s in frames[::every]]
                strays[place] = _apart(usual, self._course(less if share < 1 else frames[::every]))
        for axis in (0, 1):
            np.maximum.accumulate(strays, axis=axis, out=strays)  # what is better with less was luck
        return strays

    def _course(self, frames: Sequence[Kept]) -> FrontSeen | None:
        """The front that comes farthest in these frames; None where there is none, or the model does not know them."""
        with LiveFront(
            self._segmenter,
            pixel_size_nm=self._pixel_size_nm,
            binning=self._binning,
            reference_frames=_REFERENCES,
            looks=Inline(len(frames) + 1),  # none on the way
        ) as live:
            states = [live.push(image, time_s) for image, time_s in frames]
            live.finish()
            fronts = live.look_now().fronts
        if not fronts or sum(bool(state.foreign) for state in states) > _FOREIGN * len(frames):
            return None
        return max(fronts, key=lambda front: float(front.position[-1]) / front.depth)


def _apart(usual: FrontSeen, other: FrontSeen | None) -> float:
    """How far the speeds of the same front lie apart in spans of its course, relative to its mean speed, at 95 %."""
    if other is None or (other.transition, other.particle) != (usual.transition, usual.particle):
        return np.inf
    under_way = (usual.position > _UNDER_WAY[0] * usual.depth) & (usual.position < _UNDER_WAY[1] * usual.depth)
    times = usual.time_s[under_way]
    if times.size <= _SPANS:
        return np.inf
    edges = np.linspace(times[0], times[-1], _SPANS + 1)
    ways = [np.diff(np.interp(edges, course.time_s, course.position)) for course in (usual, other)]
    apart = (ways[1] - ways[0]) / ways[0].mean()  # as the spans are alike
    return float(stats.t.ppf(0.975, _SPANS) * np.sqrt(np.mean(apart**2)))
