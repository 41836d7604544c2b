"""A plan that takes frames as fast as a front moves, and ends when it has passed."""

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
from bluesky.protocols import Preparable, Readable
from bluesky.utils import Msg
from ophyd_async.core import TriggerInfo

from ionfront.core import UsageError

from ...state import THROUGH, FrontNow, FrontState
from ...triggers import Decision, Rule, Triggers
from .device import FrontDevice

__all__ = ["follow_front", "prepared"]

Plan = Generator[Msg, Any, Any]

_SLOWER = 1.5  # a front that seems to rest for a frame is not let out of sight at once
_LAST = 4  # frames, over which a front's position tells its speed
_REST = 0.1  # of the move that was asked for, in a frame of the longest period: such a front has come to rest


def prepared(detector: Preparable, period_s: float) -> Plan:
    """Have a detector of ophyd-async, a `StandardDetector`, expose its next frame for so long."""
    yield from bps.prepare(detector, TriggerInfo(livetime=period_s), wait=True)


def follow_front(
    detector: Readable[Any],
    front: FrontDevice,
    *,
    move: float,
    period_s: float,
    limits_s: tuple[float, float],
    frames: int,
    until: Sequence[Rule] | None = None,
    frames_after: int = 12,
    set_period: Callable[[float], Plan] | None = None,
    md: Mapping[str, Any] | None = None,
) -> Generator[Msg, Any, Decision | None]:
    """Take frames such that the front moves no farther than `move` from one to the next, until it has passed.

    Frames come in the stream "primary", the front after each in the stream "front". `FrameDocuments(front.take, ...)`
    has to be subscribed. What ended the run is the reason in its stop document.

    Args:
        detector: Takes a frame when it is triggered.
        front: What its frames are pushed into.
        move: How far [nm; px where no pixel size is known].
        period_s: From frame to frame, until the speed of the front is known.
        limits_s: The shortest and the longest period.
        frames: How many at most.
        until: The first of these rules that fires ends the run; None waits until the front has passed or come to rest,
            such that at the longest period it would move less than a tenth of `move` in a frame.
        frames_after: How many are taken after that rule has fired, as positions are uncertain; within `frames`.
        set_period: A plan that sets the detector's period [s]; None prepares it (`prepared`).
        md: Metadata of the run.

    Returns:
        What the rule decided; None where `frames` were taken.

    Raises:
        UsageError: A move, a period or a number that makes no sense; or no frame reached the front.
    """
    least_s, most_s = limits_s
    if not (move > 0 and 0 < least_s <= period_s <= most_s and frames > 0 and frames_after >= 0):
        raise UsageError(
            f"move {move}, period of {period_s} s within {limits_s}, {frames} frames and {frames_after} after the "
            "end were asked for; numbers above 0, and a period within its limits, are needed."
        )
    rules, decided = Triggers(_ends(move / most_s, front.into) if until is None else until), list[Decision]()
    pace = _Pace(front)

    def taken() -> Plan:
        now_s, left = period_s, frames
        while left > 0:
            yield from (set_period or partial(prepared, detector))(now_s)  # type: ignore[arg-type]
            yield from bps.mv(front.period, now_s)
            yield from bps.trigger_and_read([detector])
            yield from bps.trigger_and_read([front], name="front")
            state, left = _state(front), left - 1
            if not decided and (fired := rules.see(state)):
                decided.extend(fired)
                left = min(left, frames_after)
            now_s = float(np.clip(pace.period_s(state, move, now_s), least_s, most_s))

    def ended() -> Plan:
        yield from bps.close_run(reason=decided[0].because if decided else f"{frames} frames were taken.")

    yield from bpp.stage_wrapper(_run(taken(), ended, {"plan_name": "follow_front", **(md or {})}), [detector, front])
    return decided[0] if decided else None


def _ends(least_speed: float, into: str | None) -> tuple[Rule, ...]:
    """A front has come to the end of its way, or gets no farther: labels of the last bit may never be sure."""
    return (
        Rule("passed", "fraction", THROUGH, into=into, frames=3),
        Rule("rests", "speed_below", _REST * least_speed, into=into, confidence=0.975, frames=3),
    )


def _run(taken: Plan, ended: Callable[[], Plan], md: dict[str, Any]) -> Plan:
    """As `bluesky.preprocessors.run_wrapper`, with a reason where all went well, too."""

    def failed(error: Exception) -> Plan:
        yield from bps.close_run(exit_status=getattr(error, "exit_status", "fail"), reason=str(error))

    yield from bps.open_run(md)
    yield from bpp.contingency_wrapper(taken, except_plan=failed, else_plan=ended)


def _state(front: FrontDevice) -> FrontState:
    if front.live.state is None:
        raise UsageError(
            "a frame was taken, and none reached the front: subscribe FrameDocuments(front.take, ...) with the name of "
            "the detector's image."
        )
    return front.live.state


class _Pace:
    """How fast a front moves, by its speed of late and by its last frames: looks come later than frames do."""

    def __init__(self, front: FrontDevice) -> None:
        self._front = front
        self._last: deque[tuple[float, FrontNow]] = deque(maxlen=_LAST)

    def period_s(self, state: FrontState, move: float, now_s: float) -> float:
        """Between frames, such that it moves so far; as it is while nobody can tell."""
        front = self._front.chosen(state)
        if front is None or front.through:
            return now_s
        if self._last and self._last[-1][1].after != front.after:
            self._last.clear()
        self._last.append((state.time_s, front))
        speed = max(self._lately(), 0.0 if front.speed is None else front.speed.value)
        return min(move / speed, _SLOWER * now_s) if speed > 0 else now_s

    def _lately(self) -> float:
        (first_s, first), (last_s, last) = self._last[0], self._last[-1]
        full = len(self._last) == _LAST
        return (last.position.value - first.position.value) / (last_s - first_s) if full else 0.0
