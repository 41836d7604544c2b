"""Course of the learning rate over a training run.

A function of the step alone, so that a run resumed with another length continues on the new course; torch's OneCycleLR
keeps the old length in its state and stops there.
"""

import math
from collections.abc import Callable
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["Schedule", "build_schedule", "build_timed_schedule", "share_of_peak"]

_FINE = 10_000

Schedule = Literal["one-cycle", "cosine", "constant"]


def build_schedule(optimizer: Optimizer, kind: Schedule, steps: int, warmup: float) -> LambdaLR:
    """A schedule over `steps` optimiser steps, relative to the optimiser's own learning rate."""
    return LambdaLR(optimizer, lambda step: share_of_peak(step, kind, steps, warmup))


def build_timed_schedule(optimizer: Optimizer, kind: Schedule, share: Callable[[], float], warmup: float) -> LambdaLR:
    """A schedule over whatever share of the run is done, 0 to 1, however many steps it takes."""
    return LambdaLR(optimizer, lambda _step: share_of_peak(_FINE * share(), kind, _FINE, warmup))


def share_of_peak(step: float, kind: Schedule, steps: int, warmup: float) -> float:
    """Learning rate at a step as a share of its peak.

    Args:
        step: The step, from 0.
        kind: "one-cycle" (rise and fall as half cosines; Smith & Topin 2019, arXiv:1708.07120), "cosine" (linear
            rise, then half a cosine), or "constant".
        steps: Steps of the whole run.
        warmup: Share of steps in which the rate rises.
    """
    rise = max(1.0, warmup * steps)
    gone = min(1.0, max(0.0, (step - rise) / max(1.0, steps - rise)))
    match kind:
        case "constant":
            return 1.0
        case "one-cycle" if step < rise:
            return 0.04 + 0.96 * _half_cosine(step / rise)
        case "cosine" if step < rise:
            return (step + 1) / (rise + 1)
        case _:
            return 1.0 - _half_cosine(gone)


def _half_cosine(share: float) -> float:
    """From 0 to 1, flat at both ends."""
    return 0.5 - 0.5 * math.cos(math.pi * share)
