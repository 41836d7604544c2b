"""Maps: the front drawn over the first frame, when it arrived where, and how sure that is."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.core import Calibration
from ionfront.fronts import FrontResult, TransitionMap

from .plots_style import INK, LINES, length_label, new_figure, time_label
from .report_words import arrow

__all__ = ["arrival_map", "curvature_map", "front_overlay", "speed_map", "spread_map"]

Floats = NDArray[np.float64]

_LARGEST_IMAGE_PX = 1024
_LARGEST_CONTOUR_PX = 512
_CONTOURS = 9
_SMOOTHING_PX = 1.5  # of contours, in drawn pixels: the eye follows a front, not its pixels
_ENTRY = "#ff2d55"
_ENTRY_DOTS = 500
_FEW_ENTRY_DOTS = 10  # as few are one large dot: a contact that a small one would hide
_SIZE_IN = (5.6, 4.7)

_TIME = ListedColormap(mpl.colormaps["viridis"](np.linspace(0.22, 1, 256)))
"""Viridis without its darkest end, which cannot be told from a dark particle."""


def front_overlay(result: FrontResult, first_frame: NDArray[Any], calibration: Calibration) -> Figure:
    """The first frame with the particle's outline, its entry, and the front at times told by colour.

    Args:
        result: What was measured.
        first_frame: Shape (y, x), any real dtype.
        calibration: Scales, and so the units.
    """
    figure, axes = new_figure(*_SIZE_IN)
    image = _shrunk(np.asarray(first_frame, float), _LARGEST_IMAGE_PX)
    low, high = np.nanpercentile(image, [0.5, 99.5]) if np.isfinite(image).any() else (0.0, 1.0)
    _show(axes, image, result.shape, calibration, cmap="gray", vmin=low, vmax=max(high, low + 1e-9))
    _outline(axes, result.particle, calibration)
    maps = result.maps
    times = np.concatenate([np.zeros(0), *(found.arrival[np.isfinite(found.arrival)] for found in maps)])
    if times.size:
        levels = np.asarray(MaxNLocator(_CONTOURS).tick_values(float(times.min()), float(times.max())))
        norm = Normalize(float(levels[0]), float(levels[-1]))
        for index, found in enumerate(maps):
            _contours(axes, found.arrival, levels, norm, index, calibration)
        figure.colorbar(
            ScalarMappable(norm, _TIME), ax=axes, label=_arrival_label(calibration), ticks=levels, shrink=0.9
        )
    _mark_entry(axes, result.entry, calibration)
    _keys(figure, axes, [arrow(found.transition) for found in maps])
    _number_particles(axes, result, calibration)
    _scale_bar(axes, result.shape, calibration)
    return figure


def arrival_map(result: FrontResult, found: TransitionMap, calibration: Calibration) -> Figure:
    """When one transition reached each pixel; grey is particle that it never reached.

    Args:
        result: What was measured.
        found: One of its maps.
        calibration: Scales, and so the units.
    """
    values = found.arrival
    return _map(result, values, _limits(values), _TIME, _arrival_label(calibration), calibration)


def spread_map(result: FrontResult, found: TransitionMap, calibration: Calibration) -> Figure:
    """Standard deviation of the arrival time of one transition at each pixel; arguments as of `arrival_map`."""
    label = f"standard error ({_unit(calibration)})"
    values = found.arrival_std
    limits = (0.0, _limits(values)[1])
    return _map(result, values, limits, mpl.colormaps["cividis"], label, calibration)


def speed_map(result: FrontResult, found: TransitionMap, calibration: Calibration) -> Figure:
    """How fast the front went at each pixel that it passed; arguments as of `arrival_map`."""
    values = found.speed_px * (calibration.pixel_size_nm or 1.0)
    label = f"speed ({calibration.length_unit}/{calibration.time_unit})"
    return _map(result, values, (0.0, _highest(values)), mpl.colormaps["plasma"], label, calibration)


def curvature_map(result: FrontResult, found: TransitionMap, calibration: Calibration) -> Figure:
    """How the front was bent at each pixel that it passed; arguments as of `arrival_map`."""
    values = found.curvature_per_px / (calibration.pixel_size_nm or 1.0)
    farthest = _highest(np.abs(values))
    label = f"curvature (1/{calibration.length_unit})"
    return _map(result, values, (-farthest, farthest), mpl.colormaps["RdBu_r"], label, calibration)


def _highest(values: Floats) -> float:
    """A value that all but a few outliers stay below."""
    known = values[np.isfinite(values)]
    return float(np.quantile(known, 0.97)) if known.size else 1.0


def _map(
    result: FrontResult,
    values: Floats,
    limits: tuple[float, float],
    colours: Colormap,
    label: str,
    calibration: Calibration,
) -> Figure:
    figure, axes = new_figure(*_SIZE_IN)
    shape = result.shape
    particle = _shrunk(np.where(result.particle, 1.0, np.nan), _LARGEST_IMAGE_PX)
    _show(axes, particle, shape, calibration, cmap=ListedColormap(["#c9d0d6"]), interpolation="nearest")
    shown = _shrunk(np.where(np.isfinite(values), values, np.nan), _LARGEST_IMAGE_PX)
    norm = Normalize(*limits)
    drawn = _show(axes, shown, shape, calibration, cmap=colours, norm=norm, interpolation="nearest")
    figure.colorbar(drawn, ax=axes, label=label, shrink=0.9)
    _scale_bar(axes, shape, calibration, ink=INK, halo="white")
    return figure


def _limits(values: Floats) -> tuple[float, float]:
    """From the smallest value to one that a few outliers do not stretch."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return 0.0, 1.0
    low, high = float(known.min()), float(np.quantile(known, 0.995))
    return low, max(high, low + 1e-9)


