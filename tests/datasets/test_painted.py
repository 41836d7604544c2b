"""Labels from napari and the like: the right frames, under the right ids, with scales and specimen."""

import json

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ionfront.core import Calibration, LabelledDataError, MovieError, OutputExistsError, PhaseScheme, UsageError
from ionfront.datasets import (
    extend_labelled,
    import_labels,
    read_labelled,
    replace_labels,
    write_label_zarr,
    write_labelled,
)

SCHEME = PhaseScheme(("background", "host", "product"), ("host", "product"))
RNG = np.random.default_rng(3)
MOVIE = RNG.integers(0, 4000, (6, 24, 32)).astype(np.uint16)
LABELS = RNG.integers(0, 3, (6, 24, 32)).astype(np.uint8)


def write_zarr(path, labels, **kwargs):
    with write_label_zarr(path, labels.shape, SCHEME, Calibration(0.5, 2.0), **kwargs) as writer:
        for frame in labels:
            writer.append(frame)
    return path


def contents(labelled):
    return {frame.name: (*frame.load(), frame.group) for frame in labelled.frames}


@pytest.fixture
def movie(tmp_path):
    metadata = {"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5}
    metadata |= {"PhysicalSizeYUnit": "nm", "TimeIncrement": 2.0, "TimeIncrementUnit": "s"}
    path = tmp_path / "wire7.ome.tif"
    tifffile.imwrite(path, MOVIE, ome=True, metadata=metadata, photometric="minisblack")
    return path


@pytest.fixture
def original(tmp_path):
    return write_zarr(tmp_path / "labels.zarr", LABELS)


@pytest.fixture
def corrected(tmp_path):
    """Frames 1 and 4 were painted over, and napari saved an int32 stack."""
    painted = LABELS.astype(np.int32)
    painted[[1, 4], 2:6] = 2
    path = tmp_path / "corrected.tif"
    tifffile.imwrite(path, painted, photometric="minisblack")
    return path, painted


def test_only_corrected_frames_come_in_with_scales_phases_and_specimen(tmp_path, movie, original, corrected):
    path, painted = corrected
    labelled = import_labels(movie, path, tmp_path / "set", changed_from=original)
    assert labelled.scheme == SCHEME
    assert (labelled.pixel_size_nm, labelled.frame_time_s, labelled.ignore_label) == (0.5, 2.0, None)
    found = contents(labelled)
    assert list(found) == ["wire7_00001", "wire7_00004"]
    for index in (1, 4):
        image, label, group = found[f"wire7_{index:05d}"]
        assert image.dtype == np.uint16
        np.testing.assert_array_equal(image, MOVIE[index])
        np.testing.assert_array_equal(label, painted[index])
        assert group == "wire7"


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 5), min_size=1))
def test_exactly_the_changed_frames_are_found(tmp_path_factory, original, changed):
    place = tmp_path_factory.mktemp("round_trip")
    painted = LABELS.copy()
    painted[sorted(changed), 0, 0] = (LABELS[sorted(changed), 0, 0] + 1) % 3
    np.save(place / "movie.npy", MOVIE)
    np.save(place / "painted.npy", painted)
    labelled = import_labels(place / "movie.npy", place / "painted.npy", place / "set", changed_from=original)
    assert [int(frame.name[-5:]) for frame in labelled.frames] == sorted(changed)


@pytest.mark.parametrize("whole", [True, False], ids=["all frames saved", "chosen frames saved"])
def test_named_frames(tmp_path, movie, corrected, whole):
    path, painted = corrected
    if not whole:
        tifffile.imwrite(path, painted[[4, 2]], photometric="minisblack")
    labelled = import_labels(movie, path, tmp_path / "set", frames=[4, 2], phases={"background": 0, "a": 1, "b": 2})
    assert labelled.scheme.names == ("background", "a", "b")
    found = contents(labelled)
    assert set(found) == {"wire7_00002", "wire7_00004"}
    for index in (2, 4):
        np.testing.assert_array_equal(found[f"wire7_{index:05d}"][1], painted[index])


