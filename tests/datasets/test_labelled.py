import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from ionfront.core import DEFAULT_SCHEME, LabelledDataError, OutputExistsError, PhaseScheme
from ionfront.datasets import group_folds, read_labelled, split_by_group, write_labelled

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
SCHEME = PhaseScheme(("background", "pristine", "converted"), ("pristine", "converted"))


def make_frames(count=6, groups=3, dtype=np.uint8, ignore=None):
    rng = np.random.default_rng(0)
    for i in range(count):
        label = rng.integers(0, 3, (12, 16))
        if ignore is not None:
            label[0, 0] = ignore
        yield f"frame_{i}", (rng.random((12, 16)) * 200).astype(dtype), label, f"particle {i % groups}"


def rewrite_json(root, **changes):
    path = root / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def root(tmp_path):
    write_labelled(tmp_path / "set", make_frames(), SCHEME, pixel_size_nm=0.5, frame_time_s=2.0)
    return tmp_path / "set"


@pytest.mark.parametrize(
    ("dtype", "ending"),
    [("uint8", ".png"), ("uint16", ".png"), ("uint16", ".tif"), ("float32", ".tif"), ("int16", ".tif")],
)
def test_what_is_written_is_read(tmp_path, dtype, ending):
    write_labelled(
        tmp_path / "set", make_frames(dtype=dtype), SCHEME, file_ending=ending, pixel_size_nm=0.5, frame_time_s=2.0
    )
    labelled = read_labelled(tmp_path / "set")
    assert labelled.scheme == SCHEME
    assert (labelled.pixel_size_nm, labelled.frame_time_s, labelled.ignore_label) == (0.5, 2.0, None)
    for frame, (name, image, label, group) in zip(labelled.frames, make_frames(dtype=dtype), strict=True):
        assert (frame.name, frame.group) == (name, group)
        read_image, read_label = frame.load()
        np.testing.assert_array_equal(read_image, image)
        np.testing.assert_array_equal(read_label, label)
        assert read_image.dtype == np.dtype(dtype)
        assert read_label.dtype == np.uint8


def test_ignored_pixels_take_the_id_that_nnunet_wants(tmp_path):
    labelled = write_labelled(tmp_path / "set", make_frames(ignore=255), SCHEME, ignore_label=255)
    assert labelled.ignore_label == 3
    assert labelled.frames[0].load()[1][0, 0] == 3
    content = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert content["labels"] == {"background": 0, "pristine": 1, "converted": 2, "ignore": 3}
    assert content["numTraining"] == 6


def test_nothing_is_overwritten_unasked_and_nothing_half_is_left(tmp_path, root):
    with pytest.raises(OutputExistsError):
        write_labelled(root, make_frames(), SCHEME)
    with pytest.raises(LabelledDataError, match=r"label ids \[9\]"):
        write_labelled(tmp_path / "bad", [("a", np.zeros((3, 3), "u1"), np.full((3, 3), 9), "g")], SCHEME)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["set"]


@pytest.mark.parametrize(
    ("frames", "match"),
    [
        ([], "no labelled frame"),
        ([("a", np.zeros((3, 3)), np.zeros((3, 3), int), "g")], "PNG cannot hold"),
        ([("a", np.zeros((3, 3), "u1"), np.zeros((3, 4), int), "g")], "one .* size"),
        ([("a", np.zeros((3, 3), "u1"), np.zeros((3, 3), int), "g")] * 2, "came twice"),
    ],
)
def test_frames_that_cannot_be_written(tmp_path, frames, match):
    with pytest.raises(LabelledDataError, match=match):
        write_labelled(tmp_path / "set", iter(frames), SCHEME)


def remove(name):
    return lambda root: (root / name).unlink()


