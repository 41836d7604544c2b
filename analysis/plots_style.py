"""What the figures of a report have in common: colours that everybody can tell apart, units on axes, one look."""

import base64
import io
import math
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from ionfront.core import Calibration

__all__ = ["COLOURS", "GREY", "INK", "LINES", "MARKERS", "calm", "length_label", "new_figure", "number_axis"]
__all__ += ["svg_data_uri", "time_label"]

# Okabe & Ito, "Color Universal Design" (2008): told apart with every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")
INK, GREY = "#22303c", "#74818d"

_FEW_DECADES = 2.5  # below this, an axis needs numbers between the powers of ten, and has room for them
_DOTS_PER_INCH = 144  # of images inside the figures; lines stay lines


def new_figure(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """An empty figure that belongs to no window and no global state."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained", dpi=_DOTS_PER_INCH)
    return figure, figure.subplots()


def calm(axes: Axes) -> None:
    """Take away what does not carry information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, width=0.8)
    axes.grid(color="#e3e8ec", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.margins(x=0.02)


def number_axis(axis: Axis) -> None:
    """Plain numbers along a logarithmic axis, unless it spans more decades than those have room for."""
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    if decades < _FEW_DECADES:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if decades > 1 else MaxNLocator(5))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())


def svg_data_uri(figure: Figure) -> str:
    """The figure as an SVG image that is its own address."""
    drawn = io.BytesIO()
    no_date: dict[str, Any] = {"Date": None}
    figure.savefig(drawn, format="svg", metadata=no_date)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.getvalue()).decode('ascii')}"


def time_label(calibration: Calibration) -> str:
    """Axis label of times."""
    return "time (s)" if calibration.time_unit == "s" else "time (frames)"


def length_label(name: str, calibration: Calibration, power: str = "") -> str:
    """Axis label of lengths, or of areas with `power` "²"."""
    return f"{name} ({calibration.length_unit}{power})"