def test_scribbles(tmp_path, movie):
    """0, napari's eraser, says nothing; the background was painted as 5."""
    painted = np.zeros((1, 24, 32), np.uint8)
    painted[0, :4], painted[0, 10:12], painted[0, 20:22] = 5, 1, 2
    tifffile.imwrite(tmp_path / "scribbles.tif", painted)
    labelled = import_labels(
        movie, tmp_path / "scribbles.tif", tmp_path / "set", frames=[3], unlabelled=0,
        phases={"background": 5, "host": 1, "product": 2}, reaction_order=("host", "product"),
    )  # fmt: skip
    ((_, label, _),) = contents(labelled).values()
    assert labelled.ignore_label == 3
    assert labelled.scheme == SCHEME
    rows = np.repeat([0, 3, 1, 3, 2, 3], [4, 6, 2, 8, 2, 2])
    np.testing.assert_array_equal(label, np.repeat(rows[:, None], 32, axis=1))


def test_the_ignore_label_of_the_labels_is_carried(tmp_path, movie):
    painted = LABELS.copy()
    painted[:, :3] = 200
    labelled = import_labels(movie, write_zarr(tmp_path / "a.zarr", painted, ignore_label=200), tmp_path / "set")
    assert labelled.ignore_label == 3
    assert all((label[:3] == 3).all() for _, label, _ in contents(labelled).values())


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_folders_go_together_by_names(tmp_path, suffix):
    images, labels = tmp_path / "shots", tmp_path / "labels"
    for folder in (images, labels):
        folder.mkdir()
    for index, name in enumerate("abc"):
        Image.fromarray(MOVIE[index, :, : 20 + index]).save(images / f"{name}.png")  # no movie: sizes differ
    if suffix == ".tif":
        tifffile.imwrite(labels / "b.tif", LABELS[1, :, :21].astype(np.int32) * 5)
    else:
        Image.fromarray(LABELS[1, :, :21] * 5).save(labels / "b.png")
    phases = {"background": 0, "host": 5, "product": 10}
    found = contents(import_labels(images, labels, tmp_path / "set", phases=phases, pixel_size_nm=0.2))
    assert list(found) == ["shots_b"]
    np.testing.assert_array_equal(found["shots_b"][0], MOVIE[1, :, :21])
    np.testing.assert_array_equal(found["shots_b"][1], LABELS[1, :, :21])
    with pytest.raises(LabelledDataError, match=r"ids \[10\] without a name"):
        import_labels(images, labels, tmp_path / "other", phases={"background": 0, "host": 5})
    (labels / f"b{suffix}").rename(labels / f"z{suffix}")
    with pytest.raises(LabelledDataError, match="image 'z'"):
        import_labels(images, labels, tmp_path / "other", phases=phases)


def test_a_data_set_grows_and_loses_nothing(tmp_path, movie, original, corrected):
    out = tmp_path / "set"
    first = contents(import_labels(movie, original, out, frames=[0]))
    meta = json.loads((out / "dataset.json").read_text())
    (out / "dataset.json").write_text(json.dumps(meta | {"licence": "CC0"}))
    (out / "notes.txt").write_text("mine")
    labelled = import_labels(movie, corrected[0], out, changed_from=original, group="wire8")  # phases as the set has
    found = contents(labelled)
    assert list(found) == ["wire7_00000", "wire8_00001", "wire8_00004"]
    assert labelled.groups == ("wire7", "wire8")
    assert labelled.pixel_size_nm == 0.5
    np.testing.assert_array_equal(found["wire7_00000"][0], first["wire7_00000"][0])
    meta = json.loads((out / "dataset.json").read_text())
    assert (meta["licence"], meta["numTraining"]) == ("CC0", 3)
    assert (out / "notes.txt").read_text() == "mine"


def test_frames_are_not_replaced_unasked(tmp_path, movie, original, corrected):
    path, painted = corrected
    out = tmp_path / "set"
    import_labels(movie, original, out, frames=[1, 2])
    with pytest.raises(OutputExistsError, match="wire7_00001"):
        import_labels(movie, path, out, changed_from=original)
    assert [frame.name for frame in read_labelled(out).frames] == ["wire7_00001", "wire7_00002"]
    np.testing.assert_array_equal(read_labelled(out).frames[0].load_label(), LABELS[1])
    found = contents(import_labels(movie, path, out, changed_from=original, overwrite=True))
    assert set(found) == {"wire7_00001", "wire7_00002", "wire7_00004"}
    np.testing.assert_array_equal(found["wire7_00001"][1], painted[1])
    np.testing.assert_array_equal(found["wire7_00002"][1], LABELS[2])


