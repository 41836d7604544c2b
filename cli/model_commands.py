"""Commands that make more of a trained model: train domain, quantise, promote."""

import json
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from ionfront.core import DEFAULT_SCHEME
from ionfront.datasets import FAMILY_NAMES, read_labelled
from ionfront.models import read_info

from .console import frame_progress, known_name, say, say_json, warn
from .training_commands import AsJson, no_training, train_app

__all__ = ["promote_command", "quantise_command", "train_domain_command"]


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
        from ionfront.training.synthetic import BUNDLED_FAMILIES
    except ImportError as error:
        raise no_training(error) from error
    info = read_info(model)
    families = [known_name("family", name, FAMILY_NAMES) for name in family or BUNDLED_FAMILIES]
    with frame_progress("Describing images") as progress:
        domain = synthetic_domain(families, frames, progress=progress)
    rewrite_info(model, info.model_copy(update={"domain": domain}))
    say(f"{model} now tells foreign frames.")


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

    info = read_info(model)
    if data is None:
        calibration, held_out = (synthetic_frames(kind, scenes, info.phases) for kind in ("calibration", "held out"))
    else:
        calibration, held_out = split_frames(read_labelled(data))
        if info.architecture.channels == 2 and info.phases == DEFAULT_SCHEME.names:
            # labelled frames come without a reference, so they show no change
            calibration += synthetic_frames("calibration", scenes, info.phases)
    result = quantise(model, out, calibration, held_out, most_loss=most_loss, force=force, overwrite=overwrite)
    if as_json:
        say_json(result.record())
        return
    say(f"On {result.frames} held-out frames, {result.agreement:.2%} of pixels labelled alike. IoU, f32 and int8:")
    for name, before, after in zip(result.phases, result.f32, result.int8, strict=True):
        say(f"  {name}: {before:.4f}  {after:.4f}")
    say(f"Model: {out}")


def promote_command(
    evaluation_set: Annotated[str, typer.Argument(help="Labelled data set to compare on, or `synthetic`.")],
    group: Annotated[list[str] | None, typer.Option(help="Only this group; may be given several times.")] = None,
    scenes: Annotated[int, typer.Option(min=2, help="Synthetic movies, where the set is `synthetic`.")] = 40,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic movies.")] = 500_000,
    candidate: Annotated[str, typer.Option(help="Alias, version or model file (.onnx).")] = "candidate",
    champion: Annotated[str, typer.Option(help="What it is compared with, likewise.")] = "champion",
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Loss of mean IoU that the 95 % interval of the difference may reach.")
    ] = 0.0,
    at_least: Annotated[float | None, typer.Option(help="Mean IoU that the candidate must reach.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote in spite of an objection.")] = False,
    name: Annotated[str, typer.Option(help="Name of the registered model.")] = "ionfront-segmenter",
    tracking: Annotated[str, typer.Option(help="MLflow tracking URI.", envvar="MLFLOW_TRACKING_URI")] = (
        "sqlite:///mlflow.db"
    ),
    as_json: AsJson = False,
) -> None:
    """Make the candidate the champion, if it was shown to be no worse on a named evaluation set."""
    try:
        from ionfront.training.evaluation_set import labelled_set, synthetic_set
        from ionfront.training.promote import promote
        from ionfront.training.registry import Registry
    except ImportError as error:
        raise no_training(error) from error
    on = synthetic_set(scenes, seed) if evaluation_set == "synthetic" else labelled_set(Path(evaluation_set), group)
    with frame_progress("Judging frames") as progress:
        done = count(1)
        total = 2 * len(on.labelled.frames)
        result = promote(
            on,
            Registry(tracking, name),
            candidate=candidate,
            champion=champion,
            tolerance=tolerance,
            at_least=at_least,
            force=force,
            progress=lambda _: progress(next(done), total),
        )
    if result.objection:
        warn(f"Forced, although {result.objection}")
    say_json(json.loads(result.to_json())) if as_json else say("\n".join(result.lines()))