def _show(axes: Axes, image: Floats, shape: Sequence[int], calibration: Calibration, **style: Any) -> Any:
    """Draw an image, shrunk or not, over the field of view of a frame of `shape`, with axes in its units."""
    drawn = axes.imshow(np.ma.masked_invalid(image), extent=_extent(image.shape, shape, calibration), **style)
    pixel = calibration.pixel_size_nm or 1.0
    axes.set(xlim=(0, shape[1] * pixel), ylim=(shape[0] * pixel, 0))
    axes.set(xlabel=length_label("x", calibration), ylabel=length_label("y", calibration))
    return drawn


def _outline(axes: Axes, particle: NDArray[np.bool_], calibration: Calibration) -> None:
    if particle.any() and not particle.all():
        x, y, inside = _grid(particle.astype(float), particle.shape, calibration)
        axes.contour(x, y, inside, levels=[0.5], colors="white", linewidths=0.9, alpha=0.9)


def _contours(
    axes: Axes, arrival: Floats, levels: Floats, norm: Normalize, index: int, calibration: Calibration
) -> None:
    reached = np.isfinite(arrival)
    if not reached.any():
        return
    x, y, shrunk = _grid(np.where(reached, arrival, np.nan), arrival.shape, calibration)
    smooth = _smoothed(shrunk)
    crossed = [level for level in levels if np.nanmin(smooth) < level < np.nanmax(smooth)]
    if crossed:
        lines = axes.contour(x, y, np.ma.masked_invalid(smooth), levels=crossed, cmap=_TIME, norm=norm, linewidths=1.5)
        lines.set_linestyle(LINES[index % len(LINES)])
        lines.set_path_effects([withStroke(linewidth=2.8, foreground="#00000088")])


def _smoothed(values: Floats) -> Floats:
    """Gaussian mean over known pixels; NaN elsewhere."""
    known = np.isfinite(values)
    weight = ndimage.gaussian_filter(known.astype(float), _SMOOTHING_PX)
    total = ndimage.gaussian_filter(np.where(known, values, 0.0), _SMOOTHING_PX)
    return np.where(known, total / np.maximum(weight, 1e-9), np.nan)


