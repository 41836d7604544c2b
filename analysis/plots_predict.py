"""The waterfall of a prediction: from the prefactor to the speed, part by part, ions side by side."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .plots_style import COLOURS, GREY, INK, calm
from .predict import StepPrediction

__all__ = ["waterfall"]

_WIDE_IN = 2.5
_ROW_IN = 0.42
_MARGIN = 0.9  # log10


def waterfall(predictions: Sequence[StepPrediction]) -> Figure:
    """One panel for each step; bars to the right make the front faster, to the left slower."""
    names = [part.part for part in predictions[0].contributions]
    size = (1.9 + _WIDE_IN * len(predictions), 1.4 + _ROW_IN * (len(names) + 1))
    figure = Figure(figsize=size, layout="constrained", dpi=144)
    panels = np.atleast_1d(figure.subplots(1, len(predictions), sharex=True, sharey=True))
    for axes, prediction in zip(panels, predictions, strict=True):
        _panel(axes, prediction)
    panels[0].set_yticks(range(len(names) + 1), [*names, "speed"])
    panels[0].invert_yaxis()
    reached = np.array([np.cumsum([part.log10 for part in p.contributions]) for p in predictions])
    ends = np.log10([[p.velocity_nm_s.low, p.velocity_nm_s.high] for p in predictions])
    panels[0].set_xlim(min(0.0, reached.min(), ends.min()) - _MARGIN, max(reached.max(), ends.max()) + _MARGIN)
    figure.supxlabel("log₁₀ of the mean speed (nm/s)", fontsize=10, color=INK)
    return figure


def _panel(axes: Axes, prediction: StepPrediction) -> None:
    start = 0.0
    for row, part in enumerate(prediction.contributions):
        faster = part.log10 >= 0
        axes.barh(row, part.log10, left=start, height=0.6, color=COLOURS[2] if faster else COLOURS[1])
        start += part.log10
        axes.plot([start, start], [row + 0.3, row + 0.7], color=GREY, linewidth=0.8)
        axes.annotate(
            f"{part.log10:+.2f}",
            (start, row),
            (4 if faster else -4, 0),
            textcoords="offset points",
            ha="left" if faster else "right",
            va="center",
            fontsize=7,
            color=INK,
        )
    speed, row = prediction.velocity_nm_s, len(prediction.contributions)
    axes.plot(np.log10([speed.low, speed.high]), [row, row], color=COLOURS[0], linewidth=2)
    axes.plot(np.log10(speed.value), row, "D", color=COLOURS[0], markersize=5)
    step, shape = prediction.step, prediction.experiment.geometry.replace("_", " ")
    title = f"{step.host} + {step.ion}, {step.number}: {step.mechanism}\n{shape}\n"
    axes.set_title(f"{title}{speed.value:.2g} nm/s [{speed.low:.1g}, {speed.high:.2g}]", fontsize=8, color=INK)
    calm(axes)
