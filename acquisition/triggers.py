"""Rules that a microscopist trusts to act: each fires once, on evidence that is kept.

A rule asks how probable it is, by what a frame's state says and by its intervals, that something is so; it fires when
that has been probable enough in so many frames in a row. A frame that shows nothing neither counts nor interrupts.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from scipy import special, stats

from ionfront.core import Quantity, UsageError

from .state import THROUGH, FrontNow, FrontState

__all__ = ["CONDITIONS", "Condition", "Decision", "Rule", "Triggers"]

Condition = Literal[
    "position",
    "fraction",
    "share",
    "front_starts",
    "speed_above",
    "speed_below",
    "speed_change",
    "completion_within",
    "dose",
    "out_of_domain",
]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)

_Z95 = 1.959964
_RECENT, _FEWEST = 9, 4  # frames that a share is read from
_MAD_TO_STD = 1.4826  # of a normal distribution


@dataclass(frozen=True)
class Rule:
    """When to do what; each fires once.

    Attributes:
        name: Its own, for the journal.
        when: What it waits for:
            position: a front reaches `value` [nm, or px where no pixel size is known];
            fraction: a front has come `value` of its way;
            share: the phase `into` holds `value` of the area of all phases that take part in the reaction;
            front_starts: the front with number `value` of a particle sets out, 2 for a second one;
            speed_above, speed_below: the speed of late [nm/s] of a front that is not through;
            speed_change: that is `value` times as large, or as small, as the first that was known;
            completion_within: a front will be through, or is, within `value` [s];
            dose: `value` [electrons / nm^2] are used;
            out_of_domain: a frame is unlike anything that the model was trained on; `value` is not looked at.
        value: As said.
        actions: Names of what is to be done.
        into: Only fronts whose product is this phase; None for all. For a share the phase itself.
        confidence: How probable it has to be.
        frames: In how many frames in a row.

    Raises:
        UsageError: A value, a confidence or a number of frames that makes no sense.
    """

    name: str
    when: Condition
    value: float = 0.0
    actions: tuple[str, ...] = ()
    into: str | None = None
    confidence: float = 0.5
    frames: int = 2

    @classmethod
    def read(cls, record: dict[str, Any]) -> "Rule":
        """From JSON or TOML, where actions are a list."""
        return cls(**record | {"actions": tuple(record.get("actions", ()))})

    def __post_init__(self) -> None:
        if self.when not in CONDITIONS:
            raise UsageError(f"rule {self.name} waits for {self.when!r}; it needs one of {', '.join(CONDITIONS)}.")
        least = 1.0 if self.when == "speed_change" else 0.0
        if not (math.isfinite(self.value) and (self.when == "out_of_domain" or self.value > least)):
            raise UsageError(f"rule {self.name} has the value {self.value}; a number above {least:g} is needed.")
        if self.when in ("fraction", "share") and self.value > 1:
            raise UsageError(f"rule {self.name} waits for a {self.when} of {self.value}; it is at most 1.")
        if self.when == "share" and self.into is None:
            raise UsageError(f"rule {self.name} waits for the share of a phase: name it in `into`.")
        if not 0 < self.confidence < 1 or self.frames < 1:
            raise UsageError(
                f"rule {self.name} asks for a confidence of {self.confidence} in {self.frames} frames; "
                "between 0 and 1, and 1 frame or more, are needed."
            )


@dataclass(frozen=True)
class Decision:
    """That a rule fired, and why.

    Attributes:
        rule: Its name.
        actions: What is to be done.
        frame, time_s: At which frame.
        probability: How probable it was in that frame that what it waits for is so.
        because: In a sentence.
        dry_run: Whether nothing is to be done after all.
    """

    rule: str
    actions: tuple[str, ...]
    frame: int
    time_s: float
    probability: float
    because: str
    dry_run: bool

    @classmethod
    def read(cls, record: dict[str, Any]) -> "Decision":
        """What `record` gave."""
        return cls(**record | {"actions": tuple(record["actions"])})

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self) | {"actions": list(self.actions)}


class Triggers:
    """Sees every state in order.

    Args:
        rules: Each with a name of its own.
        dry_run: Decide and say so, but do nothing.

    Raises:
        UsageError: Two rules share a name.
    """

    def __init__(self, rules: Sequence[Rule], *, dry_run: bool = False) -> None:
        names = [rule.name for rule in rules]
        if len(set(names)) < len(names):
            raise UsageError(f"rules are called {', '.join(names)}; each needs a name of its own.")
        self._rules, self._dry_run = tuple(rules), dry_run
        self._held: dict[str, int] = {}  # frames in a row
        self._fired: list[str] = []
        self._first_speeds: dict[tuple[int, str], float] = {}
        self._shares: list[tuple[float, dict[str, float]]] = []  # by time, of the frames seen last

    @property
    def fired(self) -> tuple[str, ...]:
        """Rules that have fired, in order."""
        return tuple(self._fired)

    def see(self, state: FrontState) -> list[Decision]:
        """The rules that fire at this frame."""
        if state.blanked:
            return []
        if state.seen_s is not None and state.share and state.seen_s not in dict(self._shares):
            self._shares = [*self._shares, (state.seen_s, state.share)][-_RECENT:]
        fired = [decision for rule in self._rules if (decision := self._judged(rule, state)) is not None]
        self._fired += [decision.rule for decision in fired]
        for front in state.fronts:
            if front.speed is not None and front.speed.value > 0:
                self._first_speeds.setdefault((front.particle, front.after), front.speed.value)
        return fired

    def save(self) -> dict[str, Any]:
        """What it remembers, for `restore`."""
        speeds = [[*front, speed] for front, speed in self._first_speeds.items()]
        return {
            "held": self._held,
            "fired": self._fired,
            "first_speeds": speeds,
            "shares": [list(seen) for seen in self._shares],
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on where another one with the same rules was saved."""
        self._held, self._fired = dict(saved["held"]), list(saved["fired"])
        self._first_speeds = {(particle, after): speed for particle, after, speed in saved["first_speeds"]}
        self._shares = [(time_s, share) for time_s, share in saved["shares"]]

    def mark(self, fired: Iterable[str]) -> None:
        """These rules have fired before, and those that it believes to have fired since have not."""
        self._fired = list(fired)

    def _judged(self, rule: Rule, state: FrontState) -> Decision | None:
        if rule.name in self._fired:
            return None
        probability, because = max(self._said(rule, state), default=(0.0, ""))
        held = self._held.get(rule.name, 0) + 1 if probability >= rule.confidence else 0
        self._held[rule.name] = held
        if held < rule.frames:
            return None
        return Decision(
            rule.name, rule.actions, state.frame, state.time_s, round(probability, 4), because, self._dry_run
        )

    def _said(self, rule: Rule, state: FrontState) -> Iterable[tuple[float, str]]:
        """For each front that it may be about: how probable it is, and why."""
        if rule.when == "dose":
            used = state.dose_e_nm2 or 0.0
            return [(float(used >= rule.value), f"{used:.6g} electrons / nm^2 are used.")]
        if rule.when == "out_of_domain":
            return [(float(bool(state.foreign)), "The frame is unlike those that the model was trained on.")]
        if rule.when == "share":
            return [_share(rule, self._shares)] if state.share and rule.into in state.share else []
        fronts = [front for front in state.fronts if rule.into in (None, front.after)]
        return [(chance, _sentence(front, state)) for front in fronts for chance in [self._chance(rule, front, state)]]

    def _chance(self, rule: Rule, front: FrontNow, state: FrontState) -> float:
        if rule.when in _OF_SPEED:
            speed = None if front.through else front.speed
            first = self._first_speeds.get((front.particle, front.after))
            return 0.0 if speed is None else _OF_SPEED[rule.when](speed, rule.value, first)
        return _OF_PLACE[rule.when](front, rule.value, state)


