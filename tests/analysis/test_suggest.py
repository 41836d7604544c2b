"""Frames worth labelling: those of the reaction that a network is unsure of, spread out, and none twice."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from ionfront.analysis import suggest
from ionfront.cli.app import app
from ionfront.core import MovieError, OutputExistsError, UsageError
from ionfront.datasets import read_labelled

N_FRAMES, FIRST, LAST = 40, 12, 28


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    """A bar that reacts between frames 12 and 28; while it does, its grey lies between two that the network knows."""
    rng = np.random.default_rng(0)
    time, y, x = np.mgrid[:N_FRAMES, :48, :80]
    bar = (abs(y - 26) < 12) & (x >= 10) & (x < 70)
    grey = np.where(bar, 100, 0)
    grey[bar & (time >= LAST)] = 200
    at_work = bar & (time >= FIRST) & (time < LAST) & (x < 10 + 60 * (time - FIRST + 1) / (LAST - FIRST))
    grey[at_work] = 152
    grey[(y < 8) & (x < 16)] = 300
    grey = np.clip(grey + rng.normal(10, 1, grey.shape), 1, 400).astype(np.uint16)
    grey[20] = 0
    path = tmp_path_factory.mktemp("movie") / "bar.npy"
    np.save(path, grey)
    return path


def frames(suggestions):
    return [item.frame for item in suggestions]


def test_frames_of_the_reaction_come_first_and_lie_apart(movie, grey_onnx):
    found = suggest(movie, 4, model=grey_onnx)
    assert all(FIRST <= frame < LAST for frame in frames(found))
    assert np.diff(sorted(frames(found))).min() >= 2
    idle = suggest(movie, N_FRAMES, model=grey_onnx)[-5:]
    assert max(item.uncertainty for item in idle) < 0.2 * min(item.uncertainty for item in found)


def test_blanked_frames_are_left_out_and_each_frame_comes_once(movie, grey_onnx):
    found = frames(suggest(movie, 2 * N_FRAMES, model=grey_onnx))
    assert sorted(found) == [frame for frame in range(N_FRAMES) if frame != 20]


def test_frames_go_out_with_labels_and_are_not_named_again(movie, grey_onnx, tmp_path):
    first = suggest(movie, 3, model=grey_onnx, out=tmp_path / "first")
    written = read_labelled(tmp_path / "first")
    assert {frame.name for frame in written.frames} == {f"bar_{frame:05d}" for frame in frames(first)}
    assert written.groups == ("bar",)  # as `import-labels` names it: one movie is one group
    image, label = written.frames[0].load()
    recorded = np.load(movie)[min(frames(first))]
    assert np.array_equal(image, recorded)
    assert set(np.unique(label)) >= {0, 3}
    second = suggest(movie, 3, model=grey_onnx, data=tmp_path / "first")
    assert not set(frames(first)) & set(frames(second))
    with pytest.raises(OutputExistsError):
        suggest(movie, 3, model=grey_onnx, out=tmp_path / "first")


def test_labelled_frames_are_told_by_their_pixels_too(movie, grey_onnx, tmp_path):
    first = suggest(movie, 2, model=grey_onnx, out=tmp_path / "set")
    renamed = tmp_path / "renamed.npy"
    renamed.write_bytes(movie.read_bytes())
    assert not set(frames(first)) & set(frames(suggest(renamed, 5, model=grey_onnx, data=tmp_path / "set")))


def test_a_model_that_compares_sees_the_reference(movie, comparing_onnx, tmp_path):
    found = suggest(movie, 2, model=comparing_onnx, out=tmp_path / "set")
    assert all(FIRST <= frame < LAST for frame in frames(found))
    assert len(read_labelled(tmp_path / "set").frames) == 2


def test_nothing_left_and_nothing_asked(movie, grey_onnx, tmp_path):
    suggest(movie, N_FRAMES, model=grey_onnx, out=tmp_path / "all")
    with pytest.raises(MovieError, match="none is left"):
        suggest(movie, 3, model=grey_onnx, data=tmp_path / "all")
    with pytest.raises(UsageError, match="1 or more"):
        suggest(movie, 0, model=grey_onnx)


def test_the_command_prints_json(movie, grey_onnx):
    done = CliRunner().invoke(app, ["suggest", str(movie), "--model", str(grey_onnx), "--count", "2", "--json"])
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert [set(item) for item in found] == [{"frame", "time", "time_unit", "uncertainty", "apart", "why"}] * 2
    assert all(FIRST <= item["frame"] < LAST for item in found)
