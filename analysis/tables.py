"""fronts.csv and arrival.tif: the measurement in forms that any program opens."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from ionfront.core import Calibration
from ionfront.fronts import FrontResult, TransitionResult

__all__ = ["write_arrival", "write_fronts"]

Floats = NDArray[np.float64]


def write_fronts(path: Path, result: FrontResult, calibration: Calibration) -> None:
    """One row for each frame and transition of each particle; units are in the column names. Empty means not known."""
    length, time = calibration.length_unit, calibration.time_unit
    columns = ["frame", f"time_{time}", "particle", "half_cycle", "transition", f"position_{length}"]
    columns += [f"position_low_{length}", f"position_high_{length}", f"fit_{length}", "reacted_fraction"]
    columns += [f"drift_y_{length}", f"drift_x_{length}"]
    pixel = calibration.pixel_size_nm or 1.0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number, particle in enumerate(result.particles, 1):
            for turn, cycle in enumerate(particle.cycles, 1):
                for item, arrival in zip(cycle.transitions, cycle.arrival, strict=True):
                    fractions = _reacted_fraction(arrival[particle.mask], item.track.time)
                    frames = np.searchsorted(result.time, item.track.time)
                    for frame, fraction, row in zip(frames, fractions, _rows(item), strict=True):
                        cells = (*row, fraction, *(result.drift_px[frame] * pixel))
                        place = [frame, _cell(result.time[frame]), number, turn]
                        writer.writerow([*place, *(_cell(value) for value in cells)])


def write_arrival(path: Path, result: FrontResult, calibration: Calibration) -> None:
    """Arrival times and their standard deviations, float32 OME-TIFF of shape (2 transitions, y, x); NaN: not reached.

    The channel names say which is which, and in which unit.
    """
    time, pixel = calibration.time_unit, calibration.pixel_size_nm
    names: list[str] = []
    planes = []
    for found in result.maps:
        of = f", half cycle {found.half_cycle}" if result.half_cycles > 1 else ""
        names += [f"{found.transition}{of} arrival [{time}]", f"{found.transition}{of} arrival_std [{time}]"]
        planes += [np.where(np.isfinite(found.arrival), found.arrival, np.nan), found.arrival_std]
    if not planes:
        names, planes = ["no reaction"], [np.full(result.shape, np.nan)]
    metadata: dict[str, object] = {"axes": "CYX", "Channel": {"Name": names}}
    if pixel is not None:
        sizes = {"PhysicalSizeX": pixel, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": pixel, "PhysicalSizeYUnit": "nm"}
        metadata |= sizes
    tifffile.imwrite(path, np.asarray(planes, np.float32), ome=True, metadata=metadata, compression="zlib")


def _rows(item: TransitionResult) -> Iterator[tuple[float | str, ...]]:
    track, rate = item.track, item.rate
    low, high = np.quantile(track.replicates, [0.025, 0.975], axis=0)
    fitted = np.full_like(track.time, np.nan) if rate is None else rate.fit.position(track.time)
    for values in zip(track.position, low, high, fitted, strict=True):
        yield str(item.transition), *values


def _reacted_fraction(arrivals: Floats, time: Floats) -> Floats:
    return np.asarray(np.searchsorted(np.sort(arrivals), time, side="right") / arrivals.size)


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.6g}" if np.isfinite(value) else ""