def _mark_entry(axes: Axes, entry: NDArray[np.bool_], calibration: Calibration) -> None:
    places = np.argwhere(entry)
    if len(places):
        some = (places[:: -(-len(places) // _ENTRY_DOTS)] + 0.5) * (calibration.pixel_size_nm or 1.0)
        size, edge = (9, 0.0) if len(places) > _FEW_ENTRY_DOTS else (70, 1.0)
        dots = axes.scatter(some[:, 1], some[:, 0], s=size, color=_ENTRY, linewidths=edge, zorder=4)
        dots.set(edgecolor="white" if edge else _ENTRY, label="entry of the ion")


def _number_particles(axes: Axes, result: FrontResult, calibration: Calibration) -> None:
    """The number of each particle at its centre, where there are several."""
    if len(result.particles) < 2:
        return
    for number, particle in enumerate(result.particles, 1):
        y, x = ((place + 0.5) * (calibration.pixel_size_nm or 1.0) for place in particle.centre_px)
        text = axes.text(x, y, str(number), ha="center", va="center", color="white", fontweight="bold", zorder=6)
        text.set_path_effects([withStroke(linewidth=2.5, foreground="black")])


def _keys(figure: Figure, axes: Axes, transitions: Sequence[str]) -> None:
    for index, name in enumerate(transitions):
        axes.plot([], [], color=_TIME(0.3), linestyle=LINES[index % len(LINES)], label=name)
    if transitions:
        figure.legend(loc="outside lower center", frameon=False, fontsize=9, ncols=2)


def _scale_bar(
    axes: Axes, shape: Sequence[int], calibration: Calibration, ink: str = "white", halo: str = "black"
) -> None:
    height, width = (side * (calibration.pixel_size_nm or 1.0) for side in shape)
    length = _round_length(0.3 * width)
    x, y = 0.96 * width - length, 0.955 * height
    bar = Rectangle((x, y), length, 0.013 * height, facecolor=ink, edgecolor=halo, linewidth=0.6, zorder=5)
    axes.add_patch(bar)
    label = f"{length:g} {calibration.length_unit}"
    text = axes.text(x + length / 2, y - 0.012 * height, label, ha="center", va="bottom", color=ink, zorder=5)
    text.set(fontweight="bold", path_effects=[withStroke(linewidth=2.5, foreground=halo)])


def _round_length(longest: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is no longer than this."""
    power = 10.0 ** np.floor(np.log10(longest))
    return float(max(step for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9)) * power)


def _arrival_label(calibration: Calibration) -> str:
    return time_label(calibration).replace("time", "arrival time")


def _unit(calibration: Calibration) -> str:
    return "s" if calibration.time_unit == "s" else "frames"


def _grid(values: Floats, shape: Sequence[int], calibration: Calibration) -> tuple[Floats, Floats, Floats]:
    """Values shrunk for contours, with the places of their pixel centres."""
    shrunk = _shrunk(values, _LARGEST_CONTOUR_PX)
    left, right, bottom, top = _extent(shrunk.shape, shape, calibration)
    x = (np.arange(shrunk.shape[1]) + 0.5) * (right - left) / shrunk.shape[1]
    y = (np.arange(shrunk.shape[0]) + 0.5) * (bottom - top) / shrunk.shape[0]
    return x, y, shrunk


def _extent(shrunk: Sequence[int], shape: Sequence[int], calibration: Calibration) -> tuple[float, float, float, float]:
    """Left, right, bottom, top of a shrunk image; its last blocks may reach beyond the frame."""
    pixel = calibration.pixel_size_nm or 1.0
    factor = max(-(-full // small) for full, small in zip(shape, shrunk, strict=True))
    return 0.0, shrunk[1] * factor * pixel, shrunk[0] * factor * pixel, 0.0


def _shrunk(image: Floats, largest_px: int) -> Floats:
    """Means over square blocks, so that no side is longer than `largest_px`; NaN are left out of the means."""
    factor = -(-max(image.shape) // largest_px)
    if factor <= 1:
        return image
    padded = np.pad(image, [(0, -side % factor) for side in image.shape], constant_values=np.nan)
    known = np.isfinite(padded)
    total, count = (_block_sums(part, factor) for part in (np.where(known, padded, 0.0), known.astype(float)))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _block_sums(image: Floats, factor: int) -> Floats:
    rows, columns = (side // factor for side in image.shape)
    return np.asarray(image.reshape(rows, factor, columns, factor).sum(axis=(1, 3)))
