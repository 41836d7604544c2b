"""What skipping unchanged tiles gains and costs on synthetic reactions, beside full inference: a Markdown table.

    python benchmarks/change_skipping.py [--model FILE.onnx] [--precision bf16] [--size 1024] [--frames 60]

Frames come from the middle of movies of the stated speed, dose and drift. Each row is a
process of its own, so that its peak memory is its own. IoU is against the true labels, averaged over the phases that
fill at least 1 % of the frames. CPU time tells more than wall time where something else runs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ionfront.datasets import Reference, random_scene
from ionfront.models import Precision, SkippingSegmenter, load_segmenter


@dataclass(frozen=True)
class Reaction:
    """A movie: its seed, how many frames the whole reaction takes, electrons a pixel, and drift [px a frame]."""

    seed: int
    movie_frames: int
    dose_e_px: float
    drift_px: float = 0.002


REACTIONS = {
    "slow, high dose": Reaction(5001, 6000, 100),
    "slow, low dose": Reaction(5002, 6000, 15),
    "fast, high dose": Reaction(5003, 400, 100),
    "fast, low dose": Reaction(5004, 400, 15),
    "slow, high dose, drift 0.1 px": Reaction(5001, 6000, 100, 0.1),
    "slow, high dose, drift 1 px": Reaction(5001, 6000, 100, 1.0),
}


def main() -> None:
    """Measure every reaction, with and without skipping, and print the table."""
    arguments = _arguments()
    if arguments.row is not None:
        row = measure(
            *map(Path, arguments.row[:2]), arguments.row[2] == "skipping", arguments.model, arguments.precision
        )
        print(json.dumps(row))
        return
    print("| reaction | | frames a second | CPU ms a frame | inferred | peak memory [MB] | mean IoU |")
    print("|---|---|---|---|---|---|---|")
    how = ["--precision", arguments.precision, *(["--model", arguments.model] if arguments.model else [])]
    for name, reaction in REACTIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            frames, labels = Path(folder) / "frames.npy", Path(folder) / "labels.npy"
            render(reaction, arguments.size, arguments.frames, frames, labels)
            for mode in ("full", "skipping"):
                row = _call(["--row", frames, labels, mode, *how])
                print(
                    f"| {name} | {mode} | {row['fps']:.1f} | {row['cpu_ms']:.0f} | {row['share']:.0%} "
                    f"| {row['peak_mb']:.0f} | {row['iou']:.4f} |",
                    flush=True,
                )


def render(reaction: Reaction, size: int, count: int, frames: Path, labels: Path) -> None:
    """Write the reference and `count` frames, and the labels of the frames."""
    scene = random_scene(reaction.seed, size, reaction.movie_frames)
    start = reaction.movie_frames // 3
    # up to the first of these frames the stage stood still, so that none leave the field
    drift = np.clip(np.arange(reaction.movie_frames) - start, 0, None)[:, None] * np.array([reaction.drift_px, 0])
    scene = replace(scene, camera=replace(scene.camera, dose_e_px=reaction.dose_e_px, drift_px=drift))
    pairs = [scene.frame(start + k) for k in range(count)]
    np.save(frames, np.stack([scene.frame(0, 5)[0], *(image for image, _ in pairs)]))
    np.save(labels, np.stack([label for _, label in pairs]))


def measure(
    frames: Path, labels: Path, skip: bool, model: Path | None, precision: Precision = "f32"
) -> dict[str, float]:
    """Speed, share of pixels that the network saw, peak memory and mean IoU; the first two frames are not timed."""
    movie, truth = np.load(frames, mmap_mode="r"), np.load(labels, mmap_mode="r")
    segmenter = load_segmenter(model, device="cpu", precision=precision)
    engine = SkippingSegmenter(segmenter) if skip else segmenter
    reference = Reference(movie[0]) if engine.compares else None
    confusion = np.zeros((len(engine.info.phases),) * 2)
    wall, cpu = 0.0, 0.0
    for index, image in enumerate(movie[1:]):
        before = time.perf_counter(), time.process_time()
        probabilities = engine.probabilities(image if reference is None else reference.behind(image))
        if index >= 2:
            wall += time.perf_counter() - before[0]
            cpu += time.process_time() - before[1]
        np.add.at(confusion, (truth[index].ravel(), probabilities.argmax(axis=0).ravel()), 1)
    hits, union = np.diag(confusion), confusion.sum(axis=0) + confusion.sum(axis=1) - np.diag(confusion)
    present = confusion.sum(axis=1) > 0.01 * confusion.sum()
    timed = len(truth) - 2
    return {
        "fps": timed / wall,
        "cpu_ms": 1000 * cpu / timed,
        "share": engine.inferred_share if isinstance(engine, SkippingSegmenter) else 1.0,
        "peak_mb": _peak_mb(),
        "iou": float((hits / union)[present].mean()),
    }


def _peak_mb() -> float:
    """Largest resident size of this process [MB], as Linux counts it."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def _call(arguments: list[Any]) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="model file; the bundled one if not given")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--size", type=int, default=1024, help="frame edge [px]")
    parser.add_argument("--frames", type=int, default=60, help="frames of each movie")
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
