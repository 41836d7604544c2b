"""What a movie holds, wherever it lies and whatever it is called."""

import os
import shutil

import numpy as np
import pytest

from ionfront.analysis.archive.content import content_of, fetched_into, stamp_of


def test_content_is_what_counts_not_the_name(movies):
    first, same, second = (content_of(str(movies / f"{name}.npy")) for name in ("first", "the same", "second"))
    assert first == same != second
    shutil.copy(movies / "first.npy", movies / "first.tif")  # would be read in another way
    assert content_of(str(movies / "first.tif")) != first


def test_a_stamp_changes_when_a_movie_is_written_to(movies):
    path = movies / "first.npy"
    before = stamp_of(str(path))
    assert stamp_of(str(path)) == before
    os.utime(path, ns=(1, 1))
    assert stamp_of(str(path)) != before


def test_a_folder_is_all_its_files_under_their_names(label_zarr, tmp_path):
    copied = shutil.copytree(label_zarr, tmp_path / "labels.zarr")
    assert content_of(str(copied)) == content_of(str(label_zarr))
    chunk = next(path for path in sorted(copied.rglob("*")) if path.is_file())
    chunk.rename(chunk.with_name("elsewhere"))
    assert content_of(str(copied)) != content_of(str(label_zarr))


def test_what_is_not_there_is_an_error_of_the_disk(tmp_path):
    for look in (stamp_of, content_of):
        with pytest.raises(OSError, match="No such file"):
            look(str(tmp_path / "gone.npy"))


def test_what_lies_on_a_server_is_fetched(bucket, movies, tmp_path):
    source = f"{bucket}/2026/first.npy"
    assert stamp_of(source) == content_of(source) != stamp_of(f"{bucket}/2026/second.npy")
    fetched = fetched_into(source, tmp_path)
    np.testing.assert_array_equal(np.load(fetched), np.load(movies / "first.npy"))
