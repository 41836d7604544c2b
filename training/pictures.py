"""Pictures for the training record: what the network saw, and what it mistook for what."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from .frames import Image, Label

__all__ = ["confusion_figure", "overlay_figure", "reliability_figure"]


def overlay_figure(image: Image, label: Label, predicted: Label, phases: Sequence[str], title: str) -> Figure:
    """Image, true and predicted phases side by side; all three are (y, x), the image perhaps
    (2, y, x) with its reference, which is not shown."""
    image = image[0] if image.ndim == 3 else image
    figure = Figure(figsize=(12, 4.4), layout="constrained")
    panes = figure.subplots(1, 3)
    low, high = np.percentile(np.asarray(image, np.float64), [1, 99])
    for pane, name in zip(panes, ("image", "labels", "prediction"), strict=True):
        pane.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-9))
        pane.set(title=name, xticks=[], yticks=[])
    for pane, ids in zip(panes[1:], (label, predicted), strict=True):
        shown = np.ma.masked_where((ids == 0) | (ids >= len(phases)), ids)
        drawn = pane.imshow(shown, cmap="tab10", vmin=-0.5, vmax=9.5, alpha=0.45, interpolation="nearest")
    handles = [(drawn.cmap(drawn.norm(index)), name) for index, name in enumerate(phases) if index]
    for row, (colour, name) in enumerate(handles):
        panes[2].text(1.02, 0.95 - 0.08 * row, name, color=colour, transform=panes[2].transAxes)
    figure.suptitle(title)
    return figure


def confusion_figure(confusion: ArrayLike, phases: Sequence[str]) -> Figure:
    """Pixels by true (row) and predicted (column) phase, as shares of each row."""
    counts = np.asarray(confusion, float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(1.2 * len(phases) + 2, 1.0 * len(phases) + 1.5), layout="constrained")
    pane = figure.subplots()
    pane.imshow(share, vmin=0, vmax=1, cmap="Blues")
    for (row, column), value in np.ndenumerate(share):
        pane.text(column, row, f"{value:.1%}", ha="center", va="center", color="white" if value > 0.5 else "black")
    ticks = range(len(phases))
    pane.set_xticks(ticks, phases, rotation=30, ha="right")
    pane.set_yticks(ticks, phases)
    pane.set(xlabel="predicted", ylabel="labelled")
    return figure


def reliability_figure(bins: Sequence[tuple[float, float, int]], title: str) -> Figure:
    """Share of right pixels against the probability that was stated for them, and how many pixels there are.

    Args:
        bins: Stated probability, share of right pixels, and pixels of each bin.
        title: Above the figure.
    """
    stated, right, pixels = np.asarray(bins, float).reshape(-1, 3).T
    figure = Figure(figsize=(4.6, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], color="0.7", label="stated = true")
    above.plot(stated, right, "o-", color="tab:blue", label="measured")
    above.set(ylabel="share of right pixels", ylim=(0, 1), title=title)
    above.legend()
    below.bar(stated, pixels / max(pixels.sum(), 1), width=0.04, color="tab:blue")
    below.set(xlabel="stated probability of the predicted phase", ylabel="share of pixels", xlim=(0, 1))
    return figure
