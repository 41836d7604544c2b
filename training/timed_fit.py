"""Training that ends on time: its course follows the clock, so that a slow machine takes fewer steps of all of it."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from .module import SegmenterModule
from .precision import fast_precision

__all__ = ["Clock", "Course", "Snapshot", "Weights", "timed_fit"]

Clock = Callable[[], float]
"""Seconds since some moment, as `time.monotonic` tells them."""

Weights = dict[str, Tensor]

_AVERAGED = 10  # averaged weights are those of about the last tenth of the steps


@dataclass(frozen=True)
class Snapshot:
    """What a network had learnt on the way.

    Attributes:
        share: Share of the course that was done.
        steps: Optimiser steps until then.
        weights: Its weights, averaged over the last tenth of the steps.
    """

    share: float
    steps: int
    weights: Weights


class Course:
    """How much of a fit is done, by the clock; it begins with the first batch and is whole at the deadline."""

    def __init__(self, deadline_s: float, clock: Clock = time.monotonic) -> None:
        self._deadline_s, self._clock = deadline_s, clock
        self._start_s: float | None = None

    def begin(self) -> None:
        """Start the clock."""
        self._start_s = self._clock()

    @property
    def share(self) -> float:
        """From 0 to 1."""
        if self._start_s is None:
            return 0.0
        span_s = self._deadline_s - self._start_s
        return min(1.0, (self._clock() - self._start_s) / span_s) if span_s > 0 else 1.0


def timed_fit(
    module: SegmenterModule,
    batches: DataLoader[Any],
    course: Course,
    shares: Sequence[float],
    logger: Logger | None = None,
) -> list[Snapshot]:
    """Train until the course is done, or its last share that is asked for; at least one step.

    Args:
        module: Its learning rate follows the course.
        batches: Endless, or long enough.
        course: Ends the fit.
        shares: Shares of the course, rising, at which snapshots are taken.
        logger: Takes the loss of every step.

    Returns:
        One snapshot a share.
    """
    module.progress = lambda: course.share
    watch = _Watch(course, shares)
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)  # or it tells of every fit
    trainer = Trainer(
        max_epochs=1,
        accelerator="auto",
        devices=1,
        precision=fast_precision(),
        logger=logger or False,
        callbacks=[watch],
        log_every_n_steps=5,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, batches)
    return watch.snapshots


class _Watch(Callback):  # type: ignore[misc]
    """Begins the course, averages weights, takes snapshots and ends the fit."""

    def __init__(self, course: Course, shares: Sequence[float]) -> None:
        self._course, self._left = course, list(shares)
        self.snapshots: list[Snapshot] = []

    def on_train_start(self, trainer: Trainer, module: SegmenterModule) -> None:
        self._average = AveragedModel(module.network, avg_fn=_last_tenth)

    def on_train_batch_start(self, trainer: Trainer, module: SegmenterModule, batch: Any, batch_idx: int) -> None:
        if batch_idx == 0:
            self._course.begin()

    def on_train_batch_end(
        self, trainer: Trainer, module: SegmenterModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._average.update_parameters(module.network)
        share = self._course.share
        while self._left and share >= self._left[0]:
            self.snapshots.append(Snapshot(self._left.pop(0), batch_idx + 1, self._weights()))
        trainer.should_stop = not self._left

    def _weights(self) -> Weights:
        return {name: value.detach().cpu().clone() for name, value in self._average.module.state_dict().items()}


def _last_tenth(average: Tensor, new: Tensor, averaged: Tensor | int) -> Tensor:
    return average + (new - average) * min(1.0, _AVERAGED / (int(averaged) + 1))
