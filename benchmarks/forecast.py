"""Forecasts of fronts under way beside extrapolations: tables on stdout.

    python benchmarks/forecast.py [--movies 100] [--seed 1]

Each movie is a run of the simulator in the plane: a random step of the table in a random experiment, with descriptors
that are off the table's, unknowns drawn, and flaws of outline and pinning. Its labels tremble from frame to frame, and
are measured as any label movie's are, up to the frame at which the front has come 10, 30 and 60 % of the way that it
goes in the end. All methods say when it will have come to 90 % of the particle.
"""

import argparse
import time
import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ionfront.core import DEFAULT_SCHEME, Calibration, FrontFitError
from ionfront.datasets import all_steps
from ionfront.fronts import FrontTrack, FrontTracker, fit_law, law_probabilities
from ionfront.fronts.rate_fit import usable
from ionfront.models.forecast import Forecaster
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.reaction import drawn, front_cases, reactions, varied
from ionfront.physics import GEOMETRIES, LAW_NAMES, Body
from ionfront.training.front_runs import drawn_experiment, layer_times, plane_run

Floats = NDArray[np.float64]

CUTS = (0.1, 0.3, 0.6)
GOAL = 0.9
FRAMES = 150
TREMBLE_PX = 0.7
SMOOTH_PX = 3.0
NONE = (np.nan, np.nan, np.nan, np.nan)  # time, low, high, probability that it gets there


def main() -> None:
    options = _options()
    warnings.simplefilter("ignore")
    head = load_kinetics_head()
    answers: dict[str, list[tuple[float, ...]]] = {}
    truths: list[tuple[float, float, float]] = []
    took = []
    rng = np.random.default_rng(options.seed)
    done = 0
    while done < options.movies:
        steps = all_steps()
        step, experiment = steps[rng.integers(len(steps))], drawn_experiment(rng)
        if GEOMETRIES[experiment.geometry].dimension == 3:
            continue
        true = varied(reactions([step], [experiment]), rng)
        body, arrival = plane_run(front_cases(true, drawn(1, rng)), experiment.geometry, int(rng.integers(2**63)))
        when, way = layer_times(body, arrival)
        seen = np.isfinite(when)
        if seen.sum() < 6:
            continue
        reached = way[seen][-1]
        goal_s = float(np.interp(GOAL * experiment.size_nm, way, when)) if seen.all() else np.inf
        start = time.perf_counter()
        forecaster = Forecaster(head, [step], experiment)
        built = time.perf_counter() - start
        length = when[seen][-1] * (1.2 if seen.all() else rng.uniform(1.2, 3.0))
        frames = np.linspace(-0.05, 1, FRAMES) * length
        labels = _labels(body, arrival, frames, rng)
        for cut in CUTS:
            now = float(np.interp(cut * reached, np.append(0, way[seen]), np.append(0, when[seen])))
            n = int(np.searchsorted(frames, now, "right"))
            track = _track(labels[:n], frames[:n], body.pixel_size_nm)
            truths.append((cut, goal_s, now))
            start = time.perf_counter()
            answers.setdefault("forecast", []).append(
                _forecast(forecaster, track, frames[:n], experiment.size_nm, body)
            )
            took.append(time.perf_counter() - start)
            answers.setdefault("best-fit law", []).append(_law(track, experiment.size_nm, body.pixel_size_nm))
            answers.setdefault("straight line", []).append(_line(track, experiment.size_nm))
        done += 1
        if done % 10 == 0:
            print(f"{done} movies, a forecaster made in {built:.2f} s", flush=True)
    _print(answers, np.array(truths))
    print(f"\nA forecast takes {np.median(took) * 1e3:.1f} ms, {max(took) * 1e3:.1f} ms at most.")


