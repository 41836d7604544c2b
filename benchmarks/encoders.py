"""Which network is worth its time: mean IoU against CPU time a frame, candidates trained for equally many steps.

    python benchmarks/encoders.py --results encoders.jsonl --figure encoders.png [--epochs 6] [--candidates NAME ...]

Every candidate is the recipe `segmenter_wide` with a few settings changed, trained from scratch on the same crops in
the same order, and recorded in MLflow. It is scored on scenes of the families it was trained on, from seeds that no
other benchmark uses, and timed on one frame of 1024 px from grey values to probabilities (CPU time, which does not mind
what else runs). So few steps rank networks by how fast they learn; what a network is worth after days of training may
be another matter. Results are appended as they come, and a candidate that is there already is not trained again.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from ionfront.datasets import random_scene
from ionfront.models import Segmenter, load_segmenter
from ionfront.training.evaluate import frame_counts, summarise
from ionfront.training.lightning_cli import recipe, train_segmenter
from ionfront.training.precision import fast_precision
from ionfront.training.synthetic import BUNDLED_FAMILIES, SceneFrames, Synthetic

HALF, FULL = [64, 32, 16, 16], [128, 64, 32, 16]
CANDIDATES: dict[str, dict[str, Any]] = {
    "resnet18, half-width decoder": {},
    "resnet18, full-width decoder": {"model.decoder_channels": FULL},
    "resnet18, frames not reduced": {"data.reduction": 1},
    "resnet18, depth 5": {"model.encoder_depth": 5, "model.decoder_channels": [96, *HALF]},
    "resnet34": {"model.encoder": "resnet34"},
    "mobilenet_v2": {"model.encoder": "mobilenet_v2"},
    "resnet18, no texture maps": {"model.textures": False},
    "resnet18, percentiles 0.1 and 99.9": {"data.normalisation.low": 0.1, "data.normalisation.high": 99.9},
}
SEED = 970_000  # validation scenes start a thousand million above it
TIMED_PX = 1024


def main() -> None:
    """Train, score and time what is not among the results yet; then print the table and draw it."""
    options = _options()
    known = {row["candidate"] for row in _rows(options.results)}
    for name in options.candidates:
        if name not in known:
            row = {"candidate": name, "epochs": options.epochs} | _tried(CANDIDATES[name], options)
            with options.results.open("a") as lines:
                lines.write(json.dumps(row) + "\n")
    rows = _rows(options.results)
    print(f"| network | mean IoU | CPU ms a frame of {TIMED_PX}² | million parameters | minutes of training |")
    print("|---|---|---|---|---|")
    for row in rows:
        iou = f"{row['mean_iou']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        print(f"| {row['candidate']} | {iou} | {row['cpu_ms']:.0f} | {row['parameters']:.1f} | {row['minutes']:.0f} |")
    if options.figure is not None:
        _drawn(rows).savefig(options.figure, dpi=110)


def _tried(changes: dict[str, Any], options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.onnx"
        settings = {
            "trainer.max_epochs": options.epochs,
            "trainer.enable_progress_bar": False,
            "trainer.precision": fast_precision(),
            "checkpoint.dirpath": f"{folder}/checkpoints",
            "output.path": str(path),
            "tracking.uri": options.tracking,
        }
        knobs = [f"--{key}={_yaml(value)}" for key, value in (settings | changes).items()]
        start = time.perf_counter()
        train_segmenter(["--config", str(recipe("segmenter_wide")), *knobs])
        minutes = (time.perf_counter() - start) / 60
        segmenter = load_segmenter(path)
        score = _score(segmenter)
        # float32 weights are nearly all of the file
        return score | {"cpu_ms": _cpu_ms(segmenter), "parameters": path.stat().st_size / 4e6, "minutes": minutes}


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _score(segmenter: Segmenter) -> dict[str, float]:
    settings = Synthetic(seed=SEED, families=BUNDLED_FAMILIES, size_px=256, validation_scenes=60, averaged=(1, 3, 5))
    counted = frame_counts(segmenter, ((frame, None) for frame in SceneFrames(settings).frames))
    mean = summarise(counted, segmenter, 3.0).overall.mean_iou
    return {"mean_iou": mean.value, "low": mean.low, "high": mean.high}


def _cpu_ms(segmenter: Segmenter) -> float:
    """Median of nine frames with a reference, all threads together, after one that does not count."""
    scene = random_scene(SEED, TIMED_PX, 2)
    channels = np.stack([np.asarray(scene.frame(index, 1)[0], np.float32) for index in (1, 0)])
    times = []
    for _ in range(10):
        start = time.process_time()
        segmenter.probabilities(channels)
        times.append(1000 * (time.process_time() - start))
    return float(np.median(times[1:]))


def _drawn(rows: list[dict[str, Any]]) -> Figure:
    """Scores against times, and the step line of what nothing both faster and better beats."""
    figure = Figure(figsize=(8, 5.6), layout="constrained")
    pane = figure.subplots()
    for row, marker in zip(rows, "osD^vP*Xh"[: len(rows)], strict=True):
        spread = [[row["mean_iou"] - row["low"]], [row["high"] - row["mean_iou"]]]
        pane.errorbar(row["cpu_ms"], row["mean_iou"], spread, fmt=marker, ms=8, ecolor="0.85", label=row["candidate"])
    ordered = sorted(rows, key=lambda row: float(row["cpu_ms"]))
    best = np.maximum.accumulate([row["mean_iou"] for row in ordered])
    pane.step([row["cpu_ms"] for row in ordered], best, where="post", color="0.5", zorder=0, label="best so far")
    pane.set(
        xscale="log", xlabel=f"CPU ms a frame of {TIMED_PX}² px (OpenVINO, float32)", ylabel="mean IoU, 95 % interval"
    )
    pane.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    pane.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    pane.xaxis.set_minor_formatter(NullFormatter())
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--figure", type=Path, default=None, help="PNG or SVG of the table")
    parser.add_argument("--epochs", type=int, default=6, help="of 192 steps of 8 crops")
    parser.add_argument("--candidates", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--tracking", default="sqlite:///mlflow.db", help="MLflow's tracking URI")
    return parser.parse_args()


if __name__ == "__main__":
    main()
