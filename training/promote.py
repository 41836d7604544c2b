"""A candidate takes the champion's place where it was shown to be no worse on a named evaluation set.

Why the rule is as it is: docs/decisions/0011-promotion.md.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ionfront.core import PromotionRefusedError, Quantity, UsageError
from ionfront.models import Segmenter, bundled_segmenter, load_segmenter, read_info

from .compare import Comparison, compare
from .evaluate import Evaluation, without_nan
from .evaluation_set import EvaluationSet
from .frames import Frame
from .provenance import seen_in_training
from .registry import Registry
from .tracking import ALIAS, Tracking, recorded

__all__ = ["CHAMPION", "Contender", "Promotion", "objection_to", "promote"]

CHAMPION = "champion"
"""The alias that moves; `ionfront analyze --model models:/NAME@champion` follows it."""


@dataclass(frozen=True)
class Contender:
    """A model that is compared.

    Attributes:
        called: What messages call it.
        path: Its file.
        version: Its version in the registry; None for a file.
    """

    called: str
    path: Path
    version: str | None = None


@dataclass(frozen=True)
class Promotion:
    """What came of a comparison.

    Attributes:
        evaluation_set: Name of what both were judged on.
        candidate: The model that wanted the place.
        champion: The model that it was compared with; None where there was none.
        comparison: Their scores.
        objection: What speaks against the candidate; empty if nothing does.
        moved: Whether the alias was moved. Only registered models that were compared with the present champion get it.
        run_id: MLflow run that has all of this; empty without tracking.
    """

    evaluation_set: str
    candidate: Contender
    champion: Contender | None
    comparison: Comparison
    objection: str
    moved: bool
    run_id: str

    def to_json(self) -> str:
        """The result as JSON; what is undefined is null."""
        return json.dumps(without_nan(dataclasses.asdict(self)), indent=1, default=str)

    def lines(self) -> list[str]:
        """The result in words."""
        scores, difference = self.comparison, self.comparison.difference
        lines = [f"On {self.evaluation_set}:", f"  {self.candidate.called}: {_stated(scores.candidate)}"]
        if self.champion is not None and scores.champion is not None and difference is not None:
            lines += [f"  {self.champion.called}: {_stated(scores.champion)}", f"  difference: {_signed(difference)}"]
        if self.moved:
            return [*lines, f"{self.candidate.called} is the champion now."]
        return [*lines, "No alias was moved: a registered model gets it, once compared with the present champion."]


def promote(
    evaluation_set: EvaluationSet,
    registry: Registry,
    *,
    candidate: str = ALIAS,
    champion: str = CHAMPION,
    tolerance: float = 0.0,
    at_least: float | None = None,
    force: bool = False,
    progress: Callable[[Frame], None] | None = None,
) -> Promotion:
    """Compare a candidate with the champion, record it, and move the alias "champion" if nothing speaks against it.

    Args:
        evaluation_set: What both are judged on.
        registry: Where versions and aliases are.
        candidate: Alias, version number, or model file (.onnx).
        champion: Likewise. Where nothing is champion yet, the bundled model is, if it knows the same phases.
        tolerance: Loss of mean IoU that the interval of the difference may reach.
        at_least: Mean IoU that the candidate must reach; needed where there is nothing to compare it with.
        force: Move the alias in spite of an objection.
        progress: Called with each frame before a model sees it.

    Raises:
        PromotionRefusedError: Something speaks against the candidate; the comparison is recorded all the same.
        UsageError: A model does not exist, both are the same, or their phases differ.
        LabelledDataError: The evaluation set has other phases than the models.
    """
    challenger = _contender(registry, candidate)
    holder = _holder(registry, champion, challenger, at_least)
    ours, theirs = load_segmenter(challenger.path), None if holder is None else load_segmenter(holder.path)
    if holder is not None and theirs is not None:
        _refuse_other_phases(challenger, ours, holder, theirs)
    comparison = compare(ours, theirs, evaluation_set.labelled, progress=progress)
    seen = seen_in_training(ours.info, evaluation_set.labelled.frames)
    objection = _partial(seen, evaluation_set) or objection_to(comparison, tolerance=tolerance, at_least=at_least)
    moves = (force or not objection) and _is_for_the_place(registry, challenger, holder)
    terms = {"tolerance": f"{tolerance:g}", "at_least": "" if at_least is None else f"{at_least:g}"}
    verdict = "refused" if objection and not force else "promoted" if moves else "compared"
    facts = _facts(evaluation_set, challenger, holder, comparison) | terms | {"objection": objection}
    run_id = _record(registry, challenger, comparison, facts | {"verdict": verdict})
    if verdict == "refused":
        raise PromotionRefusedError(
            f"{challenger.called} was not promoted on {evaluation_set.name}: {objection} "
            "To promote it all the same, say --force."
        )
    if moves and challenger.version is not None:
        registry.move_alias(CHAMPION, challenger.version)
    return Promotion(evaluation_set.name, challenger, holder, comparison, objection, moves, run_id)


def objection_to(comparison: Comparison, *, tolerance: float, at_least: float | None) -> str:
    """What speaks against the candidate, in a sentence; empty if nothing does.

    It is refused unless the 95 % interval of the difference excludes a loss beyond `tolerance`.
    """
    score = comparison.candidate.overall.mean_iou.value
    if at_least is not None and not score >= at_least:
        return f"its mean IoU is {score:.3f}, and at least {at_least:g} was asked for."
    difference = comparison.difference
    if difference is None or difference.low >= -tolerance:
        return ""
    if math.isnan(difference.low):
        return "one frame gives no interval; evaluate on several."
    stated = f"its mean IoU differs by {_signed(difference)}"
    if difference.high < 0:
        return f"{stated}: it is worse."
    return (
        f"{stated}, which does not exclude a loss beyond {tolerance:g}; evaluate on more groups, or tolerate more "
        "(--tolerance)."
    )


def _partial(seen: Sequence[str], evaluation_set: EvaluationSet) -> str:
    if not seen:
        return ""
    return (
        f"it was trained on {len(seen)} of the {len(evaluation_set.labelled.frames)} frames ({seen[0]} first), which "
        "the champion may never have seen; judge both on groups held out (`ionfront finetune --held-out-group`)."
    )


def _stated(evaluation: Evaluation) -> str:
    score = evaluation.overall.mean_iou
    interval = "" if math.isnan(score.low) else f" (95 %: {score.low:.3f} to {score.high:.3f})"
    return f"mean IoU {score.value:.3f}{interval}"


def _signed(difference: Quantity) -> str:
    return f"{difference.value:+.3f} (95 %: {difference.low:+.3f} to {difference.high:+.3f})"


def _contender(registry: Registry, reference: str) -> Contender:
    if reference.endswith(".onnx"):
        return Contender(reference, Path(reference))
    version = registry.find(reference)
    if version is None:
        raise UsageError(
            f"{registry.uri} has no version or alias '{reference}' of model '{registry.name}'; train one, or name "
            "another (--candidate, --champion, --name, --tracking)."
        )
    return Contender(f"version {version} of {registry.name}", registry.file(version), version)


def _holder(registry: Registry, champion: str, challenger: Contender, at_least: float | None) -> Contender | None:
    """Who holds the place: the champion, or the bundled model as the first one, or nobody."""
    if champion != CHAMPION or registry.find(CHAMPION) is not None:
        holder = _contender(registry, champion)
        if holder.called == challenger.called:
            raise UsageError(
                f"candidate and champion are both {challenger.called}; train another model, or name one "
                "(--candidate, --champion)."
            )
        return holder
    if read_info(bundled_segmenter()).phases == read_info(challenger.path).phases:
        return Contender("the bundled model", bundled_segmenter())
    if at_least is None:
        raise UsageError(
            f"{registry.name} has no champion, and the bundled model knows other phases than {challenger.called}: "
            "say what mean IoU is enough (--at-least)."
        )
    return None


def _refuse_other_phases(challenger: Contender, ours: Segmenter, holder: Contender, theirs: Segmenter) -> None:
    if ours.info.phases != theirs.info.phases:
        raise UsageError(
            f"{challenger.called} knows phases {list(ours.info.phases)}, {holder.called} {list(theirs.info.phases)}; "
            "models are compared on the same phases: register models of other phases under a name of their own "
            "(--name; `train segmenter` has --tracking.registered_name)."
        )


def _is_for_the_place(registry: Registry, challenger: Contender, holder: Contender | None) -> bool:
    """Whether a registered model stood against the present champion, or for an empty place."""
    if challenger.version is None:
        return False
    present = registry.find(CHAMPION)
    return present is None or (holder is not None and holder.version == present)


def _facts(
    evaluation_set: EvaluationSet, challenger: Contender, holder: Contender | None, comparison: Comparison
) -> dict[str, str]:
    """What is written beside the model version and in the run."""
    facts = {
        "evaluation_set": evaluation_set.name,
        "evaluation_set_sha256": evaluation_set.digest(),
        "candidate": challenger.called,
        "candidate_sha256": comparison.candidate.sha256,
        "candidate_mean_iou": f"{comparison.candidate.overall.mean_iou.value:.4f}",
    }
    if holder is None or comparison.champion is None or comparison.difference is None:
        return facts | {"champion": "none"}
    return facts | {
        "champion": holder.called,
        "champion_sha256": comparison.champion.sha256,
        "champion_mean_iou": f"{comparison.champion.overall.mean_iou.value:.4f}",
        "difference": _signed(comparison.difference),
    }


def _record(registry: Registry, challenger: Contender, comparison: Comparison, facts: dict[str, str]) -> str:
    """A run with the facts as parameters, the numbers as metrics and both evaluations; the facts as version tags."""
    with recorded(Tracking(registry.uri, "promotion", registered_name=registry.name)) as run:
        if run is None:
            return ""
        run.log_params(facts)
        run.log_text(comparison.candidate.to_json(), "candidate.json")
        if comparison.champion is not None:
            run.log_text(comparison.champion.to_json(), "champion.json")
        run.log_metrics({name: value for name, value in _metrics(comparison).items() if math.isfinite(value)})
    if challenger.version is not None:
        tags = facts | {"run_id": run.run_id}
        registry.tag(challenger.version, {f"promotion.{key}": value for key, value in tags.items()})
    return run.run_id


def _metrics(comparison: Comparison) -> dict[str, float]:
    metrics = {"candidate_mean_iou": comparison.candidate.overall.mean_iou.value}
    if comparison.champion is None or comparison.difference is None:
        return metrics
    metrics["champion_mean_iou"] = comparison.champion.overall.mean_iou.value
    return metrics | {f"difference_{end}": getattr(comparison.difference, end) for end in ("value", "low", "high")}
