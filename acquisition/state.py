"""What is known after a frame, in a form that programs read."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ionfront.analysis.record import number
from ionfront.core import Quantity

__all__ = ["THROUGH", "FrontNow", "FrontState"]

THROUGH = 0.98
"""Share of its way after which a front has passed."""


@dataclass(frozen=True)
class FrontNow:
    """One front; lengths in the state's unit.

    Attributes:
        before, after: The phases on its two sides.
        particle: Number of its particle, from 1, the largest first.
        position: Distance from where the ion enters, with 95 % interval.
        depth: The farthest that it can go.
        speed: Of late; None before it can be told.
        law: Its most probable law; likewise.
        law_probability: How probable that is.
        completion_s: When it comes to the end of the particle, if it does, with 95 % interval; None where no forecast
            can be made.
        completion_probability: That it gets there; likewise.
        expected: Where it should be by where it was some frames ago, as those since confirm it, and by its speed; None
            where nobody knows. A front that is far beyond may be an error of the newest frames.
    """

    before: str
    after: str
    particle: int
    position: Quantity
    depth: float
    speed: Quantity | None = None
    law: str | None = None
    law_probability: float | None = None
    completion_s: Quantity | None = None
    completion_probability: float | None = None
    expected: Quantity | None = None

    @property
    def fraction(self) -> float:
        """Share of its way that it has come."""
        return self.position.value / self.depth if self.depth > 0 else 0.0

    @property
    def through(self) -> bool:
        """Whether it has passed."""
        return self.fraction >= THROUGH


@dataclass(frozen=True)
class FrontState:
    """What is known after a frame.

    Attributes:
        frame: Its number, from 0.
        time_s: Its time.
        seen_s: Time of the newest frame that the network was shown; None before the first. Averaging and the
            reference hold frames back.
        waiting: How many are held.
        missed: How many frames so far were lost on the way, let go or could not be used.
        blanked: Whether the frame at `seen_s` showed nothing.
        foreign: Whether it is unlike anything that the model was trained on; None where nobody knows.
        dose_e_nm2: Dose of all frames so far; None where no frame told its own.
        length_unit: "nm", or "px" where no pixel size is known.
        area: Of every phase [length_unit^2]; empty before a frame that shows any.
        share: Of every phase that takes part in the reaction, the share of their area in view, in its order; empty
            where none of them is seen.
        half_cycle: Number of the half cycle under way, from 1.
        direction: "insertion" or "extraction".
        fronts: Of that half cycle.
        looked_s: Time of the frame up to which laws, speeds and forecasts were worked out; None before they were.
        warnings: Sentences for whoever uses the numbers.
        seconds: What the frame took to analyse.
    """

    frame: int
    time_s: float
    seen_s: float | None
    waiting: int
    missed: int
    blanked: bool
    foreign: bool | None
    dose_e_nm2: float | None
    length_unit: str
    area: dict[str, float]
    share: dict[str, float]
    half_cycle: int
    direction: str
    fronts: tuple[FrontNow, ...]
    looked_s: float | None
    warnings: tuple[str, ...]
    seconds: float

    def record(self) -> dict[str, Any]:
        """For JSON; units are in the names."""
        unit = self.length_unit
        plain = {
            name: getattr(self, name)
            for name in ("frame", "time_s", "seen_s", "waiting", "missed", "blanked", "foreign", "dose_e_nm2")
        }
        return plain | {
            "half_cycle": self.half_cycle,
            "direction": self.direction,
            f"area_{unit}2": {phase: number(area) for phase, area in self.area.items()},
            "share": {phase: number(share) for phase, share in self.share.items()},
            "fronts": [_front(front, unit) for front in self.fronts],
            "looked_s": self.looked_s,
            "warnings": list(self.warnings),
            "seconds": number(self.seconds),
        }


def _front(front: FrontNow, unit: str) -> dict[str, Any]:
    return {
        "from": front.before,
        "to": front.after,
        "particle": front.particle,
        f"position_{unit}": _quantity(front.position),
        f"depth_{unit}": number(front.depth),
        f"expected_{unit}": _quantity(front.expected),
        f"speed_{unit}_s": _quantity(front.speed),
        "law": front.law,
        "law_probability": None if front.law_probability is None else number(front.law_probability),
        "completion_s": _quantity(front.completion_s),
        "completion_probability": None
        if front.completion_probability is None
        else number(front.completion_probability),
    }


def _quantity(quantity: Quantity | None) -> dict[str, float | None] | None:
    if quantity is None or not np.isfinite(quantity.value):
        return None
    return {name: number(getattr(quantity, name)) for name in ("value", "low", "high")}
