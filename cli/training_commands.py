"""Commands that train, judge and speed up models: train segmenter, evaluate, cross-validate, quantise."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ionfront.core import MissingExtraError, atomic_output
from ionfront.datasets import read_labelled
from ionfront.models import read_info
from ionfront.training.evaluate import Evaluation, evaluate
from ionfront.training.report import print_evaluation

from .console import say, say_json

__all__ = ["cross_validate_command", "evaluate_command", "quantise_command", "train_app"]

train_app = typer.Typer(help="Train a model.", no_args_is_help=True)

Data = Annotated[
    list[Path] | None, typer.Option(help="Labelled data set, nnU-Net raw layout; may be given several times.")
]
Config = Annotated[str, typer.Option(help="Recipe: a YAML file, or the name of one that ships with IonFront.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")]


@train_app.command("segmenter", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train_segmenter_command(
    context: typer.Context,
    config: Config = "segmenter_labelled",
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Train a segmentation model; any knob of the recipe may follow, e.g. --trainer.max_epochs 20."""
    try:
        from ionfront.training.lightning_cli import data_argument, train_segmenter
    except ImportError as error:
        raise _no_training(error) from error
    arguments = ["--config", _recipe(config), *([data_argument(data)] if data else []), *context.args]
    result = train_segmenter(arguments)
    _show(result.evaluation, as_json, None)
    if not as_json:
        say(f"Model: {result.model_path}  (scores on the validation frames)")


def evaluate_command(
    model: Annotated[Path, typer.Argument(help="Model file (.onnx).")],
    data: Annotated[Path, typer.Argument(help="Labelled data set, nnU-Net raw layout.")],
    group: Annotated[list[str] | None, typer.Option(help="Only this group; may be given several times.")] = None,
    tolerance_px: Annotated[float, typer.Option(help="Boundaries this close count as found [px].")] = 3.0,
    out: Annotated[Path | None, typer.Option(help="Also write the scores to this JSON file.")] = None,
    as_json: AsJson = False,
) -> None:
    """IoU, Dice and boundary F1 of a model, by phase and group, with 95 % intervals."""
    _show(evaluate(model, read_labelled(data), group, tolerance_px=tolerance_px), as_json, out)


def cross_validate_command(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder for the models of the folds.")],
    config: Config = "segmenter_labelled",
    data: Data = None,
    folds: Annotated[int, typer.Option(min=3, help="How many folds; whole groups are held out.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a model a fold and judge every frame by a model that never saw its group."""
    try:
        from ionfront.training.cross_validate import cross_validate
    except ImportError as error:
        raise _no_training(error) from error
    result = cross_validate(["--config", _recipe(config), *context.args], data or [], folds, out=out, seed=seed)
    _show(result, as_json, out / "scores.json")


def quantise_command(
    model: Annotated[Path, typer.Argument(help="Model file (.onnx), f32.")],
    out: Annotated[Path, typer.Option(help="Where the int8 model file goes.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Labelled data set: half of it calibrates, half judges. Synthetic frames if not given."),
    ] = None,
    scenes: Annotated[int, typer.Option(min=2, help="Synthetic scenes to calibrate with, and as many to judge.")] = 24,
    most_loss: Annotated[float, typer.Option(help="Largest loss of IoU allowed in any phase.")] = 0.01,
    force: Annotated[bool, typer.Option("--force", help="Write the file whatever it loses.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """An int8 copy of a model, about twice as fast on a CPU, with its loss of accuracy measured and written into it."""
    from ionfront.training.quantise import quantise, split_frames, synthetic_frames

    if data is None:
        phases = read_info(model).phases
        calibration, held_out = (synthetic_frames(kind, scenes, phases) for kind in ("calibration", "held out"))
    else:
        calibration, held_out = split_frames(read_labelled(data))
    result = quantise(model, out, calibration, held_out, most_loss=most_loss, force=force, overwrite=overwrite)
    if as_json:
        say_json(result.record())
        return
    say(f"On {result.frames} held-out frames, {result.agreement:.2%} of pixels labelled alike. IoU, f32 and int8:")
    for name, before, after in zip(result.phases, result.f32, result.int8, strict=True):
        say(f"  {name}: {before:.4f}  {after:.4f}")
    say(f"Model: {out}")


def _show(evaluation: Evaluation, as_json: bool, out: Path | None) -> None:
    if out is not None:
        with atomic_output(out, overwrite=True) as draft:
            draft.write_text(evaluation.to_json() + "\n", encoding="utf-8")
    say_json(json.loads(evaluation.to_json())) if as_json else print_evaluation(evaluation)


def _recipe(config: str) -> str:
    from ionfront.training.lightning_cli import recipe

    return config if Path(config).suffix in (".yaml", ".yml") else str(recipe(config))


def _no_training(error: ImportError) -> MissingExtraError:
    return MissingExtraError(f"training needs {error.name}, which is not installed: pip install 'ionfront[train]'.")
