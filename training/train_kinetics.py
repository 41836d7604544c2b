"""`train_kinetics`: the kinetics head from simulated runs, measured fronts and orderings, into one model file."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import json
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from jsonargparse import ArgumentError
from lightning import Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from numpy.typing import NDArray

from ionfront.core import UsageError, atomic_output
from ionfront.models.kinetics_features import FEATURES
from ionfront.models.kinetics_head import EXPONENT_LEVELS, SPEED_LEVELS, HeadInfo, load_kinetics_head, write_head_info

from .export import to_onnx
from .finish import Output, refuse_existing
from .kinetics_data import KineticsData, Rows
from .kinetics_module import KineticsModule
from .lightning_cli import quieten
from .tracking import Tracking, recorded

__all__ = ["KineticsTraining", "fit_head", "train_kinetics", "widening"]

Floats = NDArray[np.float64]

_SIGNATURE = ModelSignature(Schema([TensorSpec(np.dtype(np.float32), (-1, len(FEATURES)), "features")]))


@dataclass(frozen=True)
class KineticsTraining:
    """What a training leaves.

    Attributes:
        model_path: The model file.
        median_error: Of log10 speed, on hosts that were left out; NaN where none were.
        run_id: MLflow run, empty without tracking.
    """

    model_path: Path
    median_error: float
    run_id: str


def train_kinetics(
    arguments: Sequence[str], progress: Callable[[str, int, int], None] | None = None
) -> KineticsTraining:
    """Simulate, train, widen the intervals by what hosts that were left out ask for, export, and record all of it.

    Args:
        arguments: `--config F`, then any knob: `--data.runs '["DIR"]'`, `--data.simulated 500`, `--model.members 3`,
            `--trainer.max_epochs 10`, `--folds 5`, `--output.path FILE.onnx`, `--tracking.uri none`.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Raises:
        UsageError: A knob is unknown or out of range.
        MaterialError: A run that was to be learned from does not say its host and ion.
        OutputExistsError: The model file exists and `--output.overwrite true` was not said.
    """
    say = progress or (lambda *_: None)
    with warnings.catch_warnings():
        quieten()
        cli = _parse(list(arguments))
        settings = cli.config_init
        refuse_existing(settings.output)
        with recorded(settings.tracking) as run:
            data: KineticsData = cli.datamodule
            data.draw(lambda done, of: say("simulating", done, of))
            scores = []
            groups = _groups(data.train.host, settings.folds, settings.seed_everything or 0)
            for number, group in enumerate(groups):
                say("hosts left out", number, len(groups))
                fold = data.without(group)
                scores.append(_scores(fit_head(fold, deepcopy(cli.model), settings.trainer.max_epochs), fold))
            say("training", 0, 1)
            module = fit_head(data, cli.model, settings.trainer.max_epochs)
            info = _info(data, settings.output, scores, "" if run is None else run.run_id)
            _export(module, info, settings.output)
            if run is not None:
                run.log_params(json.loads(cli.parser.dump(cli.config, format="json", skip_check=True)))
                run.log_metrics({k: v for k, v in info.training_summary.items() if isinstance(v, float)})
                run.register(Path(settings.output.path), _SIGNATURE)
    return KineticsTraining(
        Path(settings.output.path), float(info.training_summary["median_error_left_out"]), info.run_id
    )


def fit_head(data: KineticsData, module: KineticsModule, epochs: int) -> KineticsModule:
    """Train a module on drawn data; the orders that were seen are kept afterwards."""
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # networks so small are slower on several
    try:
        trainer.fit(module, train_dataloaders=data.train_dataloader())
    finally:
        torch.set_num_threads(threads)
    module.eval()
    pairs = data.ordered_pairs()
    if pairs is not None and module.order_weight > 0:
        module.network.keep_orders(pairs, module.order_weight)
    return module


@dataclass(frozen=True)
class Scores:
    """What a head says of rows that it has not learned from, n of them.

    Attributes:
        residual: Quantiles of log10 speed less the physical mean, shape (n, 7).
        exponent: Quantiles, shape (n, 3).
        rows: The truth.
    """

    residual: Floats
    exponent: Floats
    rows: Rows


def _scores(module: KineticsModule, fold: KineticsData) -> Scores:
    with torch.inference_mode():
        residual, exponent, *_ = module(fold.scaled(fold.validation.features))
    return Scores(residual.numpy(), exponent.numpy(), fold.validation)


def widening(low: Floats, high: Floats, truth: Floats, level: float) -> float:
    """By how much both ends of intervals move out so that a share of truths lies within; 0 where it does already.

    Y. Romano, E. Patterson and E. Candès, NeurIPS 32 (2019) 3543: conformalised quantile regression.

    Args:
        low, high, truth: Shape (n,); NaN truths do not count.
        level: The share.
    """
    beyond = np.maximum(low - truth, truth - high)
    beyond = beyond[np.isfinite(beyond)]
    if not beyond.size:
        return 0.0
    return float(max(np.quantile(beyond, min(1.0, level * (1 + 1 / beyond.size))), 0.0))


def _groups(host: NDArray[np.str_], folds: int, seed: int) -> list[list[str]]:
    names = np.random.default_rng(seed).permutation(np.unique(host[host != ""]))
    return [part.tolist() for part in np.array_split(names, folds)] if folds else []


def _info(data: KineticsData, output: Output, scores: Sequence[Scores], run_id: str) -> HeadInfo:
    residual = np.concatenate([s.residual for s in scores] or [np.empty((0, len(SPEED_LEVELS)))])
    exponent = np.concatenate([s.exponent for s in scores] or [np.empty((0, len(EXPONENT_LEVELS)))])
    truth = np.concatenate([s.rows.log_speed - s.rows.physics for s in scores] or [np.empty(0)])
    slopes = np.concatenate([s.rows.exponent for s in scores] or [np.empty(0)])
    off = np.abs(residual[:, len(SPEED_LEVELS) // 2] - truth)
    summary = {
        "simulated_runs": int(np.isfinite(data.train.exponent).sum()),
        "rows": len(data.train),
        "measured_fronts": len(data.measured),
        "hosts": sorted(set(data.train.host.tolist()) - {""}),
        "median_error_left_out": float(np.nanmedian(off)) if off.size else float("nan"),
        "median_error_of_physics_left_out": float(np.nanmedian(np.abs(truth))) if truth.size else float("nan"),
    }
    return HeadInfo(
        name=output.name,
        version=output.version,
        licence=output.licence,
        run_id=run_id,
        features=FEATURES,
        mean=tuple(data.mean.tolist()),
        spread=tuple(data.spread.tolist()),
        least=tuple(data.train.descriptors.min(axis=0).tolist()),
        most=tuple(data.train.descriptors.max(axis=0).tolist()),
        widen=widening(residual[:, 0], residual[:, -1], truth, 0.95),
        widen_exponent=widening(exponent[:, 0], exponent[:, -1], slopes, 0.95),
        training_summary=summary,
    )


def _export(module: KineticsModule, info: HeadInfo, output: Output) -> None:
    """Write the head with its metadata, and see that it loads."""
    says = ["residual", "exponent", "laws", "through", "disagreement", "seen"]
    model = to_onnx(module.network.eval(), torch.zeros(2, len(FEATURES)), (0,), "features", says)
    write_head_info(model, info)
    with atomic_output(Path(output.path), overwrite=output.overwrite) as draft:
        onnx.save_model(model, draft)
        load_kinetics_head(draft)


class _Cli(LightningCLI):  # type: ignore[misc]
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--folds", type=int, default=5, help="Groups of hosts that are left out in turn.")
        parser.add_argument("--output", type=Output, default=Output(path="kinetics.onnx", name="kinetics"))
        tracking = Tracking(experiment="kinetics", registered_name="ionfront-kinetics")
        parser.add_argument("--tracking", type=Tracking, default=tracking)


def _parse(arguments: list[str]) -> _Cli:
    try:
        return _Cli(
            KineticsModule,
            KineticsData,
            args=arguments,
            run=False,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults={"logger": False, "max_epochs": 20},
            parser_kwargs={"exit_on_error": False},
        )
    except ArgumentError as error:
        raise UsageError(f"{' '.join(str(error).split())}: correct the recipe or the command line.") from error
