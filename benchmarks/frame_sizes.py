"""Frames larger than those trained on, seen once and at several sizes: a Markdown table on stdout.

    python benchmarks/frame_sizes.py [--model FILE.onnx] [--sizes 512 1024 2048] [--frames 16 12 4]

One frame each of generator movies whose particles fill it as they do at 256 px, with the first frame as reference. IoU
is averaged over the phases that fill at least 1 % of a frame, then over frames; seeds are used for nothing else.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionfront.datasets import random_scene
from ionfront.models import Segmenter, load_segmenter

FIRST_SEED = 700_500
BINS = 15


def main() -> None:
    """A row for each family and size."""
    options = _options()
    several, once = (load_segmenter(options.model, device="cpu") for _ in range(2))
    once.info = once.info.model_copy(update={"field_px": None})
    print("| family | frame | mean IoU, seen once | at several sizes | calibration error, once | at several |")
    print("|---|---|---|---|---|---|")
    for family in ("plain", "wide"):
        for size, frames in zip(options.sizes, options.frames, strict=True):
            rows = np.array([_scores(family, size, number, (once, several)) for number in range(frames)])
            iou_once, iou, error_once, error = rows.mean(axis=0).T.ravel()
            print(f"| {family} | {size}² | {iou_once:.3f} | {iou:.3f} | {error_once:.3f} | {error:.3f} |", flush=True)


def _scores(family: str, size: int, number: int, segmenters: tuple[Segmenter, ...]) -> list[tuple[float, float]]:
    """IoU and calibration error of each segmenter on one frame."""
    scene = random_scene(FIRST_SEED + number, size, 60, family=family)
    image, label = scene.frame(scene.lit(25 + number % 20))
    frame = np.stack([image, scene.frame(0, 5)[0]])
    found = [segmenter.probabilities(frame) for segmenter in segmenters]
    return [(_mean_iou(probabilities.argmax(0), label), _error(probabilities, label)) for probabilities in found]


def _mean_iou(labels: NDArray[np.intp], truth: NDArray[np.uint8]) -> float:
    phases = [phase for phase in np.unique(truth) if np.mean(truth == phase) > 0.01]
    return float(np.mean([((labels == k) & (truth == k)).sum() / ((labels == k) | (truth == k)).sum() for k in phases]))


def _error(probabilities: NDArray[np.float32], truth: NDArray[np.uint8]) -> float:
    """Expected calibration error over equal bins of the largest probability."""
    sure, right = probabilities.max(axis=0).ravel(), (probabilities.argmax(axis=0) == truth).ravel()
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(place, sure, BINS) - np.bincount(place, right, BINS)
    return float(np.abs(gaps).sum() / sure.size)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="the bundled model if not given")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048], help="frame edges [px]")
    parser.add_argument("--frames", type=int, nargs="+", default=[16, 12, 4], help="how many of each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