def _labels(body: Body, arrival: Floats, frames: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Label movie whose fronts and outlines tremble, shape (n, y, x)."""
    filled = np.where(np.isfinite(arrival), arrival, np.inf)
    nearest = ndimage.distance_transform_edt(~body.inside, return_distances=False, return_indices=True)
    filled = filled[tuple(nearest)]
    where = np.mgrid[: filled.shape[0], : filled.shape[1]].astype(float)
    movie = np.empty((len(frames), *filled.shape), np.uint8)
    for n, moment in enumerate(frames):
        shift = ndimage.gaussian_filter(rng.standard_normal(where.shape), (0, SMOOTH_PX, SMOOTH_PX))
        at = np.rint(where + shift * TREMBLE_PX / shift.std()).astype(int)
        y, x = (np.clip(part, 0, size - 1) for part, size in zip(at, filled.shape, strict=True))
        movie[n] = np.where(body.inside[y, x], np.where(filled[y, x] <= moment, 3, 1), 0)
    return movie


def _track(labels: NDArray[np.uint8], frames: Floats, pixel_nm: float) -> FrontTrack | None:
    tracker = FrontTracker(DEFAULT_SCHEME, labels.shape[1:], register=False)
    identity = np.eye(DEFAULT_SCHEME.count, dtype=np.float32)
    for moment, frame in zip(frames, labels, strict=True):
        tracker.push(float(moment), np.moveaxis(identity[frame], -1, 0))
    try:
        found = tracker.result(Calibration(pixel_size_nm=pixel_nm))
    except FrontFitError:
        return None
    return found.transitions[0].track if found.transitions else None


def _forecast(
    forecaster: Forecaster, track: FrontTrack | None, frames: Floats, size_nm: float, body: Body
) -> tuple[float, ...]:
    position = np.full(len(frames), np.nan) if track is None else np.where(track.in_sight, track.position, np.nan)
    time_s = frames if track is None else track.time
    said = forecaster.forecast(time_s, position, [GOAL * size_nm], error_nm=0.5 * body.pixel_size_nm)
    return (*said.time_s[0].tolist(), float(said.reached[0]))


def _law(track: FrontTrack | None, size_nm: float, pixel_nm: float) -> tuple[float, ...]:
    try:
        use = usable(track) if track is not None else np.zeros(0, bool)
    except FrontFitError:
        return NONE
    if track is None:
        return NONE
    fits = {law: fit_law(law, track.time[use], track.position[use], pixel_nm) for law in LAW_NAMES}
    likely = law_probabilities(fits, pixel_nm)
    best = fits[max(LAW_NAMES, key=lambda law: likely[law])]
    reach = float(best.law.time_s(np.array([GOAL * size_nm - best.offset]))[0]) + best.onset
    return (reach, np.nan, np.nan, float(np.isfinite(reach)))


def _line(track: FrontTrack | None, size_nm: float) -> tuple[float, ...]:
    if track is None or track.in_sight.sum() < 2:
        return NONE
    slope, level = np.polyfit(track.time[track.in_sight], track.position[track.in_sight], 1)
    return ((GOAL * size_nm - level) / slope if slope > 0 else np.inf, np.nan, np.nan, float(slope > 0))


def _print(answers: dict[str, list[tuple[float, ...]]], truths: Floats) -> None:
    print("\n| seen | method | a time for | median error | nine of ten within | 95 % interval holds | Brier score |")
    print("|---|---|---|---|---|---|---|")
    for cut in CUTS:
        for name, all_of in answers.items():
            mine = truths[:, 0] == cut
            said, goal = np.array(all_of)[mine], truths[mine, 1]
            gets = np.isfinite(goal)
            told = gets & np.isfinite(said[:, 0])
            off = np.where(told, np.abs(np.log10(np.maximum(said[:, 0], 1e-300) / goal)), np.inf)[gets]
            held = ((said[:, 1] <= goal) & (goal <= said[:, 2]))[told].mean() if name == "forecast" else np.nan
            brier = np.mean((np.nan_to_num(said[:, 3], nan=0.5) - gets) ** 2)
            middle, most = (f"{10**q - 1:.0%}" if np.isfinite(q) else "none" for q in np.quantile(off, (0.5, 0.9)))
            interval = f"{held:.0%}" if name == "forecast" else "none"
            print(
                f"| {cut:.0%} | {name} | {told.sum()} of {gets.sum()} | {middle} | {most} | {interval} | {brier:.2f} |"
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--movies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
