"""`finetune`: a model from a few labelled frames in a few minutes, with a score that no trained pixel had a part in.

How the minutes are spent, and why: docs/decisions/0010-few-shot.md.
"""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import dataclasses
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ionfront.core import UsageError
from ionfront.datasets import LabelledSet, read_labelled, split_by_group
from ionfront.models import ModelInfo, bundled_segmenter, load_segmenter, read_info

from .calibrate import fit_temperature
from .data import digest_of
from .evaluate import Evaluation, summarise
from .export import export_segmenter
from .few_shot import FewShot, Tuner
from .finish import Output, record, refuse_existing
from .holdout import Fold, HoldOut, Unit, any_labelled, hold_out
from .judge import TOLERANCE_PX, Choice, Verdict, choose, judge, pooled_mean_iou
from .lightning_cli import quieten
from .provenance import TRAINED_ON, frame_digests
from .replay import Memory, between, draw_back, scene_score, unseen_frames
from .timed_fit import Clock, Course, Snapshot, Weights
from .tracking import Run, Tracking, git_revision, recorded

__all__ = ["FineTuning", "finetune"]

_SHARES = (0.5, 0.75, 1.0)
_CLOSING_S = 20.0  # export and record
_LEAST = 0.3  # of the time goes into the model itself, even where the folds took longer than they should

Tell = Callable[[str], None]


@dataclass(frozen=True)
class FineTuning:
    """A fine-tuned model and what is known of it.

    Attributes:
        model_path: The model file.
        evaluation: Scores of the folds' models on what they never saw; None where too little is labelled for that.
        unit: What the folds kept apart.
        folds: How many folds.
        frames: Labelled frames that the model was trained on.
        reduction: The network sees means of blocks of this many pixels, squared.
        steps: Optimiser steps of the model.
        share: Share of the course after which the folds were best.
        memory: What is left of the old task; None where it could not be kept.
        run_id: MLflow run, empty without tracking.
        seconds: Time that all of it took [s].
    """

    model_path: Path
    evaluation: Evaluation | None
    unit: Unit
    folds: int
    frames: int
    reduction: int
    steps: int
    share: float
    memory: Memory | None
    run_id: str
    seconds: float

    def to_json(self) -> str:
        """The result as JSON; what is undefined is null."""
        scores = None if self.evaluation is None else json.loads(self.evaluation.to_json())
        plain = dataclasses.asdict(dataclasses.replace(self, evaluation=None))
        return json.dumps(plain | {"model_path": str(self.model_path), "evaluation": scores}, indent=1)


def finetune(
    data: Path,
    out: Path,
    *,
    model: Path | None = None,
    minutes: float = 4.0,
    forget: float = 0.02,
    held_out_groups: Sequence[str] = (),
    settings: FewShot = FewShot(),
    tracking: Tracking = Tracking(),
    seed: int = 0,
    overwrite: bool = False,
    tell: Tell = lambda text: None,
    clock: Clock = time.monotonic,
) -> FineTuning:
    """Fine-tune a model on a few labelled frames.

    Args:
        data: Labelled data set, nnU-Net raw layout; one frame is enough, and not all of it need be labelled.
        out: Where the model file goes.
        model: Model file to start from; None takes the bundled one.
        minutes: Time for all of it. A machine too slow to judge in its part of it takes longer: the model itself always
            gets three tenths.
        forget: Largest loss of mean IoU on synthetic scenes, where the data have their phases.
        held_out_groups: Groups that are left alone: to judge the model on, by `ionfront evaluate` or `promote`.
        settings: How the network is trained.
        tracking: Where the run is recorded, and under which name the model is registered.
        seed: Seed of folds, crops and augmentation.
        overwrite: Whether a file at `out` may be replaced.
        tell: Told what is being done.
        clock: Tells the time [s].

    Raises:
        UsageError: Nothing is labelled, there is no time, or the old task would be forgotten.
        LabelledDataError: The data break their layout.
        ModelFileError: The model cannot be used.
        OutputExistsError: There is a file at `out`.
    """
    if not minutes > 0:
        raise UsageError(f"{minutes:g} minutes were given; fine-tuning needs some: 4 suit two cores.")
    refuse_existing(Output(path=str(out), overwrite=overwrite))
    with warnings.catch_warnings():
        quieten()
        labelled = _without(read_labelled(data), held_out_groups)
        start = bundled_segmenter() if model is None else Path(model)
        with recorded(tracking) as run:
            job = _Job(labelled, start, settings, seed, tell, _Plan(clock, 60 * minutes, settings.judging), run)
            return job.run(Path(out), forget, overwrite)


