"""An evaluation as a table on the terminal."""

import math

from rich.console import Console
from rich.table import Table

from ionfront.core import Quantity

from .evaluate import Evaluation

__all__ = ["evaluation_table", "print_evaluation"]


def print_evaluation(evaluation: Evaluation, console: Console | None = None) -> None:
    """Print scores and what their intervals mean."""
    console = console or Console()
    console.print(evaluation_table(evaluation))
    console.print(
        f"Expected calibration error of the stated probabilities: {_shown(evaluation.overall.calibration_error)}."
    )
    console.print(f"95 % intervals from resampled {evaluation.resampled}s, within a group from resampled frames.")


def evaluation_table(evaluation: Evaluation) -> Table:
    """Scores by phase over all frames, then the mean intersection over union of each group."""
    overall = evaluation.overall
    table = Table(title=f"{evaluation.model}: {overall.frames} frames")
    for heading in ("", "IoU", "Dice", f"boundary F1 within {evaluation.tolerance_px:g} px"):
        table.add_column(heading, justify="left" if not heading else "right")
    for phase in overall.iou:
        scores = (overall.iou[phase], overall.dice[phase], overall.boundary_f1.get(phase))
        table.add_row(phase, *(_shown(score) for score in scores))
    table.add_row("mean", _shown(overall.mean_iou), "", "", style="bold")
    table.add_section()
    for name, group in evaluation.groups.items():
        table.add_row(f"group {name} ({group.frames})", _shown(group.mean_iou), "", "")
    return table


def _shown(score: Quantity | None) -> str:
    if score is None or math.isnan(score.value):
        return "-"
    if math.isnan(score.low):
        return f"{score.value:.3f}"
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
