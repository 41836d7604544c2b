"""Runs side by side: repeats are pooled, ratios have intervals, and what is doubtful is said."""

import json

import numpy as np
import pytest

from ionfront.analysis import compare, fronts_of_labels, read_run
from ionfront.core import Calibration, OutputExistsError, PhaseScheme, UsageError
from ionfront.datasets import write_label_zarr

LAWS = {"linear": 0.9, "parabolic": 0.05, "mixed": 0.03, "self_limiting": 0.02}


def quantity(value, error):
    return {"value": value, "low": value * (1 - error), "high": value * (1 + error)}


def front(before, after, velocity, error=0.05, onset=5.0):
    return {
        "from": before,
        "to": after,
        "onset_s": {"value": onset, "low": onset - 0.5, "high": onset + 0.5},
        "completed_fraction": quantity(0.9, 0.02),
        "swept_nm": 80.0,
        "law": "linear",
        "law_probabilities": LAWS,
        "parameters": {"rate_nm_s": quantity(velocity, error)},
        "velocity_nm_s": quantity(velocity, error),
        "exponent": quantity(1.0, 0.1),
        "anisotropy": None,
        "shape": "concave",
        "curvature_per_nm": quantity(0.01, 0.3),
    }


def kinetics(ion, *cycles, warnings=(), units=("nm", "s")):
    of_one = [
        {"direction": direction, "start_s": 0.0, "end_s": 60.0, "transitions": list(fronts)}
        for direction, fronts in zip(("insertion", "extraction"), cycles, strict=False)
    ]
    return {
        "schema_version": 1,
        "source": f"{ion}.tif",
        "material": {"host": "Bi2Te3", "ion": ion} if ion else {},
        "units": {"length": units[0], "time": units[1]},
        "calibration": {
            "pixel_size_nm": 1.0,
            "frame_time_s": 1.0,
            "provenance": {"pixel_size": "file", "frame_time": "file"},
        },
        "model": None,
        "foreign_frames": None,
        "reaction_observed": bool(cycles),
        "cycles": of_one,
        "particles": [{"cycles": of_one}],
        "warnings": list(warnings),
    }


@pytest.fixture
def runs_of(tmp_path):
    def written(*records, sides=None):
        runs = []
        for index, record in enumerate(records):
            folder = tmp_path / f"run{index}"
            folder.mkdir()
            (folder / "kinetics.json").write_text(json.dumps(record))
            runs.append(read_run(folder, sides[index] if sides else ""))
        return runs

    return written


def one_step(ion, velocity, **kwargs):
    return kinetics(ion, [front("pristine", "converted", velocity, **kwargs)])


def test_a_ratio_of_pooled_speeds_with_its_interval(runs_of, tmp_path):
    runs = runs_of(*(one_step("Li", v) for v in (1.0, 1.2, 0.9)), *(one_step("Na", v) for v in (2.1, 2.3, 1.8)))
    record = compare(runs, tmp_path / "out").record
    assert [side["name"] for side in record["sides"]] == ["Li", "Na"]
    (found,) = record["fronts"]
    assert found["name"] == "pristine → converted"
    velocity = found["quantities"]["velocity_nm_s"]
    expected = np.exp(np.mean(np.log([2.1, 2.3, 1.8])) - np.mean(np.log([1.0, 1.2, 0.9])))
    ratio = velocity["ratio_to_first"]["Na"]
    assert ratio["value"] == pytest.approx(expected, rel=0.02)
    assert 1 < ratio["low"] < ratio["value"] < ratio["high"]
    of_li = velocity["by_side"]["Li"]
    assert of_li["repeats"] == 3
    assert 0.05 < of_li["relative_spread_between_particles"] < 0.3
    assert found["quantities"]["onset_s"]["difference_to_first"]["Na"]["value"] == pytest.approx(0)
    assert found["laws"]["Li"]["linear"] == pytest.approx(0.9)


def test_leading_fronts_are_compared_whatever_they_are_called(runs_of, tmp_path):
    two_steps = kinetics("Na", [front("pristine", "intercalated", 4.0), front("intercalated", "converted", 1.0)])
    found = compare(runs_of(one_step("Li", 2.0), two_steps), tmp_path / "out")
    fronts = {item["name"]: item for item in found.record["fronts"]}
    assert list(fronts) == [
        "leading front",
        "pristine → converted",
        "pristine → intercalated",
        "intercalated → converted",
    ]
    leading = fronts["leading front"]["quantities"]["velocity_nm_s"]["ratio_to_first"]
    assert leading["Na"]["value"] == pytest.approx(2.0, rel=1e-3)
    assert fronts["pristine → converted"]["quantities"]["velocity_nm_s"]["ratio_to_first"] == {}
    mechanisms = {side["name"]: side["mechanism"] for side in found.record["sides"]}
    assert mechanisms["Na"] == ["pristine → intercalated → converted"]
    assert any("2 (" in sentence and "as fast for Na" in sentence for sentence in found.sentences)


