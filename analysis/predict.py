"""What to expect of a reaction, why, and what each part of the answer rests on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ionfront.core import Quantity, UsageError
from ionfront.datasets import IonName, MaterialStep, Value, concave_front, material_steps
from ionfront.models.cell_contact import CellContact, predict_in_cell
from ionfront.models.kinetics_head import KineticsHead, KineticsPrediction
from ionfront.models.physical_mean import PARTS
from ionfront.models.reaction import ASSUMED_BARRIER_EV, ASSUMED_POTENTIAL_V, Experiment, reactions
from ionfront.physics import LAW_NAMES

__all__ = ["Contribution", "PlacedStep", "StepPrediction", "predict_path", "predict_steps", "prediction_record"]
__all__ += ["steps_of_path"]

PlacedStep = tuple[MaterialStep, Experiment, str]
"""A step, where it reacts, and who says so of its geometry."""

LEARNED = ("learned residual", "orders seen")


@dataclass(frozen=True)
class Contribution:
    """One part of log10 of the speed.

    Attributes:
        part: Its name.
        log10: What it adds.
        rests_on: Where that comes from.
    """

    part: str
    log10: float
    rests_on: str


@dataclass(frozen=True)
class StepPrediction:
    """What is expected of one step in an experiment.

    Attributes:
        step: What reacts.
        experiment: Where.
        geometry_from: Who says so.
        velocity_nm_s: Mean speed, with 95 % interval.
        exponent: Of position over time.
        law_probabilities: By name of the law.
        through: Probability that the front goes all the way.
        contributions: They add up to log10 of the speed.
        along_over_across: Speed in a layered host's fast direction over that in its slow one, at the same size; None
            where no barriers of both are known.
        outside: Descriptors beyond what the head was trained on.
    """

    step: MaterialStep
    experiment: Experiment
    geometry_from: str
    velocity_nm_s: Quantity
    exponent: Quantity
    law_probabilities: dict[str, float]
    through: float
    contributions: tuple[Contribution, ...]
    along_over_across: float | None
    outside: tuple[str, ...]


def predict_path(
    host: str,
    ions: Sequence[IonName],
    experiment: Experiment,
    head: KineticsHead,
    *,
    as_seen: bool = True,
    cell: CellContact | None = None,
) -> list[StepPrediction]:
    """Every step of a host with each of several ions, in one and the same experiment.

    Args:
        host: As the table of materials has it.
        ions: One or more.
        experiment: Where.
        head: Whose answer it is.
        as_seen: Whether a front that the literature saw to be concave is taken to be so, in place of an experiment's
            flake.
        cell: What is known of the contact, where fronts of the same cell were measured and no contact is given.

    Raises:
        MaterialError: The host is not in the table.
        UsageError: None of the ions is known to react with it.
    """
    return predict_steps(steps_of_path(host, ions, experiment, as_seen=as_seen), head, cell)


def steps_of_path(
    host: str, ions: Sequence[IonName], experiment: Experiment, *, as_seen: bool = True
) -> list[PlacedStep]:
    """What `predict_path` predicts, with the same arguments and errors: steps, each with where it is taken to react."""
    steps = [step for ion in ions for step in material_steps(host, ion)]
    if not steps:
        raise UsageError(f"{host} is not known to react with {' or '.join(ions)}.")
    return [(step, *(_as_seen(step, experiment) if as_seen else (experiment, "given"))) for step in steps]


def predict_steps(
    placed: Sequence[PlacedStep], head: KineticsHead, cell: CellContact | None = None
) -> list[StepPrediction]:
    """Any steps, each in an experiment of its own, in one call of the head."""

    def answer(steps: list[MaterialStep], experiments: list[Experiment]) -> KineticsPrediction:
        told = reactions(steps, experiments)
        return head.predict(told) if cell is None else predict_in_cell(head, told, cell)

    said = answer([step for step, *_ in placed], [where for _, where, _ in placed])
    across = _across(placed, answer)
    return [
        StepPrediction(
            step=step,
            experiment=where,
            geometry_from=source,
            velocity_nm_s=Quantity(*(10 ** said.log_speed[k]).tolist()),
            exponent=Quantity(*said.exponent[k].tolist()),
            law_probabilities=dict(zip(LAW_NAMES, said.laws[k].tolist(), strict=True)),
            through=float(said.through[k]),
            contributions=_contributions(step, where, source, said.contributions[k].tolist(), cell),
            along_over_across=float(10 ** (said.log_speed[k, 0] - across[k])) if k in across else None,
            outside=said.outside[k],
        )
        for k, (step, where, source) in enumerate(placed)
    ]


def prediction_record(predictions: Sequence[StepPrediction]) -> list[dict[str, Any]]:
    """Predictions for programs; quantities are {value, low, high} at 95 %."""
    return [
        {
            "host": p.step.host,
            "ion": p.step.ion,
            "step": p.step.number,
            "mechanism": p.step.mechanism,
            "product": " + ".join(f"{n:g} {phase}" for phase, n in p.step.after.items()),
            "geometry": p.experiment.geometry,
            "geometry_from": p.geometry_from,
            "size_nm": p.experiment.size_nm,
            "bias_v": p.experiment.bias_v,
            "temperature_k": p.experiment.temperature_k,
            "velocity_nm_s": vars(p.velocity_nm_s),
            "exponent": vars(p.exponent),
            "law_probabilities": p.law_probabilities,
            "probability_through": p.through,
            "along_over_across": p.along_over_across,
            "contributions_log10": [vars(part) for part in p.contributions],
            "out_of_domain": list(p.outside),
        }
        for p in predictions
    ]


def _across(
    placed: Sequence[PlacedStep], answer: Callable[[list[MaterialStep], list[Experiment]], KineticsPrediction]
) -> dict[int, float]:
    """log10 of the speed in the slow direction, for each step whose barrier there is known."""
    known = [k for k, (step, *_) in enumerate(placed) if step.barrier_across_ev is not None]
    if not known:
        return {}
    turned = [replace(placed[k][0], hop_barrier_ev=placed[k][0].barrier_across_ev) for k in known]
    said = answer(turned, [placed[k][1] for k in known])
    return dict(zip(known, said.log_speed[:, 0].tolist(), strict=True))


def _as_seen(step: MaterialStep, experiment: Experiment) -> tuple[Experiment, str]:
    if experiment.geometry == "flake":
        seen = concave_front(step.host, step.ion)
        if seen is not None:
            return replace(experiment, geometry="open_concave"), f"seen: {seen.source_citation}"
    return experiment, "given"


def _contributions(
    step: MaterialStep,
    experiment: Experiment,
    geometry_from: str,
    values: Sequence[float],
    cell: CellContact | None,
) -> tuple[Contribution, ...]:
    contact = "given" if experiment.contact_ohm_m2 else "assumed" if cell is None else _contact_of(cell)
    volume = f"expansion {step.expansion.value:.2f} ({_kind(step.expansion)}), yield stress estimated"
    rests_on = (
        "assumed exchange speed",
        _of("barrier", step.hop_barrier_ev, ASSUMED_BARRIER_EV),
        f"{_of('potential', step.potential_v, ASSUMED_POTENTIAL_V)}, bias {experiment.bias_v:g} V",
        f"contact {contact}, conductivity of the product assumed",
        volume,
        f"{experiment.geometry.replace('_', ' ')} ({geometry_from}); {volume}",
        "simulated runs: what the unknowns' tails come to",
        "which ion the literature saw to be the faster, in materials like this one",
    )
    names = (*PARTS, *LEARNED)
    return tuple(Contribution(name, float(v), why) for name, v, why in zip(names, values, rests_on, strict=True))


def _contact_of(cell: CellContact) -> str:
    return f"10^({cell.mean:.1f} ± {1.96 * cell.spread:.1f}) ohm m^2, from fronts of the same cell"


def _of(name: str, value: Value | None, assumed: float) -> str:
    if value is None:
        return f"{name} {assumed:g} assumed"
    return f"{name} {value.value:.2f} {value.unit} ({_kind(value)})"


def _kind(value: Value) -> str:
    return value.kind if value.status == "verified" or value.kind == "estimated" else f"{value.kind}, {value.status}"
