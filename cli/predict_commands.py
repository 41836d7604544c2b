"""Commands that say what to expect of reactions nobody has filmed yet: predict."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ionfront.analysis.plots_predict import waterfall
from ionfront.analysis.predict import StepPrediction, predict_path, prediction_record
from ionfront.core import UsageError, atomic_output
from ionfront.datasets import IONS
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.reaction import Experiment
from ionfront.physics import GEOMETRIES

from .console import known_name, say_json, say_table, warn

__all__ = ["predict_command"]


def predict_command(
    host: Annotated[str, typer.Option(help="Host of the table of materials, such as Bi2Te3, NiO or P.")],
    ion: Annotated[list[str], typer.Option(help="Li, Na or K; may be given several times.")],
    geometry: Annotated[
        str | None,
        typer.Option(help=f"One of {', '.join(GEOMETRIES)}; if not given, as it was seen, else a flake's."),
    ] = None,
    size_nm: Annotated[float, typer.Option(help="Way from the contact to the end, or radius [nm].")] = 200.0,
    bias_v: Annotated[float, typer.Option(help="Bias that drives ions into the sample [V].")] = 1.0,
    temperature_k: Annotated[float, typer.Option(help="Temperature [K].")] = 298.15,
    contact_ohm_m2: Annotated[
        float | None, typer.Option(help="Resistance of contact and solid electrolyte [ohm m^2], where it is known.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Kinetics head (.onnx); the bundled one if not given.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also draw the waterfall into this SVG, PNG or PDF file.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace that file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the predictions as JSON.")] = False,
) -> None:
    """Speed, exponent and law of every step of a reaction, with 95 % intervals, and what makes it fast or slow."""
    ions = [known_name("ion", name, IONS) for name in ion]
    experiment = Experiment(
        geometry=known_name("geometry", geometry or "flake", tuple(GEOMETRIES)),
        size_nm=size_nm,
        bias_v=bias_v,
        temperature_k=temperature_k,
        contact_ohm_m2=contact_ohm_m2,
    )
    predictions = predict_path(host, ions, experiment, load_kinetics_head(model), as_seen=geometry is None)
    if out is not None:
        _draw(predictions, out, overwrite)
    if as_json:
        say_json(prediction_record(predictions))
        return
    say_table(_overview(predictions))
    say_table(_reasons(predictions))
    for prediction in predictions:
        if prediction.outside:
            step, beyond = prediction.step, ", ".join(prediction.outside)
            warn(f"{step.host} + {step.ion}, step {step.number}: {beyond} lies beyond what was learned.")


def _draw(predictions: Sequence[StepPrediction], out: Path, overwrite: bool) -> None:
    kind = out.suffix.lower().removeprefix(".")
    if kind not in ("svg", "png", "pdf"):
        raise UsageError(f"{out} is no SVG, PNG or PDF: give a name that ends in one of them.")
    with atomic_output(out, overwrite=overwrite) as draft:
        waterfall(predictions).savefig(draft, format=kind)


def _overview(predictions: Sequence[StepPrediction]) -> Table:
    table = Table(title="What to expect", title_justify="left")
    for name in ("reaction", "geometry", "mean speed [nm/s]", "exponent", "law", "goes through"):
        table.add_column(name)
    for p in predictions:
        law = max(p.law_probabilities, key=lambda name: p.law_probabilities[name])
        speed, exponent = p.velocity_nm_s, p.exponent
        table.add_row(
            f"{p.step.host} + {p.step.ion}, {p.step.number}: {p.step.mechanism}",
            p.experiment.geometry.replace("_", " "),
            f"{speed.value:.2g} [{speed.low:.1g}, {speed.high:.2g}]",
            f"{exponent.value:.2f} [{exponent.low:.2f}, {exponent.high:.2f}]",
            f"{law.replace('_', '-')} ({p.law_probabilities[law]:.0%})",
            f"{p.through:.0%}",
        )
    return table


def _reasons(predictions: Sequence[StepPrediction]) -> Table:
    table = Table(title="Why: parts of log10 speed", title_justify="left")
    table.add_column("part")
    for p in predictions:
        table.add_column(f"{p.step.ion}, {p.step.number}", justify="right")
    table.add_column("rests on")
    for row, part in enumerate(predictions[0].contributions):
        values = [f"{p.contributions[row].log10:+.2f}" for p in predictions]
        reasons = dict.fromkeys(p.contributions[row].rests_on for p in predictions)
        table.add_row(part.part, *values, "; ".join(reasons) if len(reasons) == 1 else "see --json")
    return table
