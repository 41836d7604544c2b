"""Figures of a comparison: fronts of all runs in one picture, and every speed beside the mean of its side."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ionfront.core import Quantity

from .comparison import Comparison, FrontComparison, Run, key_of
from .plots_style import COLOURS, GREY, INK, LINES, MARKERS, calm, new_figure, number_axis
from .wording import unit_of

__all__ = ["overlaid_positions", "speeds_by_side"]

_ROW_IN = 0.34


def overlaid_positions(comparison: Comparison) -> Figure:
    """Position of every front of every run against time since its first frame; colour tells the side."""
    figure, axes = new_figure(6.4, 4.6)
    named: set[str] = set()
    for run in comparison.runs:
        side = comparison.sides.index(run.side)
        for step, time, position in _tracks(run):
            label = "" if run.side in named else run.side
            named.add(run.side)
            colour, line = COLOURS[side % len(COLOURS)], LINES[step % len(LINES)]
            axes.plot(time, position, linewidth=1.5, label=label or None, color=colour, linestyle=line)
    units = comparison.units
    axes.set(xlabel=f"time ({unit_of(units['time'])})", ylabel=f"distance from the entry ({unit_of(units['length'])})")
    axes.set_ylim(bottom=0)
    if named:
        figure.legend(loc="outside lower center", frameon=False, fontsize=9, ncols=4)
    calm(axes)
    return figure


def speeds_by_side(front: FrontComparison, comparison: Comparison) -> Figure:
    """Speeds of one front: every run, and below them the mean of their side, with 95 % intervals."""
    rows = list(_rows(front, comparison))
    figure, axes = new_figure(6.4, 1.3 + _ROW_IN * len(rows))
    for height, (_, quantity, side, is_mean) in enumerate(reversed(rows)):
        colour = COLOURS[side % len(COLOURS)]
        size, width = (9, 2.4) if is_mean else (5, 1.2)
        if quantity.low > 0 and math.isfinite(quantity.high):
            axes.plot([quantity.low, quantity.high], [height, height], color=colour, linewidth=width)
        marker = "D" if is_mean else MARKERS[side % len(MARKERS)]
        face = colour if is_mean else "white"
        axes.plot(quantity.value, height, marker=marker, markersize=size, markerfacecolor=face, color=colour)
    axes.set_yticks(range(len(rows)), [name for name, *_ in reversed(rows)])
    axes.set(xscale="log", xlabel=f"velocity ({unit_of(key_of('velocity', comparison.units))})")
    number_axis(axes.xaxis)
    calm(axes)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.margins(y=0.12)
    axes.spines["left"].set_color(GREY)
    return figure


def _rows(front: FrontComparison, comparison: Comparison) -> Iterator[tuple[str, Quantity, int, bool]]:
    """Name, speed, number of the side, and whether it is a mean."""
    key = key_of("velocity", comparison.units)
    for number, side in enumerate(comparison.sides):
        for index, item in enumerate(front.by_side.get(side, []), 1):
            if item[key] is not None:
                ends = (item[key][end] if item[key][end] is not None else np.nan for end in ("value", "low", "high"))
                yield f"{side}, {index}", Quantity(*ends), number, False
        mean = front.value("velocity", side)
        if mean is not None and front.pooled["velocity"][side].count > 1:
            yield f"{side}, mean", mean, number, True


def _tracks(run: Run) -> Iterator[tuple[int, "pd.Series[float]", "pd.Series[float]"]]:
    """Number, time and position of each front of each particle of a run; none where fronts.csv is gone."""
    file = run.folder / "fronts.csv"
    if not file.is_file():
        return
    table = pd.read_csv(file)
    units = run.kinetics["units"]
    for _, fronts in table.groupby("particle"):
        for step, (_, rows) in enumerate(fronts.groupby("transition", sort=False)):
            yield step, rows[f"time_{units['time']}"], rows[f"position_{units['length']}"]
