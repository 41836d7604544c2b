"""What napari asks of the plugin, through its contract (npe2): without napari always, and with it where it is."""

import importlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
import zarr

from ionfront.analysis import napari_plugin
from ionfront.core import LabelledDataError, OutputExistsError, PhaseScheme
from ionfront.datasets import calibration_of, import_labels, open_labels, read_labelled, scheme_of, write_labelled
from ionfront.datasets.readers import READERS

from ..conftest import ORDER, PHASES

ROOT = Path(__file__).parents[2]
MANIFEST = Path(napari_plugin.__file__).with_name("napari.yaml")
CONTRIBUTIONS = yaml.safe_load(MANIFEST.read_text())["contributions"]


def command(identifier):
    """The function behind a command of the manifest, found as npe2 finds it."""
    (entry,) = [entry for entry in CONTRIBUTIONS["commands"] if entry["id"] == identifier]
    module, name = entry["python_name"].split(":")
    return getattr(importlib.import_module(module), name)


def read(path):
    reader = command(CONTRIBUTIONS["readers"][0]["command"])(str(path))
    return reader(str(path))


def write(path, layer):
    """Save a layer with the writer that the manifest names for this suffix."""
    (writer,) = [w for w in CONTRIBUTIONS["writers"] if Path(path).suffix in w["filename_extensions"]]
    data, attributes, kind = layer
    assert writer["layer_types"] == [kind]
    return command(writer["command"])(str(path), data, attributes)


def corrected(layer, index, value=3):
    """The layer with a block of one frame painted over."""
    data, attributes, kind = layer
    painted = data.copy()
    painted[index, 10:14, 20:30] = value
    return painted, attributes, kind


@pytest.fixture
def frames(tmp_path, grey, labels):
    """A labelled data set of three frames, some pixels of which nobody judged."""
    painted = labels[[3, 9, 15]].copy()
    painted[:, :2] = 200
    named = [(f"bar_{i}", grey[i], painted[k], "bar") for k, i in enumerate((3, 9, 15))]
    scheme = PhaseScheme(PHASES, ORDER)
    write_labelled(tmp_path / "set", named, scheme, ignore_label=200, pixel_size_nm=0.5, file_ending=".tif")
    return tmp_path / "set"


def test_the_manifest_names_every_format_that_is_read():
    (reader,) = CONTRIBUTIONS["readers"]
    assert set(reader["filename_patterns"]) == {f"*{suffix}" for suffix in READERS} | {"*dataset.json"}
    assert reader["accepts_directories"]


def test_what_is_not_read_is_declined(tmp_path):
    assert napari_plugin.get_reader(str(tmp_path / "notes.txt")) is None
    assert napari_plugin.get_reader([str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]) is None


def test_a_movie_is_an_image_in_nm_and_s(tmp_path, grey):
    path = tmp_path / "movie.ome.tif"
    metadata = {"axes": "TYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.5}
    metadata |= {"PhysicalSizeYUnit": "nm", "TimeIncrement": 2.0, "TimeIncrementUnit": "s"}
    tifffile.imwrite(path, grey, ome=True, metadata=metadata, photometric="minisblack")
    ((data, attributes, kind),) = read(path)
    assert kind == "image"
    assert data.chunks[0][0] == 1
    np.testing.assert_array_equal(data, grey)
    assert attributes["scale"] == (2.0, 0.5, 0.5)
    assert attributes["units"] == ("s", "nm", "nm")
    assert attributes["axis_labels"] == ("time", "y", "x")


def test_an_unknown_scale_is_in_pixels(tmp_path, grey):
    np.save(tmp_path / "movie.npy", grey)
    ((_, attributes, _),) = read(tmp_path / "movie.npy")
    assert attributes["scale"] == (1, 1, 1)
    assert attributes["units"] == ("pixel", "pixel", "pixel")


def test_a_zarr_movie_in_colour_is_an_image(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (3, 20, 30, 3)).astype(np.uint8)
    axes = [{"name": n, "type": t} for n, t in (("t", "time"), ("y", "space"), ("x", "space"), ("s", "channel"))]
    group = zarr.open_group(str(tmp_path / "movie.zarr"), mode="w")
    group.create_array("0", data=colour)
    datasets = [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1, 1]}]}]
    group.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": datasets}]
    ((data, _, kind),) = read(tmp_path / "movie.zarr")
    assert (kind, data.shape) == ("image", (3, 20, 30))


def test_labels_have_names_and_colours(label_zarr, labels):
    ((data, attributes, kind),) = read(label_zarr)
    assert kind == "labels"
    assert isinstance(data, np.ndarray)  # napari paints on nothing else
    np.testing.assert_array_equal(data, labels)
    assert attributes["features"] == {"index": [0, 1, 2, 3], "phase": list(PHASES)}
    colours = [attributes["colormap"][i] for i in range(4)]
    assert len(set(colours)) == 4
    assert colours[0] == "transparent"


def test_a_corrected_label_movie_comes_back(label_zarr, labels, tmp_path):
    (layer,) = read(label_zarr)
    out = tmp_path / "corrected.zarr"
    assert write(out, corrected(layer, 7)) == [str(out)]
    before, after = open_labels(label_zarr), open_labels(out)
    assert np.flatnonzero((before != after).any(("y", "x"))).tolist() == [7]
    assert scheme_of(after) == scheme_of(before)
    assert calibration_of(after).pixel_size_nm == 0.5
    np.testing.assert_array_equal(after.time, before.time)
    with pytest.raises(OutputExistsError):
        write(out, layer)


def test_a_layer_that_knows_no_phases_is_sent_to_tiff(tmp_path, labels):
    with pytest.raises(LabelledDataError, match=r"save it as \.tif"):
        write(tmp_path / "a.zarr", (labels, {"name": "Labels", "metadata": {}}, "labels"))


