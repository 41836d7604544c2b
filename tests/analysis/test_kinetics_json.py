"""kinetics.json keeps its schema, its units, and NaN out."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import ionfront.analysis
from ionfront.analysis.kinetics_json import kinetics_record
from ionfront.analysis.record import write_record
from ionfront.core import Calibration, OutputExistsError, PhaseScheme, Quantity
from ionfront.datasets import ElectrochemicalLog
from ionfront.fronts import FrontTracker

SCHEME = PhaseScheme(("background", "host", "product"), ("host", "product"))
KNOWN = Calibration(0.5, 2.0, "file: OME-XML", "user")
MODEL = {"name": "unet", "version": "1", "sha256": "ab", "averaged_frames": 1}


@cache
def result_of(calibration=KNOWN, speed_px=2.0):
    tracker = FrontTracker(SCHEME, (48, 80), register=False)
    y, x = np.mgrid[:48, :80]
    bar = (abs(y - 24) < 10) & (x >= 10) & (x < 70)
    for index in range(24):
        labels = bar.astype(int) + (bar & (x - 10 < speed_px * (index - 4)))
        tracker.push(index * (calibration.frame_time_s or 1.0), np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1))
    return tracker.result(calibration)


@pytest.fixture(scope="module")
def result():
    return result_of()


def record_of(result, calibration=KNOWN, **kwargs):
    return kinetics_record(result, calibration, source="a.tif", model=MODEL, **kwargs)


def with_transition(result, item):
    (particle,) = result.particles
    return replace(result, particles=(with_fronts(particle, item),))


def with_fronts(particle, *items):
    (cycle,) = particle.cycles
    return replace(particle, cycles=(replace(cycle, transitions=items),))


def schema():
    return json.loads((Path(ionfront.analysis.__file__).parent / "kinetics.schema.json").read_text())


def quantities(node):
    if isinstance(node, dict):
        if set(node) == {"value", "low", "high"}:
            yield node
        for child in node.values():
            yield from quantities(child)
    if isinstance(node, list):
        for child in node:
            yield from quantities(child)


def test_the_schema_is_one_and_the_record_keeps_it(result):
    jsonschema.Draft202012Validator.check_schema(schema())
    record = json.loads(json.dumps(record_of(result, material={"host": "Bi2Te3", "ion": "Na"}), allow_nan=False))
    jsonschema.validate(record, schema())
    assert record["material"] == {"host": "Bi2Te3", "ion": "Na"}
    assert record["model"] == MODEL
    assert record["calibration"]["provenance"] == {"pixel_size": "file: OME-XML", "frame_time": "user"}
    assert record["reaction_observed"]


def test_every_quantity_lies_in_its_interval(result):
    found = list(quantities(record_of(result)))
    assert len(found) >= 5
    for item in found:
        assert item["low"] <= item["value"] <= item["high"]


def test_units_are_in_the_names(result):
    (transition,) = record_of(result)["cycles"][0]["transitions"]
    assert (transition["from"], transition["to"]) == ("host", "product")
    assert transition["velocity_nm_s"]["value"] == pytest.approx(2.0 * 0.5 / 2.0, rel=0.06)
    assert transition["parameters"]["rate_nm_s"]["value"] == pytest.approx(0.5, rel=0.06)
    assert transition["law"] == "linear"
    assert transition["onset_s"]["value"] == pytest.approx(8.0, abs=2.0)
    assert transition["swept_nm"] == pytest.approx(19.0, abs=1.2)
    assert transition["completed_fraction"]["value"] == pytest.approx(38 / 60, abs=0.02)


def test_without_calibration_nobody_finds_nanometres():
    record = record_of(result_of(Calibration()), Calibration())
    assert not any(name in json.dumps(record["cycles"]) for name in ("nm", '_s"'))
    (transition,) = record["cycles"][0]["transitions"]
    assert transition["velocity_px_frame"]["value"] == pytest.approx(2.0, rel=0.06)
    assert record["units"] == {"length": "px", "time": "frame"}
    assert record["calibration"]["pixel_size_nm"] is None
    assert any("PIXELS" in warning for warning in record["warnings"])
    assert any("FRAMES" in warning for warning in record["warnings"])


def test_curvature_has_the_unit_of_the_result(result):
    (found,) = result.transitions
    assert found.shape is not None
    shape = replace(found.shape, curvature_per_px=Quantity(0.02, 0.01, 0.03))
    record = record_of(with_transition(result, replace(found, shape=shape)))
    assert record["cycles"][0]["transitions"][0]["curvature_per_nm"] == {"value": 0.04, "low": 0.02, "high": 0.06}


def test_no_reaction_has_no_cycles():
    record = record_of(result_of(speed_px=0.0))
    assert record["reaction_observed"] is False
    assert record["cycles"] == []


def test_every_particle_is_in_the_record_with_its_place_and_its_fronts(result):
    (particle,) = result.particles
    still = with_fronts(particle)
    first, second = record_of(replace(result, particles=(particle, still)))["particles"]
    assert first["area_nm2"] == pytest.approx(particle.area_px * 0.25)
    assert (first["centre_x_nm"], first["centre_y_nm"]) == pytest.approx((20.0, 12.25), abs=0.1)
    assert first["cycles"] == record_of(result)["cycles"]
    assert second["cycles"] == []


def test_a_track_too_short_for_a_rate_is_still_a_record():
    record = record_of(result_of(speed_px=40.0))
    (transition,) = record["cycles"][0]["transitions"]
    assert transition["law"] is transition["velocity_nm_s"] is transition["onset_s"] is None
    assert transition["completed_fraction"]["value"] > 0.9
    assert any("rate law" in warning for warning in record["warnings"])


def test_nan_never_reaches_json(result, tmp_path):
    (found,) = result.transitions
    nan = float("nan")
    rate = replace(found.rate, velocity=Quantity(nan, nan, nan), exponent=Quantity(0.9, nan, float("inf")))
    record = record_of(with_transition(result, replace(found, rate=rate)))
    write_record(tmp_path / "kinetics.json", record)
    (transition,) = json.loads((tmp_path / "kinetics.json").read_text())["cycles"][0]["transitions"]
    assert transition["velocity_nm_s"] is None
    assert transition["exponent"] == {"value": 0.9, "low": None, "high": None}
    with pytest.raises(ValueError, match="JSON"):
        write_record(tmp_path / "other.json", record | {"source": nan})
    assert [path.name for path in tmp_path.iterdir()] == ["kinetics.json"]


def test_what_breaks_the_schema_is_not_written(result):
    with pytest.raises(jsonschema.ValidationError):
        record_of(result, material={"colour": "red"})


def test_a_finished_record_is_not_overwritten_unasked(result, tmp_path):
    path, record = tmp_path / "kinetics.json", record_of(result)
    write_record(path, record)
    with pytest.raises(OutputExistsError):
        write_record(path, record)
    write_record(path, record | {"source": "b.tif"}, overwrite=True)
    assert json.loads(path.read_text())["source"] == "b.tif"


def test_half_cycles_are_told_apart():
    tracker = FrontTracker(SCHEME, (48, 80), register=False)
    y, x = np.mgrid[:48, :80]
    bar = (abs(y - 24) < 10) & (x >= 10) & (x < 70)
    for index in range(48):
        labels = bar.astype(int) + (bar & (x - 10 < 2.5 * min(index, 44 - index)))
        tracker.push(2.0 * index, np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1))
    cycles = record_of(tracker.result(KNOWN))["cycles"]
    assert [cycle["direction"] for cycle in cycles] == ["insertion", "extraction"]
    assert cycles[0]["end_s"] == cycles[1]["start_s"] == pytest.approx(44, abs=4)
    assert cycles[1]["end_s"] == 94
    assert [cycle["transitions"][0]["to"] for cycle in cycles] == ["product", "host"]


def test_charge_and_potential_stand_beside_each_half_cycle(result):
    (cycle,) = record_of(result)["cycles"]
    assert "charge_C" not in cycle
    log = ElectrochemicalLog(np.arange(0, 60.0), np.full(60, 0.2), np.full(60, -3e-9), "cell.mpt")
    record = record_of(result, log=log)
    assert record["electrochemistry"] == {"source": "cell.mpt", "offset_found_s": None, "start_s": 0, "end_s": 59}
    assert record["cycles"][0]["charge_C"] == pytest.approx(-46 * 3e-9)  # 24 frames, 2 s apart
    assert record["cycles"][0]["potential_V"] == pytest.approx(0.2)
    (late,) = record_of(result, log=log.shifted(5))["cycles"]
    assert late["charge_C"] is None
    assert late["potential_V"] is None


def test_a_turn_of_the_reaction_is_set_against_that_of_the_current(result):
    (particle,) = result.particles
    (cycle,) = particle.cycles
    twice = replace(particle, cycles=(replace(cycle, end=24.0), replace(cycle, direction="extraction", start=24.0)))
    time = np.arange(0, 60.0)
    log = ElectrochemicalLog(time, np.full(60, 0.2), np.where(time < 20, -3e-9, 3e-9), "cell.mpt")
    first, second = record_of(replace(result, particles=(twice,)), log=log)["cycles"]
    assert first["behind_reversal_s"] is None
    assert second["behind_reversal_s"] == 4
