"""The figures of the page, each with words for who cannot see it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ionfront.core import Calibration, PhaseScheme, Quantity
from ionfront.datasets import ElectrochemicalLog
from ionfront.fronts import FrontResult

from .plots import (
    area_plot,
    arrival_map,
    charge_plot,
    curvature_map,
    drift_plot,
    front_overlay,
    log_plot,
    position_plot,
    speed_map,
    spread_map,
    svg_data_uri,
)
from .report_words import arrow
from .tables import csv_data_uri, front_rows
from .wording import format_quantity, format_size, unit_of

__all__ = ["Picture", "report_pictures"]


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Attributes:
        uri: The image itself, as a data URI.
        alt: What it shows, for who cannot see it.
        caption: What to look for.
        name: What its file is called where it is saved, without an ending.
        data: What is drawn, as the data URI of a CSV file; empty for maps, whose data are the TIFF files of the run.
    """

    uri: str
    alt: str
    caption: str
    name: str
    data: str = ""


def report_pictures(
    result: FrontResult,
    calibration: Calibration,
    scheme: PhaseScheme,
    first_frame: NDArray[Any],
    log: ElectrochemicalLog | None = None,
    log_offset: Quantity | None = None,
) -> dict[str, tuple[Picture, ...]]:
    """Figures by the section they belong to: "where", "when", "position", "log" and "frames"; a section may be empty.

    Args:
        result: What was measured.
        calibration: Scales, and so the units.
        scheme: Phases of the areas in `result`.
        first_frame: Shape (y, x), any real dtype.
        log: Of the potentiostat, on the movie's clock.
        log_offset: What that clock showed when the log's own showed zero, where the reaction told it.
    """
    return {
        "where": (_overlay(result, calibration, first_frame),),
        "when": tuple(_maps(result, calibration)),
        "position": (_position(result, calibration),) if result.transitions else (),
        "log": () if log is None else tuple(_electrochemistry(log, log_offset, result, calibration, scheme)),
        "frames": (_areas(result, calibration, scheme), _drift(result, calibration)) if result.time.size else (),
    }


def _overlay(result: FrontResult, calibration: Calibration, first_frame: NDArray[Any]) -> Picture:
    figure = front_overlay(result, first_frame, calibration)
    if not result.transitions:
        caption = "The first frame" + (" with the outline of the particle (white)." if result.particle.any() else ".")
        return _picture(figure, "First frame of the movie. No front is drawn.", caption, "first_frame")
    names = " and ".join(arrow(found.transition) for found in result.maps)
    return _picture(
        figure,
        f"First frame of the movie, with the front {names} drawn at several times.",
        "Each line is the front at the time that its colour tells. White: outline of the particle. "
        "Red dots: where the ion enters.",
        "fronts",
    )


def _maps(result: FrontResult, calibration: Calibration) -> Iterator[Picture]:
    for number, found in enumerate(result.maps, 1):
        name = arrow(found.transition) + (f" (half cycle {found.half_cycle})" if result.half_cycles > 1 else "")
        yield _picture(
            arrival_map(result, found, calibration),
            f"Map of the time at which {name} reached each pixel.",
            f"{name}: when it reached each pixel. Grey: particle that it never reached.",
            f"arrival_{number}",
        )
        yield _picture(
            spread_map(result, found, calibration),
            f"Map of the standard error of the arrival time of {name}.",
            f"{name}: how sure that time is (standard error).",
            f"arrival_std_{number}",
        )
        if not np.isfinite(found.speed_px).any():
            continue
        yield _picture(
            speed_map(result, found, calibration),
            f"Map of the speed of {name} at each pixel.",
            f"{name}: how fast the front went there. Grey: not reached, or too near to the outline to tell.",
            f"speed_{number}",
        )
        yield _picture(
            curvature_map(result, found, calibration),
            f"Map of the curvature of {name} at each pixel.",
            f"{name}: how the front was bent there. Red: its middle led (convex); blue: it lagged (concave).",
            f"curvature_{number}",
        )


