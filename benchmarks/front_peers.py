"""The arrival map beside what is done by hand: velocity errors on the same label movies, at several doses.

    python benchmarks/front_peers.py [--doses 5 20 80] [--movies 12] [--model FILE.onnx]

Movies are plain synthetic ones of one front, without drift and swelling, so that all methods see the same particle in
the same place; labels are the bundled network's. The two others are given the true distance from the entry, which a
student would read off the picture. "contours": in every frame the outlines of the product (scikit-image's
find_contours), the mean distance of their points inside the particle, and a straight line through it. "area": the rate
at which the product's area grows, over the mean breadth of the particle. Both lines are fitted between 10 and 90 % of
the way that they saw the front go. Seeds are used for nothing else.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import find_contours

from ionfront.analysis.measure import measure_labels
from ionfront.core import DEFAULT_SCHEME, Calibration, FrontFitError
from ionfront.datasets import Reference, Scene, random_scene
from ionfront.fronts import FrontTracker
from ionfront.models import Segmenter, load_segmenter
from ionfront.physics import LAW_NAMES

FIRST_SEED = 850_000
AVERAGED = 5
SHAPES = ("wire", "flake", "sphere")

Labels = NDArray[np.uint8]


def main() -> None:
    """Print a row for each dose and method."""
    options = _options()
    segmenter = load_segmenter(options.model)
    print(f"{segmenter.info.name} {segmenter.info.version}, {options.movies} movies a dose\n")
    print("| electrons a pixel | method | median velocity error | mean | worst | beside the arrival map |")
    print("|---|---|---|---|---|---|")
    for dose in options.doses:
        errors: dict[str, list[float]] = {name: [] for name in METHODS}
        for number in range(options.movies):
            scene = _scene(number, dose)
            labels = _labelled(scene, segmenter)
            truth = scene.truth()["fronts"][0]["velocity_nm_s"]
            for name, velocity in METHODS.items():
                errors[name].append(abs(velocity(labels, scene) / truth - 1))
        ours = float(np.median(errors["arrival map"]))
        for name, values in errors.items():
            middle, mean, worst = (100 * float(of(values)) for of in (np.median, np.mean, np.max))
            ratio = "" if name == "arrival map" else f"{middle / 100 / ours:.1f} x"
            print(f"| {dose:g} | {name} | {middle:.1f} % | {mean:.1f} % | {worst:.1f} % | {ratio} |", flush=True)


def _scene(number: int, dose: float) -> Scene:
    shape, law = SHAPES[number % 3], LAW_NAMES[number // 3 % len(LAW_NAMES)]
    scene = random_scene(FIRST_SEED + number, 256, 60, shape=shape, law=law, n_fronts=1)
    camera = replace(scene.camera, dose_e_px=dose, drift_px=np.zeros_like(scene.camera.drift_px))
    return replace(scene, camera=camera, swelling=0.0)


def _labelled(scene: Scene, segmenter: Segmenter) -> Labels:
    """Labels of every frame, each from the mean of some exposures, with the first one as reference."""
    reference = Reference(np.asarray(scene.frame(0, AVERAGED)[0]))
    frames = (np.asarray(scene.frame(index, AVERAGED)[0]) for index in range(len(scene)))
    return np.stack([segmenter.labels(reference.behind(frame)) for frame in frames])


def _by_arrival_map(labels: Labels, scene: Scene) -> float:
    tracker = FrontTracker(DEFAULT_SCHEME, labels[0].shape, register=False)
    movie = xr.DataArray(labels, {"time": scene.time_s}, ("time", "y", "x"))
    measure_labels(movie, DEFAULT_SCHEME, tracker, None, lambda *_: None)
    try:
        result = tracker.result(Calibration(scene.pixel_size_nm, float(scene.time_s[1])))
    except FrontFitError:
        return 0.0  # nothing found is all wrong
    rate = result.transitions[0].rate if result.transitions else None
    return 0.0 if rate is None else rate.velocity.value


def _by_contours(labels: Labels, scene: Scene) -> float:
    distance, inner = scene.shape.distance_px, ndimage.binary_erosion(scene.inside, iterations=3)
    position = []
    for product in _product(labels, scene):
        points = np.concatenate([np.zeros((0, 2)), *find_contours(product.astype(float), 0.5)]).round().astype(int)
        at_front = points[inner[points[:, 0], points[:, 1]]]
        position.append(float(distance[at_front[:, 0], at_front[:, 1]].mean()) if len(at_front) else np.nan)
    return _slope(np.array(position), scene) * scene.pixel_size_nm


def _by_area(labels: Labels, scene: Scene) -> float:
    area = np.array([float(product.sum()) for product in _product(labels, scene)])
    breadth = float(scene.inside.sum()) / scene.shape.depth_px
    return _slope(area / breadth, scene) * scene.pixel_size_nm


def _product(labels: Labels, scene: Scene) -> list[NDArray[np.bool_]]:
    return [(frame > DEFAULT_SCHEME.names.index("pristine")) & scene.inside for frame in labels]


def _slope(position: NDArray[np.float64], scene: Scene) -> float:
    """Of a straight line through what lies between 10 and 90 % of the way [px/s]; 0 where that is too little."""
    way = np.nanmax(position, initial=0.0)
    use = (position > 0.1 * way) & (position < 0.9 * way)
    return float(np.polyfit(scene.time_s[use], position[use], 1)[0]) if use.sum() > 2 else 0.0


METHODS: dict[str, Callable[[Labels, Scene], float]] = {
    "arrival map": _by_arrival_map,
    "contours": _by_contours,
    "area": _by_area,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--doses", type=float, nargs="+", default=[5, 20, 80], help="electrons a pixel and frame")
    parser.add_argument("--movies", type=int, default=12)
    parser.add_argument("--model", type=Path, default=None, help="the bundled model if not given")
    return parser.parse_args()


if __name__ == "__main__":
    main()
