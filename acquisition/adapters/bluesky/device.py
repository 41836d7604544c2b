"""Where a front is, as a device of ophyd-async: signals with units, read and described as those of hardware."""

import asyncio
import math
from collections.abc import Callable
from typing import Any, TypeVar

from bluesky.protocols import Triggerable
from numpy.typing import ArrayLike
from ophyd_async.core import (
    AsyncStatus,
    DeviceMap,
    SignalR,
    StandardReadable,
    StandardReadableFormat,
    soft_signal_r_and_setter,
    soft_signal_rw,
)

from ionfront.core import IonFrontError, Quantity

from ...live import LiveFront
from ...state import FrontNow, FrontState

__all__ = ["FrontDevice"]

Value = TypeVar("Value", float, int, bool, str)

_UNKNOWN: dict[type[Any], Any] = {float: math.nan, int: 0, bool: False, str: ""}


class FrontDevice(StandardReadable, Triggerable):
    """One front of a particle: the first that is under way, or the last where all have passed.

    A trigger waits for the frames that `take` was given, and shows the front after the newest of them. Numbers that are
    not known are NaN.

    Args:
        live: Takes the frames.
        particle: Number of the particle.
        into: Only fronts whose product is this phase; None for all.
        name: Of the device.

    Attributes:
        live, into: As given.
        position, position_low, position_high, depth, speed, speed_low, speed_high: In nm and nm/s, or px and px/s where
            no pixel size is known; `describe` says which.
        area: By phase [nm^2].
        period: Between frames [s], as a plan set it.
        refusal: Why the last frame that could not be used was no good.
    """

    def __init__(self, live: LiveFront, *, particle: int = 1, into: str | None = None, name: str = "front") -> None:
        self.live, self.into = live, into
        self._particle = particle
        self._shown: list[Callable[[FrontState, FrontNow | None], None]] = []
        self._pending: list[asyncio.Task[None]] = []
        self._in_turn = asyncio.Lock()
        self._unseen = 0
        unit = live.calibration.length_unit
        with self.add_children_as_readables(StandardReadableFormat.HINTED_SIGNAL):
            self.position = self._of_front(float, unit, lambda front: front.position.value)
            self.fraction = self._of_front(float, None, lambda front: front.fraction)
            self.speed = self._of_front(float, f"{unit}/s", lambda front: _value(front.speed))
        with self.add_children_as_readables():
            self.position_low = self._of_front(float, unit, lambda front: front.position.low)
            self.position_high = self._of_front(float, unit, lambda front: front.position.high)
            self.depth = self._of_front(float, unit, lambda front: front.depth)
            self.through = self._of_front(bool, None, lambda front: front.through)
            self.before = self._of_front(str, None, lambda front: front.before)
            self.after = self._of_front(str, None, lambda front: front.after)
            self.speed_low = self._of_front(float, f"{unit}/s", lambda front: _low(front.speed))
            self.speed_high = self._of_front(float, f"{unit}/s", lambda front: _high(front.speed))
            self.law = self._of_front(str, None, lambda front: front.law)
            self.law_probability = self._of_front(float, None, lambda front: front.law_probability)
            self.completion = self._of_front(float, "s", lambda front: _value(front.completion_s))
            self.completion_low = self._of_front(float, "s", lambda front: _low(front.completion_s))
            self.completion_high = self._of_front(float, "s", lambda front: _high(front.completion_s))
            self.completion_probability = self._of_front(float, None, lambda front: front.completion_probability)
            self.frame = self._of_state(int, None, lambda state: state.frame)
            self.time = self._of_state(float, "s", lambda state: state.time_s)
            self.looked = self._of_state(float, "s", lambda state: state.looked_s)
            self.missed = self._of_state(int, None, lambda state: state.missed)
            self.blanked = self._of_state(bool, None, lambda state: state.blanked)
            self.foreign = self._of_state(bool, None, lambda state: state.foreign)
            self.dose = self._of_state(float, "1/nm^2", lambda state: state.dose_e_nm2)
            self.area = DeviceMap({phase: self._area_of(phase, f"{unit}^2") for phase in live.phases})
            self.refusal, self._refuse = soft_signal_r_and_setter(str)
            self.period = soft_signal_rw(float, math.nan, units="s")
        super().__init__(name=name)

    def take(self, image: ArrayLike, time_s: float, *, dose_e_nm2: float | None = None, missed: int = 0) -> None:
        """Have a frame analysed beside the run; as `LiveFront.push`. To be called in the run engine's thread.

        A frame that cannot be used ends nothing: it counts as missed.
        """
        frame = self._push(image, time_s, dose_e_nm2, missed)
        self._pending.append(asyncio.get_running_loop().create_task(frame))

    @AsyncStatus.wrap
    async def trigger(self) -> None:
        """Wait for the frames that were taken, and show the front after the last."""
        pending, self._pending = self._pending, []
        await asyncio.gather(*pending)
        if (state := self.live.state) is not None:
            front = self.chosen(state)
            for show in self._shown:
                show(state, front)

    def chosen(self, state: FrontState) -> FrontNow | None:
        """The front that is shown of a state; None where there is none."""
        fronts = [
            front for front in state.fronts if front.particle == self._particle and self.into in (None, front.after)
        ]
        under_way = [front for front in fronts if not front.through]
        return under_way[0] if under_way else fronts[-1] if fronts else None

    async def _push(self, image: ArrayLike, time_s: float, dose_e_nm2: float | None, missed: int) -> None:
        async with self._in_turn:
            try:
                await self.live.push_async(image, time_s, dose_e_nm2=dose_e_nm2, missed=self._unseen + missed)
            except IonFrontError as error:
                self._unseen += missed + 1
                self._refuse(str(error))
            else:
                self._unseen = 0

    def _of_front(self, kind: type[Value], unit: str | None, of: Callable[[FrontNow], Value | None]) -> SignalR[Value]:
        return self._told(kind, unit, lambda _, front: None if front is None else of(front))

    def _of_state(
        self, kind: type[Value], unit: str | None, of: Callable[[FrontState], Value | None]
    ) -> SignalR[Value]:
        return self._told(kind, unit, lambda state, _: of(state))

    def _area_of(self, phase: str, unit: str) -> SignalR[float]:
        return self._of_state(float, unit, lambda state: state.area.get(phase))

    def _told(
        self, kind: type[Value], unit: str | None, of: Callable[[FrontState, FrontNow | None], Value | None]
    ) -> SignalR[Value]:
        unknown = _UNKNOWN[kind]
        signal, setter = soft_signal_r_and_setter(kind, unknown, units=unit)

        def show(state: FrontState, front: FrontNow | None) -> None:
            value = of(state, front)
            setter(unknown if value is None else value)

        self._shown.append(show)
        return signal


def _value(quantity: Quantity | None) -> float | None:
    return None if quantity is None else quantity.value


def _low(quantity: Quantity | None) -> float | None:
    return None if quantity is None else quantity.low


def _high(quantity: Quantity | None) -> float | None:
    return None if quantity is None else quantity.high