class _Plan:
    """How the time is dealt out: folds first, then the model, then what closes the run."""

    def __init__(self, clock: Clock, span_s: float, judging: float) -> None:
        self.clock = clock
        self._start_s = clock()
        self._least_s = _LEAST * span_s
        self._judged_s = self._start_s + judging * span_s
        self._closing_s = self._start_s + span_s - min(_CLOSING_S, 0.15 * span_s)

    @property
    def passed_s(self) -> float:
        return self.clock() - self._start_s

    def fold(self, folds_left: int, judging_s: float) -> Course:
        """The course of the next fold, which then takes `judging_s` to be judged."""
        now_s = self.clock()
        slot_s = (self._judged_s - now_s) / folds_left
        return Course(now_s + max(0.25 * slot_s, slot_s - judging_s), self.clock)

    def model(self, reserved_s: float) -> Course:
        """The course of the model itself, which leaves time for what must come after it, if there is any."""
        return Course(max(self._closing_s - reserved_s, self.clock() + self._least_s), self.clock)


@dataclass(frozen=True)
class _Trial:
    """A fold, what its network had learnt on the way, and what each of these made of the held-out frames."""

    fold: Fold
    snapshots: list[Snapshot]
    verdicts: list[Verdict]

    @property
    def scores(self) -> list[float]:
        return [pooled_mean_iou(verdict.counts) for verdict in self.verdicts]


class _OldTask:
    """The synthetic scenes that a model could label before it was fine-tuned."""

    def __init__(self, tuner: Tuner, start: Path, size_px: int, clock: Clock) -> None:
        self._tuner = tuner
        self._frames = unseen_frames(size_px)
        begun_s = clock()
        self._before = scene_score(load_segmenter(start, device="cpu"), self._frames)
        self.seconds = clock() - begun_s

    def left_in(self, weights: Weights, forget: float) -> Memory:
        """What is left of it, and the share of these weights that leaves so much."""
        return draw_back(self._before, lambda blend: self._score(blend, weights), forget)

    def _score(self, blend: float, weights: Weights) -> float:
        return scene_score(self._tuner.segmenter(between(self._tuner.old, weights, blend)), self._frames)


