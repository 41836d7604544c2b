"""Local speeds of a real front by two ways: the arrival map, and how far the surface moved between stages.

    python benchmarks/etching_speeds.py VOLUMES [VOLUMES …]

Each VOLUMES is a folder of binary volumes (z, y, x), one a stage, of a nanoparticle that is etched in a liquid cell
(github.com/chenlabUIUC/AutoLCET, MIT). Three planes through the middle of the first stage are measured, one across each
axis. The second way knows no arrival maps: from every boundary point of the particle, the signed distance to the
nearest boundary of the particle some stages later (negative where it grew), over the time between them. Where a front
passed between those stages the two are compared, for several numbers of stages: few let the segmentation's jitter in,
many cut corners and average over a speed that changes. Lengths are voxels, times are stages.
"""

import argparse
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from ionfront.core import Calibration, FrontFitError, PhaseScheme
from ionfront.fronts import FrontTracker

SCHEME = PhaseScheme(("void", "particle"), ("particle", "void"))
LABEL_ERROR = 0.05
FEWEST = 20
STAGES_APART = (1, 2, 3, 5)  # the authors compute their rates over 5

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def main() -> None:
    """A row for each particle and plane."""
    options = _options()
    print(f"| particle | plane | front | speed | {' | '.join(f'ratio over {apart}' for apart in STAGES_APART)} |")
    print(f"|---|---|---|---|{'---|' * len(STAGES_APART)}")
    ratios = []
    for folder in options.volumes:
        stages = np.stack([tifffile.imread(path) > 0 for path in sorted(folder.glob("*.tif"))])
        for axis, name in enumerate(("z", "y", "x"), 1):
            middle = int(np.mean(np.nonzero(stages[0])[axis - 1]))
            law, speed, found = _compared(np.take(stages, middle, axis=axis))
            ratios.append(found)
            cells = " | ".join("" if np.isnan(ratio) else f"{ratio:.2f}" for ratio in found)
            print(f"| {folder.name} | {name} = {middle} | {law} | {speed:.2f} | {cells} |", flush=True)
    print(f"| median | | | | {' | '.join(f'{ratio:.2f}' for ratio in np.nanmedian(ratios, axis=0))} |")


def _compared(frames: Mask) -> tuple[str, float, list[float]]:
    """Law, median local speed, and its ratio to that of the nearest surface over each number of stages."""
    tracker = FrontTracker(SCHEME, frames.shape[1:], register=False)
    for time, frame in enumerate(frames):
        right = np.stack([~frame, frame]).astype(np.float32)
        tracker.push(float(time), LABEL_ERROR + (1 - 2 * LABEL_ERROR) * right)
    try:
        result = tracker.result(Calibration(None, None))
    except FrontFitError as error:
        return f"none: {error}", np.nan, [np.nan] * len(STAGES_APART)
    if not result.maps:
        return "none seen", np.nan, [np.nan] * len(STAGES_APART)
    found, rate = result.maps[0], result.transitions[0].rate
    law = "too few stages"
    if rate is not None:
        speed = rate.velocity
        law = f"{rate.law}, {speed.value:.2f} ({speed.low:.2f} to {speed.high:.2f})"
    ratios = []
    for apart in STAGES_APART:
        by_map, by_surface = _pairs(found.speed_px, found.arrival, frames, apart)
        enough = by_map.size >= FEWEST and apart < len(frames) / 2
        ratios.append(float(np.median(by_map) / np.median(by_surface)) if enough else np.nan)
    return law, float(np.nanmedian(found.speed_px)), ratios


def _pairs(speed: Floats, arrival: Floats, frames: Mask, apart: int) -> tuple[Floats, Floats]:
    """Speeds by both ways at the same places and times, each of shape (n,)."""
    by_map, by_surface = [np.zeros(0)], [np.zeros(0)]
    for first in range(len(frames) - apart):
        before, after = (_boundary(frames[index]) for index in (first, first + apart))
        rows, columns = np.nonzero(np.isfinite(speed) & (arrival >= first) & (arrival < first + apart))
        if not (len(before) and len(after) and rows.size):
            continue
        inside = ndimage.map_coordinates(frames[first + apart].astype(float), before.T, order=1) > 0.5
        moved = cKDTree(after).query(before)[0] * np.where(inside, -1, 1) / apart
        nearest = cKDTree(before).query(np.column_stack([rows, columns]))[1]
        by_map.append(speed[rows, columns])
        by_surface.append(moved[nearest])
    return np.concatenate(by_map), np.concatenate(by_surface)


def _boundary(particle: Mask) -> Floats:
    """Points (y, x) along the outline, between pixels, of the smoothed mask."""
    soft = ndimage.gaussian_filter(particle.astype(float), 1.0)
    return np.concatenate([np.zeros((0, 2)), *find_contours(np.pad(soft, 1), 0.5)]) - 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("volumes", type=Path, nargs="+", help="folders of volumes, a stage each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
