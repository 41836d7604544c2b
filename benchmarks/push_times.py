"""From a frame to a decision: how long `LiveFront.push` and the rules take, and what memory, over thousands of frames.

    python benchmarks/push_times.py [--frames 5000] [--case 1024 f32 2 ...] [--int8 INT8.onnx]

A case is the edge of the frames [px], the precision (f32, bf16 or int8) and the binning. Frames are uint16, of a
synthetic reaction that takes the whole run, each with noise of its own; looks are made by a process beside, as in use.
Nothing is waited for between frames, so frames a second are what can be sustained. Memory is that after a tenth of the
frames, and after all.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from ionfront.acquisition import LiveFront, Rule, Triggers
from ionfront.datasets import random_scene
from ionfront.models import load_segmenter

SCENE_PX, SEED = 512, 3_600_000_000
CASES = ["512 f32 1", "512 bf16 1", "512 bf16 2", "1024 f32 1", "1024 bf16 1", "1024 bf16 2", "2048 bf16 4"]


def main() -> None:
    options = _options()
    frames = _Frames(options.frames)
    print("| frame | precision | binning | frames | p50 [ms] | p99 [ms] | worst [ms] | frames/s | memory [MB] |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in options.case or CASES:
        edge, precision, binning = case.split()
        if precision != "int8" or options.int8:
            _measure(frames, int(edge), precision, int(binning), options)


class _Frames:
    """A reaction that takes all of a movie, each frame with noise of its own, enlarged to any size."""

    def __init__(self, count: int) -> None:
        self._scene = random_scene(SEED, size_px=SCENE_PX, n_frames=count, n_fronts=1)

    def at(self, number: int, edge: int) -> NDArray[Any]:
        """A frame, shape (edge, edge)."""
        image = self._scene.frame(number)[0].astype(np.uint16)
        return np.repeat(np.repeat(image, edge // SCENE_PX, 0), edge // SCENE_PX, 1)


def _measure(frames: _Frames, edge: int, precision: str, binning: int, options: argparse.Namespace) -> None:
    if precision == "int8":
        segmenter = load_segmenter(options.int8, device="cpu")
    else:
        segmenter = load_segmenter(device="cpu", precision=precision)  # type: ignore[arg-type]
    triggers = Triggers([Rule("halfway", "fraction", 0.5), Rule("through", "completion_within", 1.0)])
    took, early_mb = [], 0.0
    with LiveFront(segmenter, pixel_size_nm=0.5, binning=binning) as live:
        for number in range(options.frames):
            frame = frames.at(number, edge)
            begun = time.perf_counter()
            triggers.see(live.push(frame, 0.05 * number))
            took.append(1e3 * (time.perf_counter() - begun))
            if number == options.frames // 10:
                early_mb = _memory_mb()
        late_mb = _memory_mb()
    steady = np.array(took[20:])  # the first wait for the reference, and catch up
    middle, high = np.quantile(steady, (0.5, 0.99))
    print(
        f"| {edge}² | {precision} | {binning} | {options.frames} | {middle:.0f} | {high:.0f} | {steady.max():.0f} | "
        f"{1e3 / steady.mean():.1f} | {early_mb:.0f}, {late_mb:.0f} |",
        flush=True,
    )


def _memory_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--case", action="append", help='"EDGE PRECISION BINNING"; may be given several times')
    parser.add_argument("--int8", type=Path, help="an int8 file, as `ionfront quantise` writes it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
