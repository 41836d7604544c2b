"""How errors of fronts grow as movies get worse: dose, drift, lost frames, wrong labels; a table and a plot of each.

    python benchmarks/front_robustness.py --results FILE.jsonl --figures FOLDER [--movies 12] [--workers 2]

Each step of each sweep measures the first movies of `front_coverage.py`, with one condition put in place of their own;
what FILE holds already is not measured again. Wrong labels go into exact ones, everything else through the network.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from front_coverage import QUANTITIES, Conditions, errors_of, measure_all, read_rows, tasks
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sweep:
    """One condition, how its axis is named, and its steps."""

    condition: str
    label: str
    steps: tuple[float, ...]


SWEEPS = (
    Sweep("dose", "dose (electrons a pixel and frame)", (1, 3, 10, 30, 100)),
    Sweep("drift", "drift (pixels a frame)", (0, 0.5, 1, 2, 3)),
    Sweep("drops", "share of frames lost", (0, 0.1, 0.2, 0.3, 0.4)),
    Sweep("label_noise", "share of wrong labels", (0, 0.05, 0.1, 0.15, 0.2)),
)
PANELS = {
    "velocity": "velocity error (%)",
    "exponent": "exponent error",
    "onset": "onset error (frames)",
    "held": "intervals that hold (%)",
}


def main() -> None:
    """Measure what is missing, print a table of each sweep and draw it."""
    options = _options()
    for sweep in SWEEPS:
        print(
            f"\n| {sweep.label} | with a law | velocity | exponent | onset [frames] | intervals that hold | right law |"
        )
        print("|---|---|---|---|---|---|---|")
        points = []
        for step in sweep.steps:
            conditions = Conditions(**{sweep.condition: step})
            measure_all(tasks(options.movies, 0, conditions, options.model), options.results, options.workers)
            rows = [row for row in read_rows(options.results) if row["conditions"] == conditions.name]
            points.append(summary(rows))
            print(_line(step, rows, points[-1]), flush=True)
        draw(sweep, points).savefig(options.figures / f"robustness_{sweep.condition}.png", dpi=110)


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Errors of each quantity, and 1 or 0 for each interval that holds or does not."""
    found = errors_of([row for row in rows if "velocity" in row])
    off = {name: errors for name, (errors, _) in found.items()}
    return off | {
        "velocity": 100 * off["velocity"],
        "held": 100.0 * np.concatenate([held for _, held in found.values()]),
    }


def draw(sweep: Sweep, points: Sequence[dict[str, np.ndarray[Any, Any]]]) -> Figure:
    """Medians and quartiles of the errors, and the share of intervals that hold, over the steps of a sweep."""
    figure = Figure(figsize=(11, 2.8), layout="constrained")
    for axes, (name, label) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        if name == "held":
            axes.plot(sweep.steps, [point[name].mean() if point[name].size else np.nan for point in points], "o-")
            axes.axhline(95, color="0.5", linestyle=":")
            axes.set_ylim(0, 103)
        else:
            low, middle, high = np.transpose([_quartiles(point[name]) for point in points])
            axes.plot(sweep.steps, middle, "o-")
            axes.fill_between(sweep.steps, low, high, alpha=0.2, linewidth=0)
            axes.set_ylim(0, None)
        if sweep.condition == "dose":
            axes.set_xscale("log")
        axes.set(xlabel=sweep.label, ylabel=label)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _quartiles(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.percentile(values, [25, 50, 75]) if values.size else np.full(3, np.nan)


def _line(step: float, rows: Sequence[dict[str, Any]], point: dict[str, np.ndarray[Any, Any]]) -> str:
    right = sum(row["found"] == row["law"] for row in rows)
    velocity, exponent, onset = (_quartiles(point[name])[1] for name in QUANTITIES)
    held = point["held"].mean() if point["held"].size else np.nan
    return (
        f"| {step:g} | {point['velocity'].size} of {len(rows)} | {velocity:.1f} % | {exponent:.3f} | {onset:.2f} "
        f"| {held:.0f} % | {right} of {len(rows)} |"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, one a movie; appended to")
    parser.add_argument("--figures", type=Path, required=True, help="folder for the plots")
    parser.add_argument("--movies", type=int, default=12, help="a step")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", type=Path, default=None, help="the bundled model if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
