"""Labels of one image, a folder, or a movie: same stem, same size, whole or absent."""

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from ionfront.analysis import segment
from ionfront.core import MovieError, OutputExistsError
from ionfront.datasets import open_labels


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def image(grey, tmp_path):
    path = tmp_path / "in" / "frame.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, grey[12])
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_an_image_gives_a_label_image(image, labels, grey_onnx, tmp_path, suffix):
    out = tmp_path / f"labels{suffix}"
    assert segment(image, out, model=grey_onnx) == 1
    found = iio.imread(out)
    assert found.dtype == np.uint8
    assert found.shape == labels[12].shape
    assert (found == labels[12]).mean() > 0.99


def test_probabilities_lie_beside_the_labels(image, grey_onnx, tmp_path):
    out = tmp_path / "out" / "labels.png"
    segment(image, out, model=grey_onnx, probabilities=True)
    assert names(out.parent) == ["labels.png", "labels_probabilities.tif"]
    probabilities = tifffile.imread(out.with_name("labels_probabilities.tif"))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(probabilities.argmax(axis=0), iio.imread(out))


def test_nothing_finished_is_overwritten_unasked(image, grey_onnx, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a_probabilities.tif").write_text("mine")
    with pytest.raises(OutputExistsError, match="a_probabilities"):
        segment(image, out / "a.png", model=grey_onnx, probabilities=True)
    assert names(out) == ["a_probabilities.tif"]
    segment(image, out / "a.png", model=grey_onnx)
    with pytest.raises(OutputExistsError, match=r"a\.png"):
        segment(image, out / "a.png", model=grey_onnx)
    segment(image, out / "a.png", model=grey_onnx, probabilities=True, overwrite=True)
    assert tifffile.imread(out / "a_probabilities.tif").shape == (4, 48, 80)
    assert (out / "a_probabilities.tif").read_bytes()[:4] != b"mine"


def test_a_model_that_compares_takes_images_and_movies(image, grey, labels, comparing_onnx, tmp_path):
    segment(image, tmp_path / "labels.png", model=comparing_onnx)
    assert (iio.imread(tmp_path / "labels.png") == labels[12]).mean() > 0.99
    np.save(tmp_path / "bar.npy", grey)
    segment(tmp_path / "bar.npy", tmp_path / "bar.zarr", model=comparing_onnx)
    assert (open_labels(tmp_path / "bar.zarr").values == labels).mean() > 0.99


def test_a_folder_gives_a_label_image_for_each(grey, labels, grey_onnx, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for index in (2, 10, 20):
        iio.imwrite(source / f"f{index}.tif", grey[index, : 24 + index])
    told = []
    assert segment(source, tmp_path / "out", model=grey_onnx, progress=lambda *step: told.append(step)) == 3
    assert names(tmp_path / "out") == ["f10.png", "f2.png", "f20.png"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    for index in (2, 10, 20):
        found = iio.imread(tmp_path / "out" / f"f{index}.png")
        assert found.shape == (24 + index, 80)
    assert (found == labels[20, :44]).mean() > 0.98


def test_a_movie_gives_a_label_movie(grey, labels, grey_onnx, tmp_path):
    frames = grey[:5].copy()
    frames[2] = np.nan
    np.save(tmp_path / "a.npy", frames)
    assert segment(tmp_path / "a.npy", tmp_path / "labels.zarr", model=grey_onnx) == 5
    found = open_labels(tmp_path / "labels.zarr")
    assert found.attrs["reaction_order"] == ("pristine", "converted")
    assert (found.values[[0, 1, 3, 4]] == labels[[0, 1, 3, 4]]).mean() > 0.98
    assert not found.values[2].any()


def test_probabilities_of_a_movie_are_refused_before_any_work(grey, grey_onnx, tmp_path):
    np.save(tmp_path / "a.npy", grey[:3])
    with pytest.raises(MovieError, match="folder"):
        segment(tmp_path / "a.npy", tmp_path / "out", model=grey_onnx, probabilities=True)
    assert names(tmp_path) == ["a.npy"]


def test_a_damaged_image_leaves_nothing(grey_onnx, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.tif").write_bytes(b"II*\0 no picture")
    with pytest.raises(MovieError):
        segment(source, tmp_path / "out", model=grey_onnx)
    assert names(tmp_path) == ["in"]
