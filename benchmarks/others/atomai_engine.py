"""AtomAI's Segmentor on frames of engines.py and same_frames.py.

    python atomai_engine.py train FRAMES.npz WEIGHTS.pt --minutes M
    python atomai_engine.py predict STACKS.npy LABELS.npy [--weights WEIGHTS.pt] [--phases N] [--repeats R]

FRAMES holds `images` (n, y, x) and `labels` (n, y, x); STACKS is (call, n, y, x), each stack one call of `predict`, and
LABELS comes out in the same shape. Without weights the network is random, which changes no time.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torchvision_cure  # noqa: F401
from atomai_segmentor import fitted, predicted_phases, scaled

import atomai as aoi  # isort: skip
import torch

TIMED_CYCLES, FEWEST_CYCLES = 6, 30  # stochastic weight averaging takes the last 30


def main() -> None:
    """Do what was asked and print what it took, as JSON."""
    options = _options()
    print(json.dumps(train(options) if options.command == "train" else predict(options)))


def train(options: argparse.Namespace) -> dict[str, float]:
    """As many cycles as fit into the minutes, by the time that a few take."""
    with np.load(options.frames) as frames:
        images, labels = np.stack([scaled(image) for image in frames["images"]]), frames["labels"]
    n_phases = int(labels.max()) + 1
    start = time.perf_counter()
    fitted(images, labels, n_phases, TIMED_CYCLES, seed=0, swa=False)
    cycle_s = (time.perf_counter() - start) / TIMED_CYCLES
    cycles = max(FEWEST_CYCLES, int(60 * options.minutes / cycle_s))
    start = time.perf_counter()
    model = fitted(images, labels, n_phases, cycles, seed=0)
    torch.save(model.net.state_dict(), options.weights)
    return {"cycles": cycles, "minutes": (time.perf_counter() - start) / 60}


def predict(options: argparse.Namespace) -> dict[str, float]:
    """Median wall and CPU time of a call, and peak memory, measured before anything else is done."""
    model = aoi.models.Segmentor(nb_classes=options.phases)
    if options.weights:
        model.load_weights(options.weights)
    stacks = np.load(options.stacks)
    labels = np.stack([predicted_phases(model, stack) for stack in stacks])  # the first to warm up
    times = [_times(model, stack) for stack in stacks for _ in range(options.repeats)]
    wall_s, cpu_s = np.median(times, axis=0) if times else (np.nan, np.nan)
    peak_mb = _peak_mb()
    np.save(options.labels, labels)
    return {"ms": 1000 * wall_s, "cpu_ms": 1000 * cpu_s, "peak_mb": peak_mb, "gflop": _gflop(model, stacks.shape[1:])}


def _times(model: Any, stack: np.ndarray) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    model.predict(stack, compute_coords=False, verbose=False)
    return time.perf_counter() - wall, time.process_time() - cpu


def _gflop(model: Any, shape: tuple[int, ...]) -> float:
    """Floating-point operations of one stack (n, y, x), a multiplication and an addition counted as two."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model.net.to("meta")(torch.zeros(shape[0], 1, *shape[1:], device="meta"))
    return float(counter.get_total_flops()) / 1e9


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("frames", type=Path)
    training.add_argument("weights", type=Path)
    training.add_argument("--minutes", type=float, required=True)
    prediction = commands.add_parser("predict")
    prediction.add_argument("stacks", type=Path)
    prediction.add_argument("labels", type=Path)
    prediction.add_argument("--weights", type=Path)
    prediction.add_argument("--phases", type=int, default=5)
    prediction.add_argument("--repeats", type=int, default=0, help="timed calls of each stack")
    return parser.parse_args()


if __name__ == "__main__":
    main()
