"""Labelled frames in one store come back as they were, without the others being read."""

import json

import numpy as np
import pytest
from PIL import Image

from ionfront.core import LabelledDataError, MovieError, OutputExistsError
from ionfront.datasets import group_folds, ome, open_labelled, pack_labelled, read_labelled


@pytest.fixture
def folder(tmp_path):
    """Seven frames of two sizes, of three specimens."""
    rng = np.random.default_rng(0)
    root = tmp_path / "set"
    for part in ("imagesTr", "labelsTr"):
        (root / part).mkdir(parents=True)
    for number in range(7):
        shape = (20, 30) if number < 5 else (16, 16)
        Image.fromarray(rng.integers(0, 255, shape, np.uint8)).save(root / "imagesTr" / f"f{number}_0000.png")
        label = rng.integers(0, 3, shape, np.uint8)
        label[0] = 9
        Image.fromarray(label).save(root / "labelsTr" / f"f{number}.png")
    meta = {
        "labels": {"background": 0, "shell": 1, "core": 2},
        "groups": {"A": ["f0", "f1", "f5"], "B": ["f2", "f3"], "C": ["f4", "f6"]},
        "reaction_order": ["shell", "core"],
        "ignore_label": 9,
        "pixel_size_nm": 0.5,
    }
    (root / "dataset.json").write_text(json.dumps(meta))
    return root


def test_frames_come_back_as_they_were(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ome, "_SHARD", 2 * 20 * 30)
    labelled, told = read_labelled(folder), []
    packed = pack_labelled(labelled, tmp_path / "set.zarr", progress=lambda *count: told.append(count))
    again = open_labelled(tmp_path / "set.zarr")
    assert again == packed
    assert told[-1] == (7, 7)
    for name in ("scheme", "ignore_label", "pixel_size_nm", "frame_time_s", "names_groups"):
        assert getattr(again, name) == getattr(labelled, name)
    assert sorted(again.groups) == ["A", "B", "C"]
    frames = {frame.name: frame for frame in labelled.frames}
    for frame in again.frames:
        assert frame.group == frames[frame.name].group
        for one, other in zip(frame.load(), frames[frame.name].load(), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def test_many_frames_are_few_files(folder, tmp_path):
    pack_labelled(read_labelled(folder), tmp_path / "set.zarr")
    files = [file for file in (tmp_path / "set.zarr").rglob("*") if file.is_file() and file.name != "zarr.json"]
    assert len(files) == 4  # images and labels of both sizes


def test_splits_cut_no_specimen(folder, tmp_path):
    packed = pack_labelled(read_labelled(folder), tmp_path / "set.zarr")
    for train, held in group_folds(packed, 3, seed=0):
        assert len(train.frames) + len(held.frames) == 7
        assert not set(train.groups) & set(held.groups)


def test_what_is_no_such_store_is_refused(folder, tmp_path, label_zarr):
    with pytest.raises(LabelledDataError, match="ionfront pack"):
        open_labelled(label_zarr)
    pack_labelled(read_labelled(folder), tmp_path / "set.zarr")
    with pytest.raises(OutputExistsError):
        pack_labelled(read_labelled(folder), tmp_path / "set.zarr")
    (tmp_path / "set.zarr" / "zarr.json").write_text("{")
    with pytest.raises(MovieError, match=r"set\.zarr"):
        open_labelled(tmp_path / "set.zarr")
