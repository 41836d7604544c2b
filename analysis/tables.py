"""fronts.csv and arrival.tif: the measurement in forms that any program opens."""

import base64
import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from ionfront.core import Calibration
from ionfront.fronts import FrontResult, TransitionMap, TransitionResult

__all__ = ["csv_data_uri", "front_rows", "write_arrival", "write_fronts", "write_local"]

Floats = NDArray[np.float64]


def write_fronts(path: Path, result: FrontResult, calibration: Calibration) -> None:
    """One row for each frame and transition of each particle; units are in the column names. Empty means not known."""
    with path.open("w", newline="", encoding="utf-8") as file:
        _write_rows(file, front_rows(result, calibration))


def front_rows(result: FrontResult, calibration: Calibration) -> Iterator[list[Any]]:
    """The rows of `write_fronts`, names of the columns first."""
    length, time = calibration.length_unit, calibration.time_unit
    pixel = calibration.pixel_size_nm or 1.0
    columns = ["frame", f"time_{time}", "particle", "half_cycle", "transition", f"position_{length}"]
    columns += [f"position_low_{length}", f"position_high_{length}", f"fit_{length}", "reacted_fraction"]
    columns += [f"drift_y_{length}", f"drift_x_{length}", f"drift_error_y_{length}", f"drift_error_x_{length}"]
    drift = pixel * np.hstack([result.drift_px, result.drift_error_px])
    yield columns
    for number, particle in enumerate(result.particles, 1):
        for turn, cycle in enumerate(particle.cycles, 1):
            for item, arrival in zip(cycle.transitions, cycle.arrival, strict=True):
                fractions = _reacted_fraction(arrival[particle.mask], item.track.time)
                frames = np.searchsorted(result.time, item.track.time)
                for frame, fraction, row in zip(frames, fractions, _rows(item), strict=True):
                    place = [int(frame), result.time[frame], number, turn]
                    yield [*place, *row, fraction, *drift[frame]]


def csv_data_uri(rows: Iterable[Iterable[Any]]) -> str:
    """Rows as a CSV file that is its own address."""
    text = io.StringIO(newline="")
    _write_rows(text, rows)
    return f"data:text/csv;base64,{base64.b64encode(text.getvalue().encode()).decode('ascii')}"


def write_arrival(path: Path, result: FrontResult, calibration: Calibration) -> None:
    """Arrival times and their standard errors, float32 OME-TIFF of shape (2 transitions, y, x); NaN: not reached.

    The channel names say which is which, and in which unit.
    """
    time = calibration.time_unit
    planes = {}
    for found in result.maps:
        planes[f"{_named(found, result)} arrival [{time}]"] = np.where(
            np.isfinite(found.arrival), found.arrival, np.nan
        )
        planes[f"{_named(found, result)} arrival_std [{time}]"] = found.arrival_std
    _write_planes(path, planes, result, calibration.pixel_size_nm)


def write_local(path: Path, result: FrontResult, calibration: Calibration) -> None:
    """Speed and curvature of every front at each pixel that it passed, in a file like that of the arrival times."""
    length, time, pixel = calibration.length_unit, calibration.time_unit, calibration.pixel_size_nm or 1.0
    planes = {}
    for found in result.maps:
        planes[f"{_named(found, result)} speed [{length}/{time}]"] = found.speed_px * pixel
        planes[f"{_named(found, result)} curvature [1/{length}]"] = found.curvature_per_px / pixel
    _write_planes(path, planes, result, calibration.pixel_size_nm)


def _named(found: TransitionMap, result: FrontResult) -> str:
    return f"{found.transition}, half cycle {found.half_cycle}" if result.half_cycles > 1 else str(found.transition)


def _write_planes(path: Path, planes: dict[str, Floats], result: FrontResult, pixel: float | None) -> None:
    planes = planes or {"no reaction": np.full(result.shape, np.nan)}
    metadata: dict[str, object] = {"axes": "CYX", "Channel": {"Name": list(planes)}}
    if pixel is not None:
        sizes = {"PhysicalSizeX": pixel, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": pixel, "PhysicalSizeYUnit": "nm"}
        metadata |= sizes
    content = np.asarray(list(planes.values()), np.float32)
    tifffile.imwrite(path, content, ome=True, metadata=metadata, compression="zlib")


def _rows(item: TransitionResult) -> Iterator[tuple[float | str, ...]]:
    track, rate = item.track, item.rate
    low, high = np.quantile(track.replicates, [0.025, 0.975], axis=0)
    fitted = np.full_like(track.time, np.nan) if rate is None else rate.fit.position(track.time)
    for values in zip(track.position, low, high, fitted, strict=True):
        yield str(item.transition), *values


def _reacted_fraction(arrivals: Floats, time: Floats) -> Floats:
    return np.asarray(np.searchsorted(np.sort(arrivals), time, side="right") / arrivals.size)


def _write_rows(file: TextIO, rows: Iterable[Iterable[Any]]) -> None:
    csv.writer(file).writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> str:
    if isinstance(value, str | int):
        return str(value)
    return f"{value:.6g}" if np.isfinite(value) else ""