def _position(result: FrontResult, calibration: Calibration) -> Picture:
    ends = "; ".join(
        f"{arrow(item.transition)} sweeps {format_size(item.track.swept)} {calibration.length_unit}"
        for particle in result.particles
        for cycle in particle.cycles
        for item in cycle.transitions
    )
    return _picture(
        position_plot(result, calibration),
        f"Front position against time, with fitted laws: {ends}.",
        "Markers: measured position. Lines: the most probable law; shaded: its 95 % band.",
        "position",
        front_rows(result, calibration),
    )


def _electrochemistry(
    log: ElectrochemicalLog,
    offset: Quantity | None,
    result: FrontResult,
    calibration: Calibration,
    scheme: PhaseScheme,
) -> Iterator[Picture]:
    told = ""
    if offset is not None:
        told = f" Its zero is at {format_quantity(offset.value, offset.low, offset.high)} s, as the reaction tells."
    yield _picture(
        log_plot(log, result),
        "Potential and current of the cell against the time of the movie.",
        f"What the potentiostat recorded, on the movie's clock. Dotted: where the reaction turned.{told}",
        "electrochemistry",
    )
    charge = log.charge_at(result.time)
    if np.isfinite(charge).sum() > 1:
        yield _picture(
            charge_plot(log, result, scheme, calibration),
            "Reacted area against the charge that has passed since the first frame.",
            "Reacted area in view against charge. The current is that of the whole cell: only where all of it reacts "
            "in view do the two belong together.",
            "charge",
            [["charge_C", *_area_names(scheme, calibration)], *np.column_stack([charge, _area(result, calibration)])],
        )


def _areas(result: FrontResult, calibration: Calibration, scheme: PhaseScheme) -> Picture:
    header = [f"time_{calibration.time_unit}", *_area_names(scheme, calibration)]
    return _picture(
        area_plot(result, scheme, calibration),
        f"Areas of the phases over {result.time.size} frames.",
        "Area of each phase in the whole frame.",
        "areas",
        [header, *np.column_stack([result.time, _area(result, calibration)])],
    )


def _drift(result: FrontResult, calibration: Calibration) -> Picture:
    length, pixel = calibration.length_unit, calibration.pixel_size_nm or 1.0
    largest = float(np.abs(result.drift_px).max(initial=0.0)) * pixel
    words = f"{format_size(largest, 2)} {unit_of(length)}"
    errors = result.drift_error_px[np.isfinite(result.drift_error_px)] * pixel
    known = f"; standard error {format_size(float(np.median(errors)), 2)} {unit_of(length)}" if errors.any() else ""
    drift = np.hstack([result.drift_px, result.drift_error_px]) * pixel
    return _picture(
        drift_plot(result, calibration),
        f"Drift of the specimen against time; at most {words}.",
        f"Drift of the specimen against the first frames (at most {words} along an axis{known}), taken out before "
        "measuring; bands hold 95 %."
        if result.registered
        else "Drift was not looked for.",
        "drift",
        [
            [f"time_{calibration.time_unit}", *(f"drift_{part}_{length}" for part in ("y", "x", "error_y", "error_x"))],
            *np.column_stack([result.time, drift]),
        ],
    )


def _area_names(scheme: PhaseScheme, calibration: Calibration) -> list[str]:
    return [f"{name}_{calibration.length_unit}2" for name in scheme.names]


def _area(result: FrontResult, calibration: Calibration) -> NDArray[np.float64]:
    return np.asarray(result.areas_px * (calibration.pixel_size_nm or 1.0) ** 2)


def _picture(figure: Figure, alt: str, caption: str, name: str, rows: Iterable[Iterable[Any]] = ()) -> Picture:
    return Picture(svg_data_uri(figure), alt, caption, name, csv_data_uri(rows) if rows else "")
