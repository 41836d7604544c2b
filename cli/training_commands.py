"""Commands that train and judge models: train segmenter, evaluate, cross-validate."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ionfront.core import MissingExtraError, atomic_output
from ionfront.datasets import FAMILY_NAMES, read_labelled
from ionfront.models import read_info
from ionfront.training.evaluate import Evaluation, evaluate
from ionfront.training.report import print_evaluation

from .console import frame_progress, known_name, say, say_json

__all__ = ["cross_validate_command", "evaluate_command", "train_app"]

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


@train_app.command("domain")
def train_domain_command(
    model: Annotated[Path, typer.Argument(help="Model file (.onnx), trained on synthetic scenes; it gets the record.")],
    family: Annotated[
        list[str] | None,
        typer.Option(help=f"Scenes are drawn from it: {', '.join(FAMILY_NAMES)}; may be repeated."),
    ] = None,
    frames: Annotated[int, typer.Option(min=200, help="Synthetic frames, and as many foreign images.")] = 2000,
) -> None:
    """Fit the check that calls frames foreign which are unlike anything a model was trained on."""
    try:
        from ionfront.training.domain import synthetic_domain
        from ionfront.training.export import rewrite_info
    except ImportError as error:
        raise _no_training(error) from error
    info = read_info(model)
    families = [known_name("family", name, FAMILY_NAMES) for name in family or ("wide", "wide", "wide", "plain")]
    with frame_progress("Describing images") as progress:
        domain = synthetic_domain(families, frames, progress=progress)
    rewrite_info(model, info.model_copy(update={"domain": domain}))
    say(f"{model} now tells foreign frames.")


def evaluate_command(
    model: Annotated[Path, typer.Argument(help="Model file (.onnx).")],
    data: Annotated[Path, typer.Argument(help="Labelled data set, nnU-Net raw layout.")],
    group: Annotated[list[str] | None, typer.Option(help="Only this group; may be given several times.")] = None,
    tolerance_px: Annotated[float, typer.Option(help="Boundaries this close count as found [px].")] = 3.0,
    out: Annotated[Path | None, typer.Option(help="Also write the scores to this JSON file.")] = None,
    as_json: AsJson = False,
) -> None:
    """IoU, Dice, boundary F1 and calibration error of a model, by phase and group, with 95 % intervals."""
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
