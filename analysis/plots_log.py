"""Figures of what a potentiostat recorded beside the movie."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ionfront.core import Calibration, PhaseScheme
from ionfront.datasets import ElectrochemicalLog
from ionfront.fronts import FrontResult

from .plots_style import COLOURS, GREY, calm, length_label, new_figure

__all__ = ["charge_plot", "log_plot"]

Floats = NDArray[np.float64]

_SIZE_IN = (6.4, 3.8)
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"))


def log_plot(log: ElectrochemicalLog, result: FrontResult) -> Figure:
    """Potential and current while the movie ran, against its time; dotted lines are the turns of the reaction."""
    figure, axes = new_figure(*_SIZE_IN)
    start, end = result.time[[0, -1]]
    seen = (log.time_s >= start) & (log.time_s <= end)
    time, other = log.time_s[seen], axes.twinx()
    current, unit = _scaled(log.current_a[seen], "A")
    for pane, values, colour, style, name in (
        (axes, log.potential_v[seen], COLOURS[0], "-", "potential (V)"),
        (other, current, COLOURS[1], "--", f"current ({unit})"),
    ):
        pane.plot(time, values, color=colour, linestyle=style, linewidth=1.5)
        pane.set_ylabel(name, color=colour)
    calm(axes)
    other.spines["top"].set_visible(False)
    for cycle in result.particles[0].cycles[1:] if result.particles else ():
        axes.axvline(cycle.start, color=GREY, linestyle=":", linewidth=1.2)
    axes.set(xlabel="time (s)", xlim=(start, end))
    return figure


def charge_plot(log: ElectrochemicalLog, result: FrontResult, scheme: PhaseScheme, calibration: Calibration) -> Figure:
    """Area of all phases after the first against the charge since the first frame that the log covers."""
    figure, axes = new_figure(*_SIZE_IN)
    charge = log.charge_at(result.time)
    covered = np.isfinite(charge)
    passed, unit = _scaled(charge[covered] - charge[covered][0], "C")
    area = result.areas_px[:, list(scheme.order_ids[1:])].sum(axis=1)[covered] * (calibration.pixel_size_nm or 1.0) ** 2
    axes.plot(passed, area, color=COLOURS[0], marker="o", markersize=3.5, linewidth=1)
    axes.set(xlabel=f"charge ({unit})", ylabel=length_label("reacted area", calibration, "²"))
    axes.set_ylim(bottom=0)
    calm(axes)
    return figure


def _scaled(values: Floats, unit: str) -> tuple[Floats, str]:
    """Values in the multiple of their unit in which the largest is one or more."""
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    factor, prefix = next(
        (pair for pair in _PREFIXES if largest >= pair[0]), _PREFIXES[-1] if largest else _PREFIXES[0]
    )
    return values / factor, prefix + unit