def test_scales_that_frames_do_not_share_are_left_out(tmp_path, movie, original):
    out = tmp_path / "set"
    import_labels(movie, original, out, frames=[0])
    labelled = import_labels(movie, original, out, frames=[1], pixel_size_nm=0.25)
    assert (labelled.pixel_size_nm, labelled.frame_time_s) == (None, 2.0)


def test_a_set_without_an_ignore_label_gets_one(tmp_path):
    write_labelled(tmp_path / "set", [("a", MOVIE[0], LABELS[0], "A")], SCHEME, file_ending=".tif")
    partly = LABELS[1].copy()
    partly[:5] = 77
    labelled = extend_labelled(tmp_path / "set", [("b", MOVIE[1], partly, "B")], SCHEME, ignore_label=77)
    found = contents(labelled)
    assert labelled.ignore_label == 3
    np.testing.assert_array_equal(found["a"][1], LABELS[0])
    assert (found["b"][1][:5] == 3).all()


@pytest.mark.parametrize(
    ("frame", "scheme", "match"),
    [
        (("b", MOVIE[1], LABELS[1], "A"), PhaseScheme(("background", "other")), "both must be the same"),
        (("b", MOVIE[1], LABELS[1, :9], "A"), SCHEME, "one \\(y, x\\) size"),
        (("b", MOVIE[1], LABELS[1] + 1, "A"), SCHEME, "ids \\[3\\]"),
        (("b", MOVIE[1].astype(float), LABELS[1], "A"), SCHEME, "PNG cannot hold"),
    ],
)
def test_frames_that_do_not_fit_leave_the_set_alone(tmp_path, frame, scheme, match):
    write_labelled(tmp_path / "set", [("a", MOVIE[0], LABELS[0], "A")], SCHEME)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LabelledDataError, match=match):
        extend_labelled(tmp_path / "set", [frame], scheme)
    assert sorted(tmp_path.rglob("*")) == before


def test_replaced_labels_are_those_that_differ(tmp_path):
    frames = [(name, MOVIE[i], LABELS[i], name) for i, name in enumerate("abc")]
    labelled = write_labelled(tmp_path / "set", frames, SCHEME)
    assert replace_labels(labelled, {"a": LABELS[0], "b": LABELS[5]}) == ["b"]
    np.testing.assert_array_equal(read_labelled(tmp_path / "set").frames[1].load_label(), LABELS[5])
    with pytest.raises(LabelledDataError, match=r"no frame \['d'\]"):
        replace_labels(labelled, {"d": LABELS[0]})
    with pytest.raises(LabelledDataError, match="open it again"):
        replace_labels(labelled, {"a": LABELS[0, :5]})


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({}, LabelledDataError, "--phases background,pristine"),
        ({"frames": [9]}, UsageError, r"no frame \[9\]"),
        ({"phases": {"background": 0, "host": 1}, "frames": [0]}, LabelledDataError, r"ids \[2\] without a name"),
        ({"phases": {"background": 0, "a": 1, "b": 2}, "unlabelled": 0}, UsageError, "an id of its own"),
        ({"phases": {"background": 0, "a": 300}}, UsageError, "from 0 to 255"),
        ({"phases": {"a": 0, "b": 1, "c": 2}, "reaction_order": ["d"]}, UsageError, "reaction order"),
    ],
)
def test_what_cannot_be_understood_is_said(tmp_path, movie, corrected, arguments, error, match):
    with pytest.raises(error, match=match):
        import_labels(movie, corrected[0], tmp_path / "set", **arguments)
    assert not (tmp_path / "set").exists()


def test_label_movies_of_another_length(tmp_path, movie, original):
    short = write_zarr(tmp_path / "short.zarr", LABELS[:3])
    with pytest.raises(LabelledDataError, match=r"3 frames, .* has 6"):
        import_labels(movie, short, tmp_path / "set")
    with pytest.raises(LabelledDataError, match="cannot be compared"):
        import_labels(movie, original, tmp_path / "set", changed_from=short)
    with pytest.raises(LabelledDataError, match="no frame differs"):
        import_labels(movie, original, tmp_path / "set", changed_from=original)
    with pytest.raises(MovieError, match="does not exist"):
        import_labels(movie, tmp_path / "absent.tif", tmp_path / "set")


def test_a_folder_that_is_no_data_set_is_kept(tmp_path, movie, original):
    (tmp_path / "set").mkdir()
    with pytest.raises(OutputExistsError):
        import_labels(movie, original, tmp_path / "set", overwrite=True)
