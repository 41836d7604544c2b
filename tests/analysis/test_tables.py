"""fronts.csv and arrival.tif open in any program, with their units."""

import csv
from functools import cache

import numpy as np
import pytest
import tifffile

from ionfront.analysis.tables import write_arrival, write_fronts
from ionfront.core import Calibration, PhaseScheme
from ionfront.fronts import FrontTracker

SCHEME = PhaseScheme(("background", "host", "product"), ("host", "product"))
KNOWN = Calibration(0.5, 2.0, "made", "made")


@cache
def result_of(calibration=KNOWN, speed_px=2.0, blanked=()):
    tracker = FrontTracker(SCHEME, (48, 80), register=False)
    y, x = np.mgrid[:48, :80]
    bar = (abs(y - 24) < 10) & (x >= 10) & (x < 70)
    for index in range(24):
        labels = bar.astype(int) + (bar & (x - 10 < speed_px * (index - 4)))
        frame = np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1)
        tracker.push(index * (calibration.frame_time_s or 1.0), None if index in blanked else frame)
    return tracker.result(calibration)


def rows_of(path, result, calibration=KNOWN):
    write_fronts(path, result, calibration)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ome_of(path):
    with tifffile.TiffFile(path) as file:
        return file.ome_metadata


def column(rows, name):
    return np.array([float(row[name]) for row in rows])


def test_a_row_a_frame_with_units_in_the_names(tmp_path):
    rows = rows_of(tmp_path / "fronts.csv", result_of())
    assert [int(row["frame"]) for row in rows] == list(range(24))
    np.testing.assert_allclose(column(rows, "time_s"), 2.0 * np.arange(24))
    position = column(rows, "position_nm")
    np.testing.assert_allclose(position, np.clip(np.arange(24) - 4.0, 0, None), atol=1.2)
    assert (column(rows, "position_low_nm") <= position + 1e-6).all()
    assert (column(rows, "position_high_nm") >= position - 1e-6).all()
    np.testing.assert_allclose(column(rows, "fit_nm")[6:], position[6:], atol=0.6)
    fraction = column(rows, "reacted_fraction")
    assert (np.diff(fraction) >= 0).all()
    assert fraction[-1] == pytest.approx(38 / 60, abs=0.03)
    assert {row["transition"] for row in rows} == {"host->product"}


def test_without_calibration_columns_are_pixels_and_frames(tmp_path):
    rows = rows_of(tmp_path / "fronts.csv", result_of(Calibration()), Calibration())
    assert {"time_frame", "position_px", "drift_y_px", "drift_x_px"} <= set(rows[0])
    assert not any("nm" in name or name.endswith("_s") for name in rows[0])


def test_what_is_not_known_is_empty(tmp_path):
    rows = rows_of(tmp_path / "fronts.csv", result_of(speed_px=40.0))
    assert {row["fit_nm"] for row in rows} == {""}
    assert "nan" not in (tmp_path / "fronts.csv").read_text().lower()


def test_no_reaction_leaves_the_header(tmp_path):
    assert rows_of(tmp_path / "fronts.csv", result_of(speed_px=0.0)) == []
    assert (tmp_path / "fronts.csv").read_text().startswith("frame,time_s,particle,half_cycle,transition,position_nm")


def test_arrival_times_and_their_spread_come_back(tmp_path):
    result, path = result_of(), tmp_path / "arrival.tif"
    write_arrival(path, result, KNOWN)
    arrival, spread = tifffile.imread(path)
    assert arrival.dtype == np.float32
    expected = result.maps[0].arrival
    reached = np.isfinite(expected)
    np.testing.assert_allclose(arrival[reached], expected[reached], rtol=1e-6)
    assert np.isnan(arrival[~reached]).all()
    assert np.isnan(spread[~reached]).all()
    assert (spread[reached] > 0).all()
    ome = ome_of(path)
    assert 'PhysicalSizeX="0.5" PhysicalSizeXUnit="nm"' in ome
    assert 'PhysicalSizeY="0.5" PhysicalSizeYUnit="nm"' in ome
    assert "host-&gt;product arrival [s]" in ome
    assert "arrival_std [s]" in ome


def test_an_arrival_map_without_scale_or_reaction(tmp_path):
    write_arrival(tmp_path / "px.tif", result_of(Calibration()), Calibration())
    assert "PhysicalSize" not in ome_of(tmp_path / "px.tif")
    assert "arrival [frame]" in ome_of(tmp_path / "px.tif")
    write_arrival(tmp_path / "none.tif", result_of(speed_px=0.0), KNOWN)
    assert np.isnan(tifffile.imread(tmp_path / "none.tif")).all()
