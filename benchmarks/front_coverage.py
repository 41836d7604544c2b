"""Whether stated intervals hold the truth, over many synthetic movies through the network: a table on stdout.

    python benchmarks/front_coverage.py --results FILE.jsonl [--movies 200] [--still 40] [--model FILE.onnx]
        [--workers 2] [--dose E_PX] [--drift PX] [--drops SHARE] [--label-noise SHARE]

Movies are plain ones of 60 frames and 256 px whose seeds are used for nothing else, all pairs of geometry and law in
turn; `--still` more show no reaction. The true exponent is that of the exact positions, fitted as the measured ones
are; a pixel's arrival time is compared where the front passed in the movie and in the measurement. What FILE holds
already is not measured again. `--dose`, `--drift` (steady, pixels a frame) and `--drops` (share of frames that the
recorder lost) are put in place of the movies' own. `--label-noise` leaves the network out: exact labels are measured,
with this share of the pixels in another phase that the movie has, drawn anew in every frame.
"""

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr
from statsmodels.stats.proportion import proportion_confint

from ionfront.analysis.measure import measure_labels, measure_movie, reference_for, tracker_for_network
from ionfront.core import DEFAULT_SCHEME, Calibration, FrontFitError, Quantity
from ionfront.datasets import Scene, frames_to_average, random_scene
from ionfront.fronts import FrontResult, FrontTrack, FrontTracker
from ionfront.fronts.rate_fit import fit_exponent, usable
from ionfront.models import Segmenter, load_segmenter
from ionfront.physics import LAW_NAMES

FIRST_SEED = 860_000  # far above what a training run reaches
FIRST = 24  # settings were chosen by the movies before this one
SHAPES = ("wire", "flake", "sphere")
_FIELD_PX = 25.0  # how far a particle may drift
QUANTITIES = ("velocity", "exponent", "onset")


@dataclass(frozen=True)
class Conditions:
    """What is put in place of a movie's own; None leaves it."""

    dose: float | None = None
    drift: float | None = None
    drops: float | None = None
    label_noise: float | None = None

    @property
    def name(self) -> str:
        """What they are called in a results file."""
        return ", ".join(f"{key} {value:g}" for key, value in vars(self).items() if value is not None) or "as drawn"


@dataclass(frozen=True)
class Task:
    """One movie."""

    number: int
    still: bool
    conditions: Conditions
    model: Path | None

    @property
    def key(self) -> tuple[int, bool, str]:
        """What it is known by in a results file."""
        return self.number, self.still, self.conditions.name


def main() -> None:
    """Measure what the results file lacks, then print its table."""
    options = _options()
    conditions = Conditions(options.dose, options.drift, options.drops, options.label_noise)
    measure_all(tasks(options.movies, options.still, conditions, options.model), options.results, options.workers)
    rows = [row for row in read_rows(options.results) if row["conditions"] == conditions.name]
    print_table([row for row in rows if not row["still"]], [row for row in rows if row["still"]])


def tasks(movies: int, still: int, conditions: Conditions, model: Path | None) -> list[Task]:
    """So many movies that react, and so many that do not."""
    kinds = [(FIRST + number, False) for number in range(movies)] + [(number, True) for number in range(still)]
    return [Task(number, quiet, conditions, model) for number, quiet in kinds]


def measure_all(wanted: Sequence[Task], results: Path, workers: int) -> None:
    """Append what is not there yet, a row as soon as it is known."""
    done = {(row["number"], row["still"], row["conditions"]) for row in read_rows(results)}
    missing = [task for task in wanted if task.key not in done]
    with ProcessPoolExecutor(workers) as pool:
        for number, row in enumerate(pool.map(measure, missing), 1):
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(f"\r{number} of {len(missing)} movies", end="", flush=True)
    print()


def read_rows(results: Path) -> list[dict[str, Any]]:
    """What a results file holds."""
    return [json.loads(line) for line in results.read_text().splitlines()] if results.is_file() else []


def measure(task: Task) -> dict[str, Any]:
    """One movie through frame averaging, the network and the whole measurement."""
    scene = _scene(task)
    kept = _kept(len(scene), task.conditions.drops or 0.0, scene.seed)
    row: dict[str, Any] = {"number": task.number, "still": task.still, "conditions": task.conditions.name}
    noise = task.conditions.label_noise
    result = _result(scene, kept, _segmenter(task.model)) if noise is None else _of_labels(scene, kept, noise)
    row["reaction"] = result is not None and result.reaction_observed
    if task.still:
        return row
    return row | _against_truth(scene, result, scene.time_s[kept])


