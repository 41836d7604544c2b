"""A session as NeXus: all that NXem asks for, a unit on every number, and the frames and answers as they are."""

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from ionfront.acquisition import (
    Frame,
    Inline,
    Journal,
    Material,
    NexusFacts,
    Rule,
    Session,
    SessionSettings,
    StoreRecorder,
    read_facts,
    write_nexus,
)
from ionfront.cli.app import app
from ionfront.core import OutputExistsError, UsageError
from ionfront.models import load_segmenter

GUIDE = Path(__file__).parents[2] / "docs" / "live.md"

# Of NXem, NeXus definitions v2026.01: what is required, and what is of what is there.
REQUIRED = {
    "entry": "NXentry",
    "entry/definition": None,
    "entry/start_time": None,
    "entry/profiling/program1": "NXprogram",
    "entry/profiling/program1/program": None,
    "entry/sample": "NXsample",
    "entry/sample/is_simulation": None,
    "entry/sample/preparation_date": None,
    "entry/sample/atom_types": None,
    "entry/measurement": "NXem_measurement",
    "entry/measurement/instrument": "NXem_instrument",
    "entry/measurement/instrument/fabrication": "NXfabrication",
    "entry/measurement/instrument/fabrication/vendor": None,
    "entry/measurement/instrument/fabrication/model": None,
    "entry/measurement/instrument/ebeam_column": "NXebeam_column",
    "entry/measurement/instrument/detector1/name": None,
    "entry/measurement/event1": "NXem_event_data",
    "entry/measurement/event1/image1": "NXimage",
    "entry/measurement/event1/image1/process/detector_identifier": None,
    "entry/measurement/event1/image1/stack_2d": "NXdata",
    "entry/measurement/event1/image1/stack_2d/real": None,
    "entry/measurement/event1/image1/stack_2d/indices_image": None,
    "entry/measurement/event1/image1/stack_2d/axis_j": None,
    "entry/measurement/event1/image1/stack_2d/axis_i": None,
}


@pytest.fixture(scope="module")
def measured(grey, grey_onnx, tmp_path_factory):
    """Folder of a session, a store with its frames, and facts."""
    place = tmp_path_factory.mktemp("nexus")
    rule = Rule("halfway", "fraction", 0.5, ("blank",), frames=1)
    settings = SessionSettings("bar", 0.5, Material("NiO", "Li"), rules=(rule,))
    session = Session.begin(place / "session", settings, load_segmenter(grey_onnx), lambda: Inline(6))
    recorder = StoreRecorder(place / "movie.ome.zarr", pixel_size_nm=0.5)
    for number, image in enumerate(grey):
        recorder.record(Frame(image, 2.0 * number, 5.0))
        session.push(number, image, 2.0 * number, dose_e_nm2=5.0)
    recorder.close()
    session.leave()
    (place / "session" / "kinetics.json").write_text(json.dumps({"cycles": []}))
    facts = re.search(r"^## NeXus\n.*?```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S | re.M)
    (place / "facts.toml").write_text(facts[1])
    return place


@pytest.fixture
def written(measured, tmp_path):
    facts = read_facts(measured / "facts.toml")
    told = write_nexus(measured / "session", tmp_path / "a.nxs", movie=measured / "movie.ome.zarr", facts=facts)
    assert told == ()
    with h5py.File(tmp_path / "a.nxs") as file:
        yield file


def test_all_that_is_required_is_there(written):
    for place, kind in REQUIRED.items():
        assert written[place].attrs.get("NX_class") == kind, place
    assert written["entry/definition"].asstr()[()] == "NXem"
    assert written["entry/sample/atom_types"].asstr()[()] == "Li, Ni, O"
    assert written["entry/sample/preparation_date"].asstr()[()] == "2026-03-20T09:30:00+01:00"


def test_every_number_has_a_unit_and_every_plot_its_axes(written):
    seen = []

    def look(name, node):
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "iuf":
            assert isinstance(node.attrs["units"], str), name
            seen.append(name)
        if node.attrs.get("NX_class") == "NXdata":
            signal = node[node.attrs["signal"]]
            axes = [node[axis] for axis in node.attrs["axes"]]
            assert signal.shape == tuple(len(axis) for axis in axes), name
            assert [node.attrs[f"{axis}_indices"] for axis in node.attrs["axes"]] == list(range(signal.ndim))

    written.visititems(look)
    assert len(seen) > 20


def test_frames_times_and_dose_are_those_of_the_movie(written, grey):
    stack = written["entry/measurement/event1/image1/stack_2d"]
    np.testing.assert_array_equal(stack["real"][:], grey)
    assert stack["real"].chunks == (1, *grey.shape[1:])
    np.testing.assert_array_equal(stack["time"][:], 2.0 * np.arange(len(grey)))
    np.testing.assert_array_equal(stack["dose"][:], np.full(len(grey), 5.0))
    np.testing.assert_array_equal(stack["axis_i"][:3], [0.0, 0.5, 1.0])
    assert [stack[name].attrs["units"] for name in ("time", "dose", "axis_i")] == ["s", "1/nm^2", "nm"]


def test_answers_are_those_of_the_session(written, measured, grey_onnx):
    journal = Journal(measured / "session")
    answers = list(journal.answers(0, 99))
    areas = written["entry/phases/areas"]
    names = {areas[name].attrs["long_name"]: name for name in areas if name.startswith("area_")}
    np.testing.assert_array_equal(
        areas[names["converted"]][:], [answer["state"]["area_nm2"]["converted"] for answer in answers]
    )
    course = written["entry/front1/course"]
    for row, answer in enumerate(answers):
        (front,) = answer["state"]["fronts"] or (None,)
        for name, part in (("position", "value"), ("position_low", "low"), ("position_high", "high")):
            assert course[name][row] == (front["position_nm"][part] if front else pytest.approx(np.nan, nan_ok=True))
    assert (course["position"].attrs["units"], course["speed"].attrs["units"]) == ("nm", "nm/s")
    assert written["entry/front1/front/to_phase"].asstr()[()] == "converted"
    assert written["entry/phases/model/sha256"].asstr()[()] == load_segmenter(grey_onnx).sha256
    decision = written["entry/decisions/decision1"]
    assert decision["because"].asstr()[()] == journal.decisions[0]["because"]
    assert json.loads(written["entry/kinetics/record/json"].asstr()[()]) == {"cycles": []}


def test_what_nobody_told_is_said_and_not_made_up(measured, tmp_path):
    untold = write_nexus(measured / "session", tmp_path / "a.nxs", facts=NexusFacts())
    assert [place.rpartition("/")[2] for place in untold] == ["preparation_date", "vendor", "model"]
    with pytest.raises(OutputExistsError):
        write_nexus(measured / "session", tmp_path / "a.nxs")
    told = ["nexus", measured / "session", "--out", tmp_path / "b.nxs", "--facts", measured / "facts.toml"]
    result = CliRunner().invoke(app, [*map(str, told)], catch_exceptions=False)
    assert "Written" in result.stdout
    assert "asks for" not in result.stderr
    with h5py.File(tmp_path / "b.nxs") as file:
        assert "image1" not in file["entry/measurement/event1"]


def test_what_tells_nothing_is_refused(measured, tmp_path):
    (tmp_path / "facts.toml").write_text("[specimen]\nname = 'NiO'\n")
    with pytest.raises(UsageError, match="specimen"):
        read_facts(tmp_path / "facts.toml")
    with pytest.raises(UsageError, match="no live measurement"):
        write_nexus(tmp_path, tmp_path / "a.nxs")
