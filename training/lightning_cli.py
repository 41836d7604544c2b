"""`train_segmenter`: one recipe in YAML, every knob on the command line, one model file out.

train_segmenter(["--config", "recipe.yaml", "--data.data", '["DIR"]', "--trainer.max_epochs", "20"])
"""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import json
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentError
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint, Timer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only

from ionfront.core import UsageError

from .data import SegmentationData
from .evaluate import Evaluation
from .finish import Output, finish, refuse_existing
from .module import SegmenterModule
from .tracking import Run, Tracking, recorded

__all__ = ["TrainingResult", "data_argument", "quieten", "recipe", "train_segmenter"]


@dataclass(frozen=True)
class TrainingResult:
    """What a training run leaves.

    Attributes:
        model_path: The model file.
        evaluation: Scores on the validation frames.
        checkpoint: The best checkpoint, empty if none was written.
        run_id: MLflow run, empty without tracking.
        epochs: Epochs trained, those before a resume included.
    """

    model_path: Path
    evaluation: Evaluation
    checkpoint: str
    run_id: str
    epochs: int


def train_segmenter(arguments: Sequence[str]) -> TrainingResult:
    """Train, choose the best epoch, export it, evaluate it, and record all of it.

    Args:
        arguments: `--config F` (several are laid over each other), then any knob: `--model.learning_rate 3e-4`,
            `--data.crop_size 192`, `--trainer.max_epochs 20`, `--trainer.max_time 00:00:30:00` (the learning rate then
            follows the clock), `--early_stopping.patience 8`,
            `--checkpoint.dirpath runs/a`, `--ckpt_path runs/a/last.ckpt` to resume, `--output.path FILE.onnx`,
            `--tracking.uri none`.

    Raises:
        UsageError: A knob is unknown or out of range, or there is nothing to train on.
        OutputExistsError: The model file exists and `--output.overwrite true` was not said.
    """
    with warnings.catch_warnings():
        quieten()
        cli = _parse(list(arguments))
        settings = cli.config_init
        refuse_existing(settings.output)
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        tracking = settings.tracking if rank_zero_only.rank == 0 else Tracking(uri="none")
        with recorded(tracking) as run:
            return _run(cli, run)


def recipe(name: str) -> Path:
    """Path of a recipe that ships with IonFront, by its stem.

    Raises:
        UsageError: There is no such recipe.
    """
    folder = Path(__file__).parent / "recipes"
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise UsageError(f"there is no recipe {name!r}; there are {known}: choose one, or give a file.")
    return path


def data_argument(folders: Sequence[Path]) -> str:
    """The argument that trains on these labelled data sets."""
    return "--data.data=" + json.dumps([str(folder) for folder in folders])


class _Cli(LightningCLI):  # type: ignore[misc]
    """Lightning's parser with the knobs that this program adds."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.link_arguments("data.phases", "model.phases", apply_on="instantiate")
        parser.link_arguments("data.channels", "model.channels", apply_on="instantiate")
        parser.add_argument("--ckpt_path", type=str | None, default=None, help="Checkpoint to resume from.")
        parser.add_argument("--threads", type=int | None, default=None, help="CPU threads of torch.")
        parser.add_argument("--output", type=Output, default=Output())
        parser.add_argument("--tracking", type=Tracking, default=Tracking())
        parser.add_lightning_class_args(EarlyStopping, "early_stopping")
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.set_defaults(
            {
                "early_stopping.monitor": "val_mean_iou",
                "early_stopping.mode": "max",
                "early_stopping.patience": 20,
                "checkpoint.monitor": "val_mean_iou",
                "checkpoint.mode": "max",
                "checkpoint.filename": "best",
                "checkpoint.dirpath": "runs/segmenter",
                "checkpoint.enable_version_counter": False,
            }
        )


def _parse(arguments: list[str]) -> _Cli:
    try:
        return _Cli(
            SegmenterModule,
            SegmentationData,
            args=arguments,
            run=False,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults={
                "logger": False,
                "max_epochs": 50,
                # an epoch's crops follow from its number; every process of a distributed run draws its own
                "reload_dataloaders_every_n_epochs": 1,
                "use_distributed_sampler": False,
            },
            parser_kwargs={"exit_on_error": False},
        )
    except ArgumentError as error:
        raise UsageError(f"{' '.join(str(error).split())}: correct the recipe or the command line.") from error


def _run(cli: _Cli, run: Run | None) -> TrainingResult:
    settings = cli.config_init
    # Lightning's own `save_last` follows the best checkpoint, so that a killed run would go on from there.
    cli.trainer.callbacks.append(
        ModelCheckpoint(settings.checkpoint.dirpath, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    )
    if run is not None:
        run.log_params(_settings_of(cli))
        cli.trainer.logger = run.logger()
        cli.trainer.callbacks.append(LearningRateMonitor("epoch"))
    if settings.ckpt_path is not None:
        warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
    timer = next((callback for callback in cli.trainer.callbacks if isinstance(callback, Timer)), None)
    if timer is not None:
        cli.model.progress = lambda: _share_of_time(timer)
    cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=settings.ckpt_path, weights_only=True)
    if not cli.trainer.is_global_zero:
        raise SystemExit(0)  # the first process of a distributed run does what is left
    best = str(cli.trainer.checkpoint_callback.best_model_path)
    if best:
        cli.model.load_state_dict(torch.load(best, map_location="cpu", weights_only=True)["state_dict"])
    evaluation = finish(cli.model, cli.datamodule, settings.output, run)
    return TrainingResult(
        model_path=Path(settings.output.path),
        evaluation=evaluation,
        checkpoint=best,
        run_id="" if run is None else run.run_id,
        epochs=int(cli.trainer.current_epoch),
    )


def _share_of_time(timer: Timer) -> float:
    gone_s, left_s = timer.time_elapsed(), timer.time_remaining()
    return min(1.0, gone_s / (gone_s + left_s)) if left_s else 1.0


def _settings_of(cli: _Cli) -> dict[str, Any]:
    text = cli.parser.dump(cli.config, format="json", skip_check=True)
    settings: dict[str, Any] = json.loads(text)
    return settings


def quieten() -> None:
    """Silence what others say to each other at every start and no user of this program can act on."""
    for message in (
        ".*does not have many workers.*",
        "You defined a `validation_step` but have no `val_dataloader`.*",  # folds judge in their own way
        ".*is smaller than the logging interval.*",
        "LightningCLI's args parameter is intended.*",
        ".*treespec, LeafSpec.*",
        ".*recommended to use .*sync_dist=True.*",  # the confusion matrix has added up all processes already
        ".*Any type hint is inferred as AnyType.*",
        "The ``noload`` loader strategy.*",
        "Found .* module.* in eval mode at the start of training.*",  # `freeze_norm` asked for it
    ):
        warnings.filterwarnings("ignore", message=message)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"jsonargparse|lightning")
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(_is_no_advertisement)
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")


def _is_no_advertisement(record: logging.LogRecord) -> bool:
    return "litlogger" not in record.getMessage()


if __name__ == "__main__":
    train_segmenter(sys.argv[1:])