def _reaches(front: FrontNow, place: float) -> float:
    """By what the newest frame shows and by what was to be expected: that frame may be wrong."""
    seen = _above(front.position, place)
    return seen if front.expected is None else min(seen, _above(front.expected, place))


def _starts(front: FrontNow, number: float, state: FrontState) -> float:
    under_way = [other.after for other in state.fronts if other.particle == front.particle and _set_out(other)]
    return float(front.after in under_way and under_way.index(front.after) + 1 >= number)


def _set_out(front: FrontNow) -> bool:
    return front.expected is None or front.expected.low > 0


def _through(front: FrontNow, within_s: float, state: FrontState) -> float:
    if front.through:
        end = THROUGH * front.depth
        return float(front.expected is None or front.expected.high >= end)
    if front.completion_s is None or front.completion_probability is None:
        return 0.0
    # Quantiles of a time are skewed: each side of the median is a half of a normal distribution of its own.
    low, middle, high = front.completion_s.low, front.completion_s.value, front.completion_s.high
    end_s = state.time_s + within_s
    width = max((high - middle if end_s > middle else middle - low) / _Z95, 1e-9)
    return front.completion_probability * float(special.ndtr((end_s - middle) / width))


def _changed(speed: Quantity, times: float, first: float | None) -> float:
    return 0.0 if first is None else _above(speed, first * times) + 1 - _above(speed, first / times)


