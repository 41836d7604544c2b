"""Curves over time: where the front was, how much of each phase there was, how the stage drifted."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from ionfront.core import Calibration, PhaseScheme
from ionfront.fronts import FrontResult, RateResult, TransitionResult

from .plots_style import COLOURS, GREY, LINES, MARKERS, calm, length_label, new_figure, time_label
from .report_words import arrow, law_name
from .wording import equal_probability

__all__ = ["area_plot", "drift_plot", "position_plot"]

_SIZE_IN = (5.6, 3.7)
_TALL_IN = (5.6, 4.7)
_FEWEST_MARKERS = 60
_SMALLEST_AREA = 0.005  # share of the particle below which a phase is not drawn


def position_plot(result: FrontResult, calibration: Calibration) -> Figure:
    """Measured position of every front of every particle against time, with the fitted law and its 95 % band."""
    figure, axes = new_figure(*_TALL_IN)
    several = sum(bool(particle.transitions) for particle in result.particles) > 1
    index = 0
    for number, particle in enumerate(result.particles, 1):
        for item in (item for cycle in particle.cycles for item in cycle.transitions):
            name = f"{number}: {arrow(item.transition)}" if several else arrow(item.transition)
            _draw_track(axes, item, index, name)
            if item.rate is not None:
                _draw_law(axes, item, item.rate, index, name)
            index += 1
    if index:
        if not several:
            depth = result.transitions[0].track.depth
            axes.axhline(depth, color=GREY, linewidth=1, linestyle=(0, (1, 2)), label="far end of the particle")
        figure.legend(loc="outside lower center", frameon=False, fontsize=9)
    axes.set(xlabel=time_label(calibration), ylabel=length_label("distance from the entry", calibration))
    axes.set_ylim(bottom=0)
    calm(axes)
    return figure


def area_plot(result: FrontResult, scheme: PhaseScheme, calibration: Calibration) -> Figure:
    """Area of every phase that was there, against time; gaps are frames that showed nothing."""
    figure, axes = new_figure(*_SIZE_IN)
    areas = result.areas_px * (calibration.pixel_size_nm or 1.0) ** 2
    for index, phase in enumerate(_drawn_phases(result, scheme)):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.plot(
            result.time,
            areas[:, phase],
            color=colour,
            linestyle=LINES[index % len(LINES)],
            marker=marker,
            markersize=4,
            markevery=max(1, len(result.time) // 12),
            label=scheme.names[phase],
        )
    if axes.get_lines():
        figure.legend(loc="outside lower center", frameon=False, fontsize=9, ncols=4)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.set(xlabel=time_label(calibration), ylabel=length_label("area", calibration, "²"))
    axes.set_ylim(bottom=0)
    calm(axes)
    return figure


def drift_plot(result: FrontResult, calibration: Calibration) -> Figure:
    """Drift of the specimen that was taken out, along x and y, against time, with 95 % bands."""
    figure, axes = new_figure(*_SIZE_IN)
    pixel = calibration.pixel_size_nm or 1.0
    drift, band = result.drift_px * pixel, 1.96 * result.drift_error_px * pixel
    for name, column, colour, style in (("x", 1, COLOURS[0], "-"), ("y", 0, COLOURS[1], "--")):
        axes.plot(result.time, drift[:, column], color=colour, linestyle=style, label=f"along {name}")
        ends = drift[:, column] - band[:, column], drift[:, column] + band[:, column]
        axes.fill_between(result.time, *ends, color=colour, alpha=0.22, linewidth=0)
    smallest = 0.5 * pixel
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -smallest), max(high, smallest))
    figure.legend(loc="outside lower center", frameon=False, fontsize=9, ncols=2)
    axes.set(xlabel=time_label(calibration), ylabel=length_label("drift", calibration))
    calm(axes)
    return figure


def _draw_track(axes: Axes, item: TransitionResult, index: int, name: str) -> None:
    track = item.track
    axes.plot(
        track.time,
        track.position,
        linestyle="none",
        marker=MARKERS[index % len(MARKERS)],
        markersize=4,
        markerfacecolor="white",
        markeredgecolor=COLOURS[index % len(COLOURS)],
        markevery=max(1, len(track.time) // _FEWEST_MARKERS),
        label=None if item.rate else name,
        zorder=3,
    )


def _draw_law(axes: Axes, item: TransitionResult, rate: RateResult, index: int, name: str) -> None:
    """The law from its onset until it runs out of particle; beyond, it says nothing."""
    track, colour = item.track, COLOURS[index % len(COLOURS)]
    time = np.linspace(max(rate.onset.value, track.time[0]), track.time[-1], 300)
    low, high = (np.interp(time, track.time, limit) for limit in rate.band)
    position = rate.fit.position(time)
    inside = position <= track.depth
    time, position, low, high = time[inside], position[inside], low[inside], high[inside]
    axes.fill_between(time, low.clip(0, track.depth), high.clip(0, track.depth), color=colour, alpha=0.22, linewidth=0)
    probability = equal_probability(rate.probabilities[rate.law])
    label = f"{name}: {law_name(rate.law)} law ({probability})"
    axes.plot(time, position, color=colour, linestyle=LINES[index % len(LINES)], linewidth=1.8, label=label, zorder=4)


def _drawn_phases(result: FrontResult, scheme: PhaseScheme) -> list[int]:
    particle = max(int(result.particle.sum()), 1)
    largest = np.nan_to_num(result.areas_px).max(axis=0, initial=0.0)
    return [
        phase
        for phase in range(scheme.count)
        if largest[phase] > _SMALLEST_AREA * particle and (phase or 0 in scheme.order_ids)
    ]