def _scene(task: Task) -> Scene:
    shape, law = SHAPES[task.number % 3], LAW_NAMES[task.number // 3 % len(LAW_NAMES)]
    seed = FIRST_SEED + task.number + 5_000 * task.still
    scene = random_scene(seed, 256, 60, shape=shape, law=law, n_fronts=0 if task.still else None)
    camera, conditions = scene.camera, task.conditions
    if conditions.dose is not None:
        camera = replace(camera, dose_e_px=conditions.dose)
    if conditions.drift is not None:
        towards = np.random.default_rng([seed, 7]).uniform(0, 2 * np.pi)
        way = _to_and_fro(conditions.drift * np.arange(len(scene)))
        camera = replace(camera, drift_px=way[:, None] * np.array([np.sin(towards), np.cos(towards)]))
    return replace(scene, camera=camera)


def _to_and_fro(way: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A way that turns back wherever the particle would leave the field."""
    return np.asarray(np.abs((way + _FIELD_PX) % (2 * _FIELD_PX) - _FIELD_PX))


def _kept(n_frames: int, drops: float, seed: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Frames that the recorder saved; the first always."""
    saved = np.random.default_rng([seed, 8]).random(n_frames) >= drops
    saved[0] = True
    return np.flatnonzero(saved)


def _result(scene: Scene, kept: Sequence[int], segmenter: Segmenter) -> FrontResult | None:
    frames = np.stack([scene.frame(int(index))[0] for index in kept])
    calibration = Calibration(scene.pixel_size_nm, float(scene.time_s[1]))
    attrs = {"pixel_size_nm": calibration.pixel_size_nm, "frame_time_s": calibration.frame_time_s}
    movie = xr.DataArray(frames, {"time": scene.time_s[kept]}, ("time", "y", "x"), attrs=attrs)
    scheme = segmenter.info.scheme
    averaged = frames_to_average(movie)
    tracker = tracker_for_network(scheme, (movie.sizes["y"], movie.sizes["x"]), averaged)
    with TemporaryDirectory() as folder:
        path, reference = Path(folder) / "labels.zarr", reference_for(segmenter, movie)
        measure_movie(movie, segmenter.probabilities, scheme, tracker, path, lambda *_: None, averaged, reference)
    return _measured(tracker, calibration)


def _of_labels(scene: Scene, kept: Sequence[int], noise: float) -> FrontResult | None:
    exact = np.stack([scene.frame(int(index))[1] for index in kept])
    phases, places = np.unique(exact, return_inverse=True)
    rng = np.random.default_rng([scene.seed, 9])
    wrong = rng.random(exact.shape) < noise
    labels = phases[(places.reshape(exact.shape) + wrong * rng.integers(1, phases.size, exact.shape)) % phases.size]
    movie = xr.DataArray(labels, {"time": scene.time_s[kept]}, ("time", "y", "x"))
    tracker = FrontTracker(DEFAULT_SCHEME, labels.shape[1:])
    measure_labels(movie, DEFAULT_SCHEME, tracker, None, lambda *_: None)
    return _measured(tracker, Calibration(scene.pixel_size_nm, float(scene.time_s[1])))


def _measured(tracker: FrontTracker, calibration: Calibration) -> FrontResult | None:
    try:
        return tracker.result(calibration)
    except FrontFitError:
        return None


def _against_truth(scene: Scene, result: FrontResult | None, time: np.ndarray[Any, Any]) -> dict[str, Any]:
    front, truth = scene.fronts[0], scene.truth()["fronts"][0]
    exact = front.position_nm(time, scene.depth_nm)
    track = FrontTrack(time, exact, np.zeros((1, time.size)), scene.depth_nm)
    row: dict[str, Any] = {"seed": scene.seed, "shape": scene.shape.kind, "law": truth["law"], "found": "none"}
    try:
        moving = usable(track)
    except FrontFitError:
        return row | {"short": True}
    elapsed = time[moving] - front.onset_s
    row["decade"] = bool(elapsed[-1] >= 10 * max(elapsed[0], 1e-9))
    true = {
        "velocity": truth["velocity_nm_s"],
        "exponent": fit_exponent(time[moving], exact[moving], scene.pixel_size_nm),
        "onset": front.onset_s,
    }
    rate = result.transitions[0].rate if result is not None and result.transitions else None
    if result is None or rate is None:
        return row
    row |= {name: [true[name], *_ends(getattr(rate, name))] for name in QUANTITIES}
    found = result.maps[0]
    both = np.isfinite(found.arrival) & (front.arrival_s <= time[-1]) & (front.arrival_s > time[0])
    away = np.abs(found.arrival[both] - front.arrival_s[both])
    held = away <= 1.96 * found.arrival_std[both]
    row |= {
        "arrival_held": float(held.mean()),
        "arrival_off_s": float(np.median(away)),
        "frame_s": float(scene.time_s[1]),
    }
    anisotropy = result.transitions[0].anisotropy
    row |= {"anisotropy": anisotropy and anisotropy.form, "law_change": rate.turn is not None}
    return row | {"found": rate.law, "probability": rate.probabilities[rate.law]}


def _ends(quantity: Quantity) -> list[float]:
    return [quantity.value, quantity.low, quantity.high]


@cache
def _segmenter(model: Path | None) -> Segmenter:
    return load_segmenter(model, device="cpu", threads=1)


def print_table(rows: Sequence[dict[str, Any]], still: Sequence[dict[str, Any]]) -> None:
    """Errors, coverage, laws and false fronts."""
    measured = [row for row in rows if "velocity" in row]
    print(f"{len(rows)} movies, {len(measured)} with a rate law\n")
    print("| quantity | median absolute error | 95 % intervals that hold the truth |\n|---|---|---|")
    formats = {"velocity": "{:.2%}", "exponent": "{:.3f}", "onset": "{:.2f} frames"}
    for name, (off, held) in errors_of(measured).items():
        print(f"| {name} | {formats[name].format(np.median(off))} | {_share(int(held.sum()), len(measured))} |")
    pixels = np.array([row["arrival_held"] for row in measured])
    off = np.median([row["arrival_off_s"] / row["frame_s"] for row in measured])
    print(f"| arrival time of a pixel | {off:.2f} frames | {pixels.mean():.1%} of pixels |\n")
    long = [row for row in rows if row.get("decade")]
    for name, some in (("all movies", rows), ("tracks that span a decade", long)):
        right = sum(row["found"] == row["law"] for row in some)
        print(f"right law, {name}: {_share(right, len(some))}")
    told = [row["anisotropy"] for row in measured if row["anisotropy"]]
    isotropic, changes = told.count("isotropic"), sum(row["law_change"] for row in measured)
    print(f"called isotropic, as all are, of those seen in enough directions: {_share(isotropic, len(told))}")
    print(f"a change of law seen where there is none: {_share(changes, len(measured))}")
    print(f"fronts seen in movies without a reaction: {sum(row['reaction'] for row in still)} of {len(still)}")


def errors_of(measured: Sequence[dict[str, Any]]) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Of each quantity, its absolute errors (of velocity relative, of onset in frames), and which intervals hold."""
    values = {name: np.array([row[name] for row in measured]).reshape(-1, 4) for name in QUANTITIES}
    units = {"velocity": values["velocity"][:, 0], "onset": np.array([row["frame_s"] for row in measured])}
    return {
        name: (np.abs(v[:, 1] - v[:, 0]) / units.get(name, 1.0), (v[:, 2] <= v[:, 0]) & (v[:, 0] <= v[:, 3]))
        for name, v in values.items()
    }


def _share(count: int, of: int) -> str:
    if of == 0:
        return "none"
    low, high = proportion_confint(count, of, method="wilson")
    return f"{count} of {of}: {count / of:.1%} (95 %: {low:.1%} to {high:.1%})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, one a movie; appended to")
    parser.add_argument("--movies", type=int, default=200)
    parser.add_argument("--still", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", type=Path, default=None, help="the bundled model if not given")
    parser.add_argument("--dose", type=float, help="electrons a pixel and frame")
    parser.add_argument("--drift", type=float, help="pixels a frame, in a random direction")
    parser.add_argument("--drops", type=float, help="share of frames that are missing")
    parser.add_argument("--label-noise", type=float, help="share of wrong labels, in place of the network's")
    return parser.parse_args()


if __name__ == "__main__":
    main()
