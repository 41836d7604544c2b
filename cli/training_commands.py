"""Commands that train and judge models: train segmenter, finetune, evaluate, cross-validate."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ionfront.core import MissingExtraError, atomic_output
from ionfront.datasets import open_labelled
from ionfront.models import read_info
from ionfront.training.evaluate import Evaluation, chosen_frames, evaluate
from ionfront.training.provenance import seen_in_training
from ionfront.training.report import print_evaluation

from .console import say, say_json, stage_progress, warn
from .model_option import Model, local_model

if TYPE_CHECKING:
    from ionfront.training.finetune import FineTuning

__all__ = ["cross_validate_command", "evaluate_command", "finetune_command", "train_app"]

train_app = typer.Typer(help="Train a model.", no_args_is_help=True)

Data = Annotated[
    list[Path] | None, typer.Option(help="Labelled data set, nnU-Net raw layout; may be given several times.")
]
Config = Annotated[
    list[str] | None,
    typer.Option(
        help="Recipe: a YAML file, or the name of one that ships with IonFront (segmenter_labelled if none is given); "
        "several are laid over each other."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")]


@train_app.command("segmenter", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train_segmenter_command(
    context: typer.Context,
    config: Config = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Train a segmentation model; any knob of the recipe may follow, e.g. --trainer.max_epochs 20."""
    try:
        from ionfront.training.lightning_cli import data_argument, train_segmenter
    except ImportError as error:
        raise no_training(error) from error
    arguments = [*_recipes(config), *([data_argument(data)] if data else []), *context.args]
    result = train_segmenter(arguments)
    _show(result.evaluation, as_json, None)
    if not as_json:
        say(f"Model: {result.model_path}  (scores on the validation frames)")


