import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ionfront.core import LabelledDataError
from ionfront.datasets import import_coco, import_yolo

TITANIUM = Path(__file__).parents[2].parent / "shared" / "data" / "ti_annealing_movie"
SQUARE = np.zeros((20, 40), np.uint8)
SQUARE[5:10, 10:30] = 1  # x from 10 to 30 and y from 5 to 10, measured from the corner


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "movie"
    folder.mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.full((20, 40, 3), 90, np.uint8)).save(folder / f"{name}.png")
    return folder


def write_polygons(folder, **lines):
    folder.mkdir()
    for name, text in lines.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


@pytest.mark.parametrize(
    "line", ["0 0.25 0.25 0.75 0.25 0.75 0.5 0.25 0.5", "0 0.5 0.375 0.5 0.25"], ids=["polygon", "box"]
)
def test_yolo(tmp_path, images, line):
    polygons = write_polygons(tmp_path / "text", a=line, b="")
    labelled = import_yolo(images, polygons, ["void"], tmp_path / "set", pixel_size_nm=0.3)
    assert labelled.scheme.names == ("background", "void")
    assert labelled.groups == ("movie",)
    assert labelled.pixel_size_nm == 0.3
    image, label = labelled.frames[0].load()
    np.testing.assert_array_equal(label, SQUARE)
    assert (image == 90).all()
    assert not labelled.frames[1].load()[1].any()


def test_frames_that_nobody_annotated_are_left_out(tmp_path, images):
    polygons = write_polygons(tmp_path / "text", b="")
    labelled = import_yolo(images, polygons, ["void"], tmp_path / "set", group_of=lambda name: name.upper())
    assert [(frame.name, frame.group) for frame in labelled.frames] == [("b", "B")]


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("one 0.1 0.1 0.2 0.2 0.3 0.3", "line 1"),
        ("1 0.1 0.1 0.2 0.2 0.3 0.3", "class 1 has no name"),
        ("0 0.1 0.1 0.2", "pairs of fractions"),
        ("0 10 10 20 20 30 10", "pairs of fractions"),
        ("0 nan nan nan nan nan nan", "pairs of fractions"),
    ],
)
def test_yolo_lines_that_are_wrong_are_named(tmp_path, images, line, match):
    polygons = write_polygons(tmp_path / "text", a=line)
    with pytest.raises(LabelledDataError, match=match):
        import_yolo(images, polygons, ["void"], tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_polygons_without_an_image_are_named(tmp_path, images):
    polygons = write_polygons(tmp_path / "text", nobody="0 0.1 0.1 0.2 0.2 0.3 0.1")
    with pytest.raises(LabelledDataError, match="'nobody', which is not there"):
        import_yolo(images, polygons, ["void"], tmp_path / "set")


def annotation(category, segmentation):
    return [{"id": 3, "image_id": 7, "category_id": category, "segmentation": segmentation}]


def coco(**changes):
    runs = SQUARE.ravel(order="F")
    edges = np.flatnonzero(np.diff(runs)) + 1
    counts = np.diff([0, *edges, runs.size]).tolist()
    return {
        "images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "b.png"}],
        "categories": [{"id": 5, "name": "void"}, {"id": 2, "name": "loop"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 2, "segmentation": [[10, 5, 30, 5, 30, 10, 10, 10]]},
            {"id": 2, "image_id": 8, "category_id": 5, "segmentation": {"counts": counts, "size": [20, 40]}},
        ],
    } | changes


def test_coco(tmp_path, images):
    (tmp_path / "coco.json").write_text(json.dumps(coco()))
    labelled = import_coco(tmp_path / "coco.json", images, tmp_path / "set")
    assert labelled.scheme.names == ("background", "loop", "void")
    np.testing.assert_array_equal(labelled.frames[0].load()[1], SQUARE)
    np.testing.assert_array_equal(labelled.frames[1].load()[1], SQUARE * 2)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({}, "no COCO file"),
        (coco(images=[{"id": 7, "file_name": "nobody.png"}]), "nobody"),
        (
            coco(annotations=annotation(2, {"counts": "abc"})),
            "annotation 3",
        ),
        (
            coco(annotations=annotation(9, [[0, 0, 1, 1, 2, 0]])),
            "category 9",
        ),
    ],
)
def test_coco_files_that_are_wrong(tmp_path, images, content, match):
    (tmp_path / "coco.json").write_text(json.dumps(content))
    with pytest.raises(LabelledDataError, match=match):
        import_coco(tmp_path / "coco.json", images, tmp_path / "set")


@pytest.mark.skipif(not TITANIUM.is_dir(), reason="../shared/data/ti_annealing_movie is not here")
def test_real_polygons_on_a_frame_of_a_real_movie(tmp_path):
    frames, polygons = tmp_path / "frames", tmp_path / "polygons"
    for folder, name in ((frames, "frame_0002.jpg"), (polygons, "frame_0002.txt")):
        folder.mkdir()
        (folder / name).symlink_to(TITANIUM / folder.name / name)
    labelled = import_yolo(frames, polygons, ["defect"], tmp_path / "set")
    image, label = labelled.frames[0].load()
    assert image.shape == label.shape == (2048, 2048)
    assert image.dtype == np.uint8
    assert 0.005 < label.mean() < 0.5
    # Defects are what is dark in these images.
    assert image[label == 1].mean() < image[label == 0].mean()


def test_what_lies_outside_of_some_outlines_is_ignored_where_they_are_some_only(tmp_path, images):
    corner = "1 0.0 0.0 0.1 0.0 0.1 0.2 0.0 0.2"
    polygons = write_polygons(tmp_path / "text", a=f"0 0.25 0.25 0.75 0.25 0.75 0.5 0.25 0.5\n{corner}")
    labelled = import_yolo(images, polygons, ["void", "background"], tmp_path / "set", partial=True)
    assert labelled.scheme.names == ("background", "void")
    label = labelled.frames[0].load()[1]
    np.testing.assert_array_equal(label == 1, SQUARE == 1)
    assert (label[:4, :4] == 0).all()
    assert (label == labelled.ignore_label).sum() == label.size - SQUARE.sum() - 16
