"""IonFront and AtomAI on the same synthetic frames: IoU, and what one hot pixel in a neighbour frame changes.

    python benchmarks/same_frames.py --others-python OTHERS/bin/python [--atomai-train-minutes 60] [--model FILE.onnx]

AtomAI's network is trained here, for the minutes given, on 512 labelled frames of 256 px from the generator that
IonFront's network learned from. Both are judged on frames that neither has seen, each with a neighbour of its movie:
AtomAI takes the two as a stack, which it scales by its extremes; IonFront takes the neighbour as reference.
"""

import argparse
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.datasets import random_scene
from ionfront.models import load_segmenter

HELPER = Path(__file__).parent / "others" / "atomai_engine.py"
SIZE_PX, FRAMES_A_MOVIE = 256, 8
TRAINING_MOVIES = 64
FIRST_SEED = 910_000  # far above what a training run reaches, far below its validation movies

Labels = NDArray[np.uint8]
Pairs = NDArray[np.uint16]
Label = Callable[[Pairs], Labels]


def main() -> None:
    """Train AtomAI's network, label all frames with both, print the table."""
    options = _options()
    pairs, truth = _test_frames(options.frames)
    hot = _with_hot_pixel(pairs)
    with TemporaryDirectory() as folder:
        trained = _train_atomai(options, Path(folder))
        methods = _ionfront(options.model) | {
            f"AtomAI, {trained['cycles']} cycles ({trained['minutes']:.0f} min)": _atomai(options, Path(folder))
        }
        print("| | mean IoU | labels changed by one hot pixel in the neighbour frame |\n|---|---|---|")
        for name, label in methods.items():
            labels = label(pairs)
            print(f"| {name} | {_mean_iou(labels, truth):.3f} | {(label(hot) != labels).mean():.2%} |", flush=True)


def _ionfront(model: Path | None) -> dict[str, Label]:
    segmenter = load_segmenter(model, device="cpu")

    def compared(pairs: Pairs) -> Labels:
        return np.stack([segmenter.labels(pair) for pair in pairs])

    def alone(pairs: Pairs) -> Labels:
        return np.stack([segmenter.labels(pair[0]) for pair in pairs])

    return {"IonFront, neighbour as reference": compared, "IonFront, frame alone": alone}


def _train_atomai(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    scenes = [random_scene(seed, SIZE_PX, FRAMES_A_MOVIE) for seed in range(TRAINING_MOVIES)]
    frames = [scene.frame(index) for scene in scenes for index in range(len(scene))]
    images, labels = (np.stack(parts) for parts in zip(*frames, strict=True))
    np.savez(folder / "frames.npz", images=images, labels=labels)
    minutes = options.atomai_train_minutes
    return _call(options, "train", folder / "frames.npz", folder / "weights.pt", "--minutes", minutes)


def _atomai(options: argparse.Namespace, folder: Path) -> Label:
    def label(pairs: Pairs) -> Labels:
        np.save(folder / "stacks.npy", pairs)
        _call(options, "predict", folder / "stacks.npy", folder / "labels.npy", "--weights", folder / "weights.pt")
        labels: Labels = np.load(folder / "labels.npy")[:, 0]
        return labels

    return label


def _call(options: argparse.Namespace, *arguments: Any) -> dict[str, float]:
    command = [options.others_python, "-E", HELPER, *arguments]  # -E: paths set for IonFront are not for it
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def _test_frames(count: int) -> tuple[Pairs, Labels]:
    """Frames with the first of their movie behind them (n, 2, y, x), one a movie, and their label ids (n, y, x)."""
    pairs, truth = [], []
    for number in range(count):
        scene = random_scene(FIRST_SEED + number, SIZE_PX, FRAMES_A_MOVIE)
        image, label = scene.frame(1 + number % (FRAMES_A_MOVIE - 1))
        pairs.append(np.stack([image, scene.frame(0)[0]]))
        truth.append(label)
    return np.stack(pairs), np.stack(truth)


def _with_hot_pixel(pairs: Pairs) -> Pairs:
    """The same with one saturated pixel in each neighbour frame."""
    hot = pairs.copy()
    rng = np.random.default_rng(0)
    for pair in hot:
        pair[1][tuple(rng.integers(0, SIZE_PX, 2))] = np.iinfo(pairs.dtype).max
    return hot


def _mean_iou(labels: Labels, truth: Labels) -> float:
    """Over all pixels together, averaged over the phases that are labelled."""
    masks = [(labels == phase, truth == phase) for phase in np.unique(truth)]
    return float(np.mean([(ours & true).sum() / (ours | true).sum() for ours, true in masks]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--others-python", type=Path, required=True, help="interpreter that has atomai")
    parser.add_argument("--atomai-train-minutes", type=float, default=60)
    parser.add_argument("--model", type=Path, help="model file; the bundled one if not given")
    parser.add_argument("--frames", type=int, default=40, help="test frames, each from a movie of its own")
    return parser.parse_args()


if __name__ == "__main__":
    main()