class _Job:
    """One fine-tuning, step by step."""

    def __init__(
        self, labelled: LabelledSet, start: Path, settings: FewShot, seed: int, tell: Tell, plan: _Plan, run: Run | None
    ) -> None:
        self._labelled, self._start, self._settings, self._seed = labelled, start, settings, seed
        self._tell, self._plan, self._run = tell, plan, run
        self._frames = [(frame, labelled.ignore_label) for frame in labelled.frames]
        if not any_labelled(self._frames):
            raise UsageError(
                f"{labelled.root}: no pixel of {len(self._frames)} frames is labelled; label some of them."
            )
        self._tuner = Tuner(labelled, start, settings, seed)

    def run(self, out: Path, forget: float, overwrite: bool) -> FineTuning:
        """Folds, model, memory, file, record."""
        old_task = None
        if self._tuner.keeps:
            size_px = self._settings.crop_size * self._tuner.info.reduction
            old_task = _OldTask(self._tuner, self._start, size_px, self._plan.clock)
        held = hold_out(self._labelled, self._seed)
        trials = self._trials(held)
        choice = choose([trial.scores for trial in trials]) if trials else Choice((), len(_SHARES) - 1)
        model = self._model(_SHARES[choice.overall], 0.0 if old_task is None else 2 * old_task.seconds)
        memory = None if old_task is None else old_task.left_in(model.weights, forget)
        blend = 1.0 if memory is None else memory.blend
        verdicts = [self._verdict(trial, at, blend) for trial, at in zip(trials, choice.by_fold, strict=True)]
        info = self._info(verdicts, model, held, memory)
        weights = between(self._tuner.old, model.weights, blend)
        export_segmenter(self._tuner.network(weights), info, out, overwrite=overwrite)
        evaluation = self._evaluation(out, verdicts)
        return FineTuning(
            model_path=out,
            evaluation=evaluation,
            unit=held.unit,
            folds=len(trials),
            frames=len(self._frames),
            reduction=info.reduction,
            steps=model.steps,
            share=model.share,
            memory=memory,
            run_id="" if self._run is None else self._run.run_id,
            seconds=self._plan.passed_s,
        )

    def _trials(self, held: HoldOut) -> list[_Trial]:
        trials: list[_Trial] = []
        judging_s = 0.0
        for fold in held.folds:
            self._tell(f"fold {len(trials) + 1} of {len(held.folds)}: trains and is judged on what it has not seen")
            course = self._plan.fold(len(held.folds) - len(trials), judging_s)
            snapshots = self._tuner.fit(fold.train, course, _SHARES)
            begun_s = self._plan.clock()
            verdicts = [judge(self._tuner.segmenter(snapshot.weights), fold.judge) for snapshot in snapshots]
            judging_s = self._plan.clock() - begun_s
            trials.append(_Trial(fold, snapshots, verdicts))
        return trials

    def _model(self, share: float, reserved_s: float) -> Snapshot:
        self._tell(f"the model itself: trains on all {len(self._frames)} frames")
        logger = None if self._run is None else self._run.logger()
        (snapshot,) = self._tuner.fit(self._frames, self._plan.model(reserved_s), [share], logger)
        return snapshot

    def _verdict(self, trial: _Trial, at: int, blend: float) -> Verdict:
        """Of the snapshot that the other folds chose, drawn back like the model itself."""
        if blend == 1.0:
            return trial.verdicts[at]
        weights = between(self._tuner.old, trial.snapshots[at].weights, blend)
        return judge(self._tuner.segmenter(weights), trial.fold.judge)

    def _evaluation(self, out: Path, verdicts: Sequence[Verdict]) -> Evaluation | None:
        """Scores over all folds, in the name of the model that was written, and its record."""
        segmenter = load_segmenter(out)
        counts = [count for verdict in verdicts for count in verdict.calibrated(segmenter.info.temperature)]
        evaluation = summarise(counts, segmenter, TOLERANCE_PX, seed=self._seed) if counts else None
        if self._run is not None:
            facts = {key: str(segmenter.info.training_summary[key]) for key in ("data_sha256", "git_revision")}
            self._run.log_params({"settings": dataclasses.asdict(self._settings), "seed": self._seed})
            record(self._run, out, segmenter, evaluation, self._frames, facts)
        return evaluation

    def _info(self, verdicts: Sequence[Verdict], model: Snapshot, held: HoldOut, memory: Memory | None) -> ModelInfo:
        """Metadata; the temperature is that of the folds, on pixels that they had not seen."""
        scores = [pooled_mean_iou(verdict.counts) for verdict in verdicts]
        summary = {
            "started_from": load_segmenter(self._start).sha256,
            "data_sha256": digest_of(self._frames),
            TRAINED_ON: frame_digests((frame for frame, _ in self._frames), read_info(self._start)),
            "git_revision": git_revision(Path(__file__).parent),
            "frames": len(self._frames),
            "steps": model.steps,
            "held_out": held.unit,
            "held_out_mean_iou": round(float(np.mean(scores)), 4) if scores else None,
            "old_task": None if memory is None else dataclasses.asdict(memory),
        }
        return self._tuner.info.model_copy(
            update={
                "name": self._labelled.root.resolve().name,
                "version": "0.1.0",
                "temperature": _temperature(verdicts) if verdicts else 1.0,
                "run_id": "" if self._run is None else self._run.run_id,
                "licence": "unknown",
                "training_summary": summary,
            }
        )


def _without(labelled: LabelledSet, groups: Sequence[str]) -> LabelledSet:
    return split_by_group(labelled, groups)[0] if groups else labelled


def _temperature(verdicts: Sequence[Verdict]) -> float:
    logits = np.concatenate([part for verdict in verdicts for part in verdict.logits])
    return fit_temperature(logits, np.concatenate([part for verdict in verdicts for part in verdict.labels]))