def test_what_is_doubtful_is_said(runs_of, tmp_path):
    no_rate = one_step("Li", 1.0)
    no_rate["cycles"][0]["transitions"][0] |= {"velocity_nm_s": None, "exponent": None, "onset_s": None}
    runs = runs_of(no_rate, one_step("Li", 1.1), kinetics("Na", warnings=["too dark"]))
    found = compare(runs, tmp_path / "out")
    warnings = " ".join(found.record["warnings"])
    assert "no reaction was observed in run2" in warnings
    assert "1 of 2 particles have no velocity" in warnings
    assert "run2 (1)" in warnings
    assert "nothing to compare" in found.sentences[0]


def test_a_single_particle_is_warned_of_and_several_in_one_movie_are_repeats(runs_of, tmp_path):
    several = one_step("Na", 2.0)
    several["particles"] = [{"cycles": one_step("Na", v)["cycles"]} for v in (2.0, 2.2, 1.7)] + [{"cycles": []}]
    record = compare(runs_of(one_step("Li", 1.0), several), tmp_path / "out").record
    assert record["fronts"][0]["quantities"]["velocity_nm_s"]["by_side"]["Na"]["repeats"] == 3
    (warning,) = record["warnings"]
    assert warning.startswith("Li: one particle (run0)")


def test_half_cycles_are_compared_one_by_one(runs_of, tmp_path):
    back = [front("converted", "pristine", 0.5)]
    there_and_back = (kinetics(ion, [front("pristine", "converted", v)], back) for ion, v in (("Li", 1.0), ("K", 3.0)))
    names = [item["name"] for item in compare(runs_of(*there_and_back), tmp_path / "out").record["fronts"]]
    assert names == ["insertion 1: pristine → converted", "extraction 2: converted → pristine"]


@pytest.mark.parametrize(
    ("records", "sides", "says"),
    [
        ((one_step("Li", 1.0), one_step("Li", 2.0)), None, "two sides"),
        ((one_step("", 1.0), one_step("Na", 2.0)), None, "--side"),
        ((one_step("Li", 1.0), kinetics("Na", units=("px", "frame"))), None, "run1 is in pixels"),
    ],
)
def test_what_cannot_be_compared_is_refused(runs_of, tmp_path, records, sides, says):
    with pytest.raises(UsageError, match=says):
        compare(runs_of(*records, sides=sides), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no results"):
        read_run(tmp_path / "gone")
    (tmp_path / "kinetics.json").write_text("{}")
    with pytest.raises(UsageError, match="required property"):
        read_run(tmp_path)


@pytest.mark.parametrize("lacking", ["`particles`", "column `particle`"])
def test_a_run_of_an_older_version_is_to_be_measured_anew(tmp_path, lacking):
    record = one_step("Li", 1.0)
    if lacking == "`particles`":
        del record["particles"]
    (tmp_path / "kinetics.json").write_text(json.dumps(record))
    (tmp_path / "fronts.csv").write_text("frame,time_s,transition,position_nm\n0,0,pristine → converted,0\n")
    with pytest.raises(UsageError, match=f"older version.*{lacking}.*measure that movie anew"):
        read_run(tmp_path)


def test_sides_may_be_named_and_results_are_not_overwritten(runs_of, tmp_path):
    runs = runs_of(one_step("", 1.0), one_step("", 2.0), sides=["thin", "thick"])
    assert compare(runs, tmp_path / "out").record["compared_with"] == "thin"
    with pytest.raises(OutputExistsError):
        compare(runs, tmp_path / "out")


def test_label_movies_end_up_on_one_page(tmp_path):
    """Two bars that differ in speed by a factor of two, through the whole measurement."""
    runs = []
    for ion, speed in (("Li", 1.0), ("Na", 2.0)):
        time, y, x = np.mgrid[:40, :48, :80]
        bar = (abs(y - 24) < 10) & (x >= 10) & (x < 70)
        labels = (bar.astype(np.uint8) + (bar & (x < 10 + speed * (time - 3)))).astype(np.uint8)
        scheme = PhaseScheme(("background", "host", "product"), ("host", "product"))
        with write_label_zarr(
            tmp_path / f"{ion}.zarr", labels.shape, scheme, Calibration(1.0, 1.0, "a", "b")
        ) as writer:
            for frame in labels:
                writer.append(frame)
        fronts_of_labels(tmp_path / f"{ion}.zarr", tmp_path / ion, material={"ion": ion})
        runs.append(read_run(tmp_path / ion))
    found = compare(runs, tmp_path / "out")
    ratio = found.record["fronts"][0]["quantities"]["velocity_nm_s"]["ratio_to_first"]["Na"]
    assert ratio["low"] < 2 < ratio["high"]
    page = (tmp_path / "out" / "compare.html").read_text()
    assert page.count('<img src="data:image/svg+xml') == 2
    assert "Li against Na" in page
    assert "http" not in page.split("</style>")[1]