_OF_PLACE: dict[str, Callable[[FrontNow, float, FrontState], float]] = {
    "position": lambda front, value, state: _reaches(front, value),
    "fraction": lambda front, value, state: _reaches(front, value * front.depth),
    "front_starts": _starts,
    "completion_within": _through,
}
_OF_SPEED: dict[str, Callable[[Quantity, float, float | None], float]] = {
    "speed_above": lambda speed, value, first: _above(speed, value),
    "speed_below": lambda speed, value, first: 1 - _above(speed, value),
    "speed_change": _changed,
}


def _above(quantity: Quantity, limit: float) -> float:
    """Probability that a quantity is no less than a limit; an end that was cut off says nothing of its width."""
    width = max(quantity.high - quantity.value, quantity.value - quantity.low) / _Z95
    return float(special.ndtr((quantity.value - limit) / width)) if width > 0 else float(quantity.value >= limit)


def _share(rule: Rule, seen: Sequence[tuple[float, dict[str, float]]]) -> tuple[float, str]:
    """How probable it is that a phase holds so much by now, and why.

    A robust line (P. K. Sen 1968, doi:10.1080/01621459.1968.10480934) through the frames seen last says how much it
    holds at the newest, and how far they scatter about it how well that is known. What labels have wrong in all of
    these frames alike does not show in it.
    """
    if len(seen) < _FEWEST:
        return 0.0, ""
    phase = str(rule.into)
    time_s, share = np.array([[at_s, shares[phase]] for at_s, shares in seen]).T
    ago_s = time_s - time_s[-1]
    slope, now, *_ = stats.theilslopes(share, ago_s)
    scatter = _MAD_TO_STD * float(np.median(np.abs(share - now - slope * ago_s)))
    off_s = ago_s - ago_s.mean()
    error = scatter * math.sqrt(1 / len(seen) + off_s[-1] ** 2 / float(off_s @ off_s))
    known = Quantity(float(now), float(now) - _Z95 * error, float(now) + _Z95 * error)
    said = f"{phase} holds {known.value:.1%} ({known.low:.1%} to {known.high:.1%}) of what takes part in the reaction."
    return _above(known, rule.value), said


def _sentence(front: FrontNow, state: FrontState) -> str:
    unit, position = state.length_unit, front.position
    said = (
        f"{front.before}->{front.after} is at {position.value:.4g} {unit} ({position.low:.4g} to {position.high:.4g})"
    )
    said += f" of {front.depth:.4g}"
    if front.speed is not None:
        said += f", at {front.speed.value:.3g} {unit}/s"
    if front.completion_s is not None:
        said += f", through at {front.completion_s.value:.4g} s"
    return f"{said}."