def save(name, pixels):
    return lambda root: Image.fromarray(np.asarray(pixels, np.uint8)).save(root / name)


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (remove("labelsTr/frame_2.png"), r"frame_2_0000\.png has no label"),
        (remove("imagesTr/frame_2_0000.png"), r"frame_2\.png has no image"),
        (remove("dataset.json"), r"dataset\.json is missing"),
        (save("labelsTr/frame_3.png", np.zeros((5, 5))), r"frame_3_0000\.png has \(12, 16\) pixels"),
        (save("labelsTr/frame_3.png", np.full((12, 16), 7)), r"frame_3\.png holds label ids \[7\]"),
        (save("labelsTr/frame_3.png", np.zeros((12, 16, 3))), r"frame_3\.png holds colours"),
        (save("imagesTr/frame_3_0001.png", np.zeros((12, 16))), r"frame_3_0001\.png: images are named"),
        (lambda root: (root / "labelsTr/frame_3.png").write_text("x"), r"frame_3\.png cannot be read"),
        (lambda root: (root / "dataset.json").write_text("{"), r"dataset\.json"),
        (lambda root: rewrite_json(root, labels={"background": 0, "a": 2}), "without gaps"),
        (lambda root: rewrite_json(root, labels={"background": 0, "region": [1, 2]}), r"dataset\.json: labels"),
        (lambda root: rewrite_json(root, groups={"a": ["nobody"]}), "names 'nobody'"),
        (lambda root: rewrite_json(root, groups={"a": ["frame_1"], "b": ["frame_1"]}), "in groups 'a' and 'b'"),
        (lambda root: rewrite_json(root, pixel_size_nm=-1), "pixel_size_nm"),
        (lambda root: rewrite_json(root, reaction_order=["gold"]), "reaction order"),
        (lambda root: rewrite_json(root, ignore_label=1), "ignore label 1"),
        (lambda root: rewrite_json(root, file_ending=".nii.gz"), "not read"),
    ],
)
def test_a_broken_layout_names_the_file(root, damage, match):
    damage(root)
    with pytest.raises(LabelledDataError, match=match):
        read_labelled(root)


def test_palette_labels_are_ids_not_colours(root):
    picture = Image.fromarray(np.full((12, 16), 2, np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.putdata([2] * 12 * 16)
    picture.save(root / "labelsTr" / "frame_0.png")
    assert (read_labelled(root).frames[0].load()[1] == 2).all()


def test_frames_without_a_group_stand_alone(root):
    rewrite_json(root, groups={"pair": ["frame_0", "frame_1"]})
    labelled = read_labelled(root)
    assert labelled.groups == ("pair", "frame_2", "frame_3", "frame_4", "frame_5")


def test_splits_never_cut_a_group(root):
    labelled = read_labelled(root)
    train, held = split_by_group(labelled, ["particle 1"])
    assert {frame.group for frame in held.frames} == {"particle 1"}
    assert {frame.group for frame in train.frames} == {"particle 0", "particle 2"}
    assert len(train.frames) + len(held.frames) == 6
    for groups in ([], ["nobody"], labelled.groups):
        with pytest.raises(LabelledDataError):
            split_by_group(labelled, groups)


@pytest.mark.parametrize("n_folds", [2, 3])
def test_folds_hold_every_group_out_once_and_repeat_with_their_seed(root, n_folds):
    labelled = read_labelled(root)
    folds = group_folds(labelled, n_folds, seed=4)
    held = [frame.name for _, part in folds for frame in part.frames]
    assert sorted(held) == sorted(frame.name for frame in labelled.frames)
    for train, part in folds:
        assert not {frame.group for frame in train.frames} & {frame.group for frame in part.frames}
    assert group_folds(labelled, n_folds, seed=4) == folds


def test_more_folds_than_groups_cannot_be_had(root):
    with pytest.raises(LabelledDataError, match="3 groups"):
        group_folds(read_labelled(root), 4, seed=0)


@pytest.mark.parametrize(
    ("name", "count", "groups"), [("Dataset101_EbcOxide", 16, None), ("Dataset102_Sintering", 20, 20)]
)
def test_real_data_sets(name, count, groups):
    if not (SHARED / name).is_dir():
        pytest.skip(f"../shared/data/{name} is not here")
    labelled = read_labelled(SHARED / name, check_labels=False)
    assert len(labelled.frames) == count
    assert 1 < len(labelled.groups) <= count
    image, label = labelled.frames[0].load()
    assert image.shape == label.shape


def test_default_scheme_and_tiff_data_of_other_programs(tmp_path):
    for folder, name in (("imagesTr", "a_0000.tif"), ("labelsTr", "a.tif")):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / name, np.ones((8, 9), np.float32), photometric="minisblack")
    labels = {name: i for i, name in enumerate(DEFAULT_SCHEME.names)}
    (tmp_path / "dataset.json").write_text(
        json.dumps({"labels": labels, "file_ending": ".tif", "overwrite_image_reader": "x"})
    )
    labelled = read_labelled(tmp_path)
    assert labelled.scheme.names == DEFAULT_SCHEME.names
    assert labelled.scheme.reaction_order == ()
    assert labelled.frames[0].load()[1].dtype == np.uint8