@train_app.command("kinetics", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train_kinetics_command(
    context: typer.Context,
    config: Config = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Folder that analyze or batch wrote, with host and ion named; may be given several times."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train the kinetics head; any knob of the recipe may follow, e.g. --data.simulated 500."""
    try:
        from ionfront.training.train_kinetics import train_kinetics
    except ImportError as error:
        raise no_training(error) from error
    told = ["--data.runs=" + json.dumps([str(folder) for folder in runs])] if runs else []
    with stage_progress() as progress:
        result = train_kinetics([*_recipes(config or ["kinetics"]), *told, *context.args], progress)
    if as_json:
        say_json({"model": str(result.model_path), "median_error_log10": result.median_error, "run_id": result.run_id})
        return
    say(f"Median error of log10 speed on hosts that were left out: {result.median_error:.2f}")
    say(f"Model: {result.model_path}")


def evaluate_command(
    model: Annotated[Path, typer.Argument(help="Model file (.onnx), or models:/NAME@ALIAS.", callback=local_model)],
    data: Annotated[Path, typer.Argument(help="Labelled data set, nnU-Net raw layout, or what pack made of it.")],
    group: Annotated[list[str] | None, typer.Option(help="Only this group; may be given several times.")] = None,
    tolerance_px: Annotated[float, typer.Option(help="Boundaries this close count as found [px].")] = 3.0,
    out: Annotated[Path | None, typer.Option(help="Also write the scores to this JSON file.")] = None,
    as_json: AsJson = False,
) -> None:
    """IoU, Dice, boundary F1 and calibration error of a model, by phase and group, with 95 % intervals."""
    labelled = open_labelled(data)
    if seen := seen_in_training(read_info(model), chosen_frames(labelled.frames, group)):
        warn(f"the model was trained on {len(seen)} of these frames ({seen[0]} first): it has seen their answers.")
    _show(evaluate(model, labelled, group, tolerance_px=tolerance_px), as_json, out)


def cross_validate_command(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder for the models of the folds.")],
    config: Config = None,
    data: Data = None,
    folds: Annotated[int, typer.Option(min=3, help="How many folds; whole groups are held out.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a model a fold and judge every frame by a model that never saw its group."""
    try:
        from ionfront.training.cross_validate import cross_validate
    except ImportError as error:
        raise no_training(error) from error
    result = cross_validate([*_recipes(config), *context.args], data or [], folds, out=out, seed=seed)
    _show(result, as_json, out / "scores.json")


def finetune_command(
    data: Annotated[Path, typer.Argument(help="Labelled data set, nnU-Net raw layout; one frame is enough.")],
    out: Annotated[Path, typer.Option(help="Model file (.onnx) to write.")],
    model: Model = None,
    minutes: Annotated[float, typer.Option(min=0.01, help="Time for all of it [min].")] = 4.0,
    forget: Annotated[
        float, typer.Option(min=0, help="Largest loss of mean IoU on the old task, where the phases are the same.")
    ] = 0.02,
    held_out_group: Annotated[
        list[str] | None, typer.Option(help="Group to leave alone, to judge the model on; may be given several times.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name under which MLflow registers the model.")] = "ionfront-segmenter",
    seed: Annotated[int, typer.Option(help="Seed of folds, crops and augmentation.")] = 0,
    tracking: Annotated[str, typer.Option(help="MLflow tracking URI; none records nothing.")] = "sqlite:///mlflow.db",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """A model from a few labelled frames in a few minutes, with a score that no trained pixel had a part in."""
    try:
        from ionfront.training.finetune import finetune
        from ionfront.training.tracking import Tracking
    except ImportError as error:
        raise no_training(error) from error
    done = finetune(
        data,
        out,
        model=model,
        minutes=minutes,
        forget=forget,
        held_out_groups=held_out_group or (),
        tracking=Tracking(uri=tracking, registered_name=name),
        seed=seed,
        overwrite=overwrite,
        tell=lambda text: None if as_json else say(f"  {text}"),
    )
    say_json(json.loads(done.to_json())) if as_json else _show_finetuning(done)


_HELD_OUT = {
    "group": "specimens that the models judged had not seen",
    "frame": "other frames, perhaps of the same specimen (the data set names no groups): of another one expect less",
    "quarter": "quarters of the only frame: of another frame expect less",
}


def _show_finetuning(done: "FineTuning") -> None:
    if done.evaluation is None:
        warn("too little is labelled to hold any of it out: there is no honest score.")
    else:
        print_evaluation(done.evaluation)
        say(
            f"These are scores of {done.folds} models, each trained on a part of the frames and judged on "
            f"{_HELD_OUT[done.unit]}. The model written was trained on all, for longer."
        )
        if read_info(done.model_path).architecture.channels == 2:
            say("Labelled frames come without a reference: in a movie, the model also sees what has changed.")
    if done.memory is None:
        warn("the phases are not those of the model it began with: what that one could label, this one cannot.")
    else:
        kept = done.memory
        drawn = "" if kept.blend == 1 else f", after drawing its weights back to {kept.blend:.0%} of the way"
        say(f"Old task: mean IoU {kept.before:.3f} before, {kept.after:.3f} after{drawn}.")
    say(f"Model: {done.model_path}  ({done.steps} steps, frames reduced {done.reduction}x, {done.seconds:.0f} s)")


def _show(evaluation: Evaluation, as_json: bool, out: Path | None) -> None:
    if out is not None:
        with atomic_output(out, overwrite=True) as draft:
            draft.write_text(evaluation.to_json() + "\n", encoding="utf-8")
    say_json(json.loads(evaluation.to_json())) if as_json else print_evaluation(evaluation)


def _recipes(configs: list[str] | None) -> list[str]:
    from ionfront.training.lightning_cli import recipe

    given = configs or ["segmenter_labelled"]
    files = [name if Path(name).suffix in (".yaml", ".yml") else recipe(name) for name in given]
    return [f"--config={file}" for file in files]


def no_training(error: ImportError) -> MissingExtraError:
    return MissingExtraError(f"training needs {error.name}, which is not installed: pip install 'ionfront[train]'.")
