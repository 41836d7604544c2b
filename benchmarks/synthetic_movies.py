"""How well speed and law come back from synthetic movies that no model was trained on.

    python benchmarks/synthetic_movies.py [--movies 20] [--first-seed 900000] [--model FILE.onnx]

Every movie goes through frame averaging, the network and the whole measurement, as in `ionfront analyze`. Geometries
and laws are taken in turn, so that all of their pairs occur. Training draws its seeds from 0 and its validation movies
from 1,000,000,000 upwards; these lie in between, far above what a training run reaches.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr

from ionfront.analysis.measure import measure_movie, reference_for, tracker_for_network
from ionfront.core import Calibration
from ionfront.datasets import SHAPE_NAMES, Scene, frames_to_average, open_labels, random_scene
from ionfront.fronts import FrontResult
from ionfront.models import Segmenter, load_segmenter
from ionfront.physics import LAW_NAMES


@dataclass(frozen=True)
class Outcome:
    """One movie: the first front's error, and the agreement of labels."""

    seed: int
    shape: str
    law: str
    found: str
    error: float
    covered: bool
    confusion: np.ndarray[Any, np.dtype[np.int64]]


def main() -> None:
    """Print a row for each movie and the summary."""
    options = _options()
    segmenter = load_segmenter(options.model)
    pairs = [(SHAPE_NAMES[i % 3], LAW_NAMES[i // 3 % 4]) for i in range(options.movies)]
    outcomes = []
    print("| seed | shape | law | found | velocity error | inside its 95 % | mean IoU |\n|---|---|---|---|---|---|---|")
    for number, (shape, law) in enumerate(pairs):
        scene = random_scene(options.first_seed + number, size_px=256, n_frames=60, shape=shape, law=law)
        outcome = _measure(scene, segmenter)
        outcomes.append(outcome)
        inside = "yes" if outcome.covered else "no"
        print(
            f"| {outcome.seed} | {shape} | {law} | {outcome.found} | {100 * outcome.error:+.1f} % | {inside} "
            f"| {_mean_iou(outcome.confusion):.3f} |",
            flush=True,
        )
    _summarise(outcomes)


def _measure(scene: Scene, segmenter: Segmenter) -> Outcome:
    frames, truths = zip(*(scene.frame(index) for index in range(len(scene))), strict=True)
    calibration = Calibration(scene.pixel_size_nm, float(scene.time_s[1]))
    attrs = {"pixel_size_nm": calibration.pixel_size_nm, "frame_time_s": calibration.frame_time_s}
    movie = xr.DataArray(np.stack(frames), {"time": scene.time_s}, ("time", "y", "x"), attrs=attrs)
    averaged = frames_to_average(movie)
    tracker = tracker_for_network(segmenter.info.scheme, (movie.sizes["y"], movie.sizes["x"]), averaged)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "labels.zarr"
        reference = reference_for(segmenter, movie)
        measure_movie(
            movie, segmenter.probabilities, segmenter.info.scheme, tracker, path, lambda *_: None, averaged, reference
        )
        labels = open_labels(path).values
    pairs = 5 * np.stack(truths).astype(np.int64) + labels
    confusion = np.bincount(pairs.ravel(), minlength=25).reshape(5, 5)
    result = tracker.result(calibration)
    truth = scene.truth()
    found, error, covered = _compared(result, truth["fronts"][0])
    return Outcome(scene.seed, scene.shape.kind, truth["fronts"][0]["law"], found, error, covered, confusion)


def _compared(result: FrontResult, truth: dict[str, Any]) -> tuple[str, float, bool]:
    """Law, relative error of the velocity, and whether the interval holds the truth; a front not found is all wrong."""
    rate = result.transitions[0].rate if result.transitions else None
    if rate is None:
        return "none", float("inf"), False
    true = truth["velocity_nm_s"]
    return rate.law, rate.velocity.value / true - 1, rate.velocity.low <= true <= rate.velocity.high


def _mean_iou(confusion: np.ndarray[Any, np.dtype[np.int64]]) -> float:
    hits = confusion.diagonal()
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hits
    labelled = confusion.sum(axis=1) > 0
    return float(np.mean(hits[labelled] / union[labelled]))


def _summarise(outcomes: list[Outcome]) -> None:
    errors = [abs(outcome.error) for outcome in outcomes]
    right = sum(outcome.found == outcome.law for outcome in outcomes)
    covered = sum(outcome.covered for outcome in outcomes)
    pooled = np.sum([outcome.confusion for outcome in outcomes], axis=0)
    print(f"\nmedian |velocity error|: {100 * np.median(errors):.2f} %   worst: {100 * np.max(errors):.1f} %")
    print(f"right law: {right} of {len(outcomes)}   truth inside the 95 % interval: {covered} of {len(outcomes)}")
    by_movie = np.mean([_mean_iou(outcome.confusion) for outcome in outcomes])
    print(f"mean IoU over phases: {_mean_iou(pooled):.3f} pooled over all pixels, {by_movie:.3f} averaged over movies")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--movies", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=900_000)
    parser.add_argument("--model", type=Path, default=None, help="the bundled model if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