def test_results_open_on_their_movie_with_the_scales_the_user_gave(tmp_path, grey, label_zarr):
    np.save(tmp_path / "movie.npy", grey)  # knows no scale; the labels were written with those that the user gave
    results = tmp_path / "movie-ionfront"
    shutil.copytree(label_zarr, results / "labels.zarr")
    (results / "kinetics.json").write_text(json.dumps({"source": str(tmp_path / "movie.npy")}))
    (_, image, kind), (_, labels, _) = read(results)
    assert kind == "image"
    assert image["scale"] == labels["scale"] == (2.0, 0.5, 0.5)
    (tmp_path / "movie.npy").unlink()
    assert [kind for _, _, kind in read(results)] == ["labels"]


@pytest.mark.parametrize("name", ["", "dataset.json"])
def test_a_labelled_data_set_opens_as_two_stacks(frames, grey, name):
    (images, place, _), (labels, attributes, kind) = read(frames / name)
    np.testing.assert_array_equal(images, grey[[3, 9, 15]])
    assert kind == "labels"
    assert place["scale"] == attributes["scale"] == (1, 0.5, 0.5)
    assert (labels[:, :2] == len(PHASES)).all()
    assert attributes["features"]["phase"][-1] == "not judged"


def test_corrected_frames_go_back_into_their_data_set(frames):
    before = {frame.name: frame.load_label() for frame in read_labelled(frames).frames}
    times = {path: path.stat().st_mtime_ns for path in (frames / "labelsTr").iterdir()}
    _, layer = read(frames)
    write(frames / "dataset.json", corrected(layer, 1))
    after = {frame.name: frame.load_label() for frame in read_labelled(frames).frames}
    np.testing.assert_array_equal(after["bar_9"], corrected(layer, 1)[0][1])
    np.testing.assert_array_equal(after["bar_15"], before["bar_15"])
    touched = [path.stem for path, time in times.items() if path.stat().st_mtime_ns != time]
    assert touched == ["bar_9"]


def test_labels_of_another_set_or_with_unknown_ids_change_nothing(frames, label_zarr):
    before = [frame.load_label() for frame in read_labelled(frames).frames]
    (movie,) = read(label_zarr)
    with pytest.raises(LabelledDataError, match="24 frames"):
        write(frames / "dataset.json", movie)
    _, layer = read(frames)
    with pytest.raises(LabelledDataError, match=r"ids \[77\]"):
        write(frames / "dataset.json", corrected(corrected(layer, 0), 2, value=77))
    np.testing.assert_array_equal(before, [frame.load_label() for frame in read_labelled(frames).frames])


@pytest.mark.filterwarnings("ignore")  # napari's own
def test_napari_itself_opens_and_saves(frames, label_zarr, tmp_path, monkeypatch):
    """No window: the viewer's model, its layers, and npe2 between them and the plugin."""
    components = pytest.importorskip("napari.components", reason="napari is not installed (extra `label`)")
    npe2 = pytest.importorskip("npe2")
    manager = npe2.PluginManager()
    manager.register(npe2.PluginManifest.from_file(MANIFEST))
    monkeypatch.setattr(npe2.PluginManager, "instance", classmethod(lambda _: manager))
    viewer = components.ViewerModel()

    (labels,) = viewer.open(str(label_zarr), plugin="ionfront")
    assert labels.features["phase"].tolist() == list(PHASES)
    assert [str(unit) for unit in labels.units] == ["second", "nanometer", "nanometer"]
    labels.selected_label = 3
    labels.paint((7, 20, 30), 3)
    labels.save(str(tmp_path / "corrected.zarr"), plugin="ionfront")
    before, after = open_labels(label_zarr), open_labels(tmp_path / "corrected.zarr")
    assert np.flatnonzero((before != after).any(("y", "x"))).tolist() == [7]

    image, labels = viewer.open(str(frames), plugin="ionfront")
    assert image.data.shape == labels.data.shape
    labels.data[2, 5:9, 5:9] = 2
    labels.save(str(frames / "dataset.json"), plugin="ionfront")
    assert (read_labelled(frames).frames[2].load_label()[5:9, 5:9] == 2).all()


def test_the_plugin_is_found_by_its_entry_point():
    entry = 'ionfront = "ionfront.analysis:napari.yaml"'
    assert entry in (ROOT / "pyproject.toml").read_text()


@pytest.mark.filterwarnings("ignore")  # napari's own
def test_lines_for_people_without_the_plugin(tmp_path, label_zarr, labels, grey, monkeypatch):
    """The script of docs/labelling.md, and what napari saves by itself."""
    napari = pytest.importorskip("napari", reason="napari is not installed (extra `label`)")
    viewer = pytest.importorskip("napari.components").ViewerModel()
    pytest.importorskip("npe2").PluginManager.instance().discover()  # as napari's window does at its start
    monkeypatch.setattr(napari, "imshow", lambda image: (viewer, viewer.add_image(image)))  # without a window
    monkeypatch.setattr(napari, "run", lambda: None)
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("movie.tif", grey)
    shutil.copytree(label_zarr, "labels.zarr")
    (script,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "labelling.md").read_text(), flags=re.DOTALL)
    exec(script, {})
    viewer.layers[-1].data[7, 10:14] = 3
    viewer.layers[-1].save("corrected.tif", plugin="napari")
    (frame,) = import_labels("movie.tif", "corrected.tif", "set", changed_from="labels.zarr").frames
    image, label = frame.load()
    np.testing.assert_array_equal(image, grey[7])
    assert (label[10:14] == 3).all()
    np.testing.assert_array_equal(label[14:], labels[7, 14:])
