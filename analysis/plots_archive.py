"""Figures of an archive: speeds by what reacted, speeds by size, laws by size."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ionfront.physics import LAW_NAMES

from .plots_style import COLOURS, GREY, INK, MARKERS, calm, new_figure, number_axis

__all__ = ["laws_by_size", "reaction_name", "speeds_by_reaction", "speeds_by_size"]

_ROW_IN = 0.34


def speeds_by_reaction(fronts: pd.DataFrame, means: pd.DataFrame) -> Figure:
    """Every front's speed, a row for each reaction, and the mean of each with its 95 % interval.

    Args:
        fronts: Rows of the archive's table.
        means: Answer to "speeds".
    """
    figure, axes = new_figure(6.4, 1.2 + _ROW_IN * max(len(means), 1))
    for height, mean in enumerate(means.iloc[::-1].to_dict("records")):
        same = fronts
        for name in ("host", "ion", "direction", "before", "after"):
            same = same[same[name] == mean[name]]
        colour = COLOURS[0] if mean["direction"] == "insertion" else COLOURS[1]
        axes.plot(same["velocity_nm_s"], np.full(len(same), height), "o", color=colour, markersize=4, alpha=0.35)
        if mean["velocity_nm_s_low"] > 0 and np.isfinite(mean["velocity_nm_s_high"]):
            ends = [mean["velocity_nm_s_low"], mean["velocity_nm_s_high"]]
            axes.plot(ends, [height, height], color=INK, linewidth=2)
        axes.plot(mean["velocity_nm_s"], height, "D", color=INK, markersize=6)
    axes.set_yticks(range(len(means)), [reaction_name(mean) for mean in means.iloc[::-1].to_dict("records")])
    axes.set(xscale="log", xlabel="velocity (nm/s)")
    number_axis(axes.xaxis)
    calm(axes)
    axes.grid(visible=False, axis="y")
    return figure


def speeds_by_size(fronts: pd.DataFrame) -> Figure:
    """Speeds against the diameter of a disc of the particle's area, by host and ion."""
    figure, axes = new_figure(6.4, 4.4)
    sized = fronts[fronts["area_nm2"].notna()]
    for number, ((host, ion), same) in enumerate(sized.groupby(["host", "ion"])):
        style: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}
        diameter_nm = 2 * np.sqrt(same["area_nm2"] / np.pi)
        name = f"{host} + {ion}" if host else "not named"
        axes.plot(diameter_nm, same["velocity_nm_s"], linestyle="", markersize=5, alpha=0.7, label=name, **style)
    axes.set(xscale="log", yscale="log", xlabel="diameter of the particle (nm)", ylabel="velocity (nm/s)")
    number_axis(axes.xaxis)
    number_axis(axes.yaxis)
    if len(sized):
        figure.legend(loc="outside lower center", frameon=False, fontsize=9, ncols=4)
    calm(axes)
    return figure


def laws_by_size(laws: pd.DataFrame) -> Figure:
    """Mean probability of each law in each third of the sizes.

    Args:
        laws: Answer to "laws".
    """
    figure, axes = new_figure(6.4, 1.4 + 2 * _ROW_IN * max(len(laws), 1))
    left = np.zeros(len(laws))
    names = [
        f"{row['size']}\n{row['diameter_nm_from']:.3g} to {row['diameter_nm_to']:.3g} nm"
        for row in laws.to_dict("records")
    ]
    for number, law in enumerate(LAW_NAMES):
        share = laws[f"probability_{law}"].to_numpy(float)
        axes.barh(names, share, left=left, color=COLOURS[number], label=law.replace("_", "-"))
        left += share
    axes.set(xlim=(0, 1), xlabel="mean probability")
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", frameon=False, fontsize=9, ncols=4)
    calm(axes)
    axes.tick_params(colors=INK)
    axes.spines["left"].set_color(GREY)
    return figure


def reaction_name(row: Mapping[Hashable, Any]) -> str:
    """What reacted, and how, as in "NiO + Li: pristine → converted"."""
    who = f"{row['host']} + {row['ion']}: " if row["host"] else ""
    back = "" if row["direction"] == "insertion" else " (extraction)"
    return f"{who}{row['before']} → {row['after']}{back}"
