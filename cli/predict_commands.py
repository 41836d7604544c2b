"""Commands that say what to expect of reactions nobody has filmed yet: predict, screen."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.table import Table

from ionfront.analysis.plots_predict import waterfall
from ionfront.analysis.predict import StepPrediction, predict_path, prediction_record
from ionfront.analysis.screen import Screened, ScreenOrder, read_candidates, screen, screened_table
from ionfront.core import Quantity, UsageError, atomic_output
from ionfront.datasets import IONS
from ionfront.models.cell_contact import CellContact, cell_contact
from ionfront.models.kinetics_head import KineticsHead, load_kinetics_head
from ionfront.models.measured_runs import measured_fronts
from ionfront.models.reaction import Experiment
from ionfront.physics import GEOMETRIES

from .console import known_name, say, say_json, say_table, warn

__all__ = ["predict_command", "screen_command"]

_SHOWN = 30
_SizeNm = Annotated[float, typer.Option(help="Way from the contact to the end, or radius [nm].")]
_BiasV = Annotated[float, typer.Option(help="Bias that drives ions into the sample [V].")]
_TemperatureK = Annotated[float, typer.Option(help="Temperature [K].")]
_ContactOhmM2 = Annotated[
    float | None, typer.Option(help="Resistance of contact and solid electrolyte [ohm m^2], where it is known.")
]
_Head = Annotated[Path | None, typer.Option(help="Kinetics head (.onnx); the bundled one if not given.")]


def predict_command(
    host: Annotated[str, typer.Option(help="Host of the table of materials, such as Bi2Te3, NiO or P.")],
    ion: Annotated[list[str], typer.Option(help="Li, Na or K; may be given several times.")],
    geometry: Annotated[
        str | None,
        typer.Option(help=f"One of {', '.join(GEOMETRIES)}; if not given, as it was seen, else a flake's."),
    ] = None,
    size_nm: _SizeNm = 200.0,
    bias_v: _BiasV = 1.0,
    temperature_k: _TemperatureK = 298.15,
    contact_ohm_m2: _ContactOhmM2 = None,
    same_cell: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder that analyze wrote, with --host and --ion, of a movie of the same cell: its fronts tell of "
            "the contact. May be given several times."
        ),
    ] = None,
    model: _Head = None,
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
    head = load_kinetics_head(model)
    cell = _cell(same_cell or [], contact_ohm_m2, head)
    predictions = predict_path(host, ions, experiment, head, as_seen=geometry is None, cell=cell)
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


def _cell(runs: Sequence[Path], contact_ohm_m2: float | None, head: KineticsHead) -> CellContact | None:
    if not runs:
        return None
    if contact_ohm_m2 is not None:
        raise UsageError("--contact-ohm-m2 says what --same-cell would find out: give one of them.")
    fronts = [front for folder in runs for front in measured_fronts(folder)]
    if not fronts:
        raise UsageError(f"{', '.join(map(str, runs))}: no front was measured there; leave --same-cell out.")
    return cell_contact(fronts, head)


def screen_command(
    table: Annotated[
        Path,
        typer.Argument(
            help="CSV file with the columns host and ion; for hosts that IonFront has no table of also mechanism, "
            "ions, volume_nm3, expansion, bulk_modulus_gpa, and potential_v, hop_barrier_ev, product where known. "
            "It may have columns for what the options say, row by row."
        ),
    ],
    geometry: Annotated[str, typer.Option(help=f"One of {', '.join(GEOMETRIES)}.")] = "flake",
    size_nm: _SizeNm = 200.0,
    bias_v: _BiasV = 1.0,
    temperature_k: _TemperatureK = 298.15,
    contact_ohm_m2: _ContactOhmM2 = None,
    by: Annotated[str, typer.Option(help="Rank by speed of the front, or by time to react the particle.")] = "speed",
    model: _Head = None,
    out: Annotated[Path | None, typer.Option(help="Also write all rows into this CSV file.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace that file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the ranking as JSON.")] = False,
) -> None:
    """Rank many hosts by how fast their fronts go and how long a particle takes, with 95 % intervals."""
    experiment = Experiment(
        geometry=known_name("geometry", geometry, tuple(GEOMETRIES)),
        size_nm=size_nm,
        bias_v=bias_v,
        temperature_k=temperature_k,
        contact_ohm_m2=contact_ohm_m2,
    )
    order = known_name("order", by, get_args(ScreenOrder))
    found = screen(read_candidates(table, experiment), load_kinetics_head(model), order)
    rows = screened_table(found)
    if out is not None:
        with atomic_output(out, overwrite=overwrite) as draft:
            rows.to_csv(draft, index=False)
    if as_json:
        say_json(json.loads(rows.to_json(orient="records")))
        return
    say_table(_ranking(found[:_SHOWN]))
    if len(found) > _SHOWN:
        say(f"{len(found) - _SHOWN} more; --out FILE.csv or --json has all of them.")


def _ranking(found: Sequence[Screened]) -> Table:
    table = Table(title="By the step that takes longest, on which the others wait", title_justify="left")
    for name in (
        "",
        "reaction, step",
        "mean speed [nm/s]",
        "time [s]",
        "C-rate [1/h]",
        "through",
        "not to trust blindly",
    ):
        table.add_column(name, overflow="fold")
    for rank, one in enumerate(found, start=1):
        reaction = f"{one.candidate.host} + {one.candidate.ion}, {one.step} of {len(one.candidate.steps)}"
        speed, time = _rounded(one.velocity_nm_s), _rounded(one.time_s)
        table.add_row(
            str(rank), reaction, speed, time, _short(one.c_rate.value, 2), f"{one.through:.0%}", "; ".join(one.flags)
        )
    return table


def _rounded(quantity: Quantity) -> str:
    return f"{_short(quantity.value, 2)} [{_short(quantity.low, 1)}, {_short(quantity.high, 2)}]"


def _short(value: float, digits: int) -> str:
    """So many digits, with zeros in place of a power of ten where few will do."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:,.0f}" if 100 <= abs(rounded) < 1e6 else f"{rounded:g}"


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
            _rounded(speed),
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
