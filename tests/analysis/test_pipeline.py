"""From a movie or its labels to a whole folder of results, or to nothing at all."""

import csv
import json

import numpy as np
import pytest
import tifffile

from ionfront.analysis import analyze, fronts_of_labels, pipeline
from ionfront.core import ElectrochemistryError, LabelledDataError, MovieError, OutputExistsError, UsageError
from ionfront.datasets import calibration_of, open_labels, open_movie

FILES = ["arrival.tif", "fronts.csv", "kinetics.json", "overlay.webp", "report.html", "speed.tif"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def of_labels(label_zarr, tmp_path_factory):
    told = []
    out = tmp_path_factory.mktemp("run") / "out"
    run = fronts_of_labels(label_zarr, out, material={"ion": "Na"}, progress=lambda *step: told.append(step))
    assert told[0] == (1, 24)
    assert told[-1] == (24, 24)
    return run


@pytest.fixture(scope="module")
def movie(grey, tmp_path_factory):
    """Two of its frames are blanked."""
    path = tmp_path_factory.mktemp("movie") / "bar.npy"
    frames = grey.copy()
    frames[[10, 23]] = np.nan
    np.save(path, frames)
    return path


@pytest.fixture(scope="module")
def of_movie(movie, grey_onnx, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    return analyze(movie, out, model=grey_onnx, pixel_size_nm=0.5, frame_time_s=2.0)


def the_transition(run):
    (cycle,) = run.kinetics["cycles"]
    (transition,) = cycle["transitions"]
    return transition


def test_frames_that_cannot_be_compared_are_said(grey, comparing_onnx, tmp_path):
    frames = grey.astype(float)
    np.save(tmp_path / "bar.npy", frames)
    followed = analyze(tmp_path / "bar.npy", tmp_path / "followed", model=comparing_onnx, average_frames=1)
    assert not any("labelled by themselves" in text for text in followed.kinetics["warnings"])
    frames[12:] = np.random.default_rng(0).normal(frames.mean(), frames.std(), frames[12:].shape)
    np.save(tmp_path / "noise.npy", frames)
    lost = analyze(tmp_path / "noise.npy", tmp_path / "lost", model=comparing_onnx, average_frames=1)
    assert any("12 of 24 frames" in text and "labelled by themselves" in text for text in lost.kinetics["warnings"])


def test_labels_give_a_whole_folder(of_labels):
    assert names(of_labels.folder) == FILES
    assert of_labels.report.read_text(encoding="utf-8").startswith("<!")
    assert json.loads((of_labels.folder / "kinetics.json").read_text()) == of_labels.kinetics
    assert of_labels.kinetics["material"] == {"ion": "Na"}
    assert of_labels.kinetics["model"] is None


def test_the_speed_in_the_labels_comes_out(of_labels):
    transition = the_transition(of_labels)
    assert (transition["from"], transition["to"]) == ("pristine", "converted")
    assert transition["velocity_nm_s"]["value"] == pytest.approx(0.5, rel=0.06)
    assert transition["law"] == "linear"
    with (of_labels.folder / "fronts.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 24
    assert tifffile.imread(of_labels.folder / "arrival.tif").shape == (2, 48, 80)
    speed, curvature = tifffile.imread(of_labels.folder / "speed.tif")
    assert np.nanmedian(speed) == pytest.approx(0.5, rel=0.05)  # 2 px of 0.5 nm in 2 s
    assert abs(np.nanmedian(curvature)) < 0.01


def test_a_movie_with_blanked_frames_gives_the_same(of_movie, of_labels, labels, grey_onnx):
    assert names(of_movie.folder) == sorted([*FILES, "labels.zarr"])
    assert the_transition(of_movie)["velocity_nm_s"]["value"] == pytest.approx(0.5, rel=0.06)
    assert the_transition(of_movie)["completed_fraction"]["value"] == pytest.approx(
        the_transition(of_labels)["completed_fraction"]["value"], abs=0.05
    )
    found = open_labels(of_movie.folder / "labels.zarr")
    assert calibration_of(found).pixel_size_nm == 0.5
    seen = [i for i in range(24) if i not in (10, 23)]
    assert (found.values[seen] == labels[seen]).mean() > 0.99
    assert not found.values[10].any()
    assert of_movie.kinetics["model"]["name"] == "grey"
    assert len(of_movie.kinetics["model"]["sha256"]) == 64
    assert of_movie.kinetics["calibration"]["provenance"]["pixel_size"] == "user"


def test_skipping_what_has_not_changed_gives_nearly_the_same(of_movie, movie, grey_onnx, tmp_path):
    skipping = analyze(
        movie, tmp_path / "out", model=grey_onnx, pixel_size_nm=0.5, frame_time_s=2.0, skip_unchanged=True
    )
    assert the_transition(skipping)["velocity_nm_s"]["value"] == pytest.approx(
        the_transition(of_movie)["velocity_nm_s"]["value"], rel=0.05
    )


def test_the_users_names_replace_the_files(label_zarr, tmp_path):
    run = fronts_of_labels(
        label_zarr, tmp_path / "out", phases=("void", "host", "sodiated", "other"), reaction_order=("host", "sodiated")
    )
    assert (the_transition(run)["from"], the_transition(run)["to"]) == ("host", "sodiated")


def test_labels_of_another_tool_are_measured_in_pixels(labels, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", labels, photometric="minisblack")
    run = fronts_of_labels(
        tmp_path / "a.tif", tmp_path / "out", phases=("void", "a", "b", "c"), reaction_order=("a", "b")
    )
    assert the_transition(run)["velocity_px_frame"]["value"] == pytest.approx(2.0, rel=0.06)
    assert any("PIXELS" in warning for warning in run.kinetics["warnings"])


def test_a_log_is_shown_beside_the_movie(label_zarr, tmp_path):
    log = tmp_path / "cell.csv"
    log.write_text("time (s),potential (V),current (nA)\n" + "\n".join(f"{t},0.3,{2 + t}" for t in range(90)))
    run = fronts_of_labels(label_zarr, tmp_path / "out", log=log, log_offset_s=-10)
    assert run.kinetics["electrochemistry"]["start_s"] == -10
    assert run.kinetics["cycles"][0]["charge_C"] > 0
    assert "The cell beside the movie" in run.report.read_text()


def test_the_reaction_tells_where_a_log_lies(label_zarr, tmp_path):
    log = tmp_path / "cell.csv"
    log.write_text("time (s),current (nA)\n" + "\n".join(f"{t},{-2 * (t > 300)}" for t in range(900)))
    run = fronts_of_labels(label_zarr, tmp_path / "out", log=log, log_offset_s=None)
    found = run.kinetics["electrochemistry"]["offset_found_s"]
    onset = run.kinetics["cycles"][0]["transitions"][0]["onset_s"]["value"]
    assert found["low"] <= onset - 300 <= found["high"]
    assert "as the reaction tells" in run.report.read_text()


def test_a_log_that_cannot_be_placed_is_left_out_and_the_movie_measured(label_zarr, tmp_path):
    log = tmp_path / "cell.csv"
    log.write_text("time (s),current (nA)\n" + "\n".join(f"{t},-2" for t in range(-900, 900)))
    run = fronts_of_labels(label_zarr, tmp_path / "out", log=log, log_offset_s=None)
    assert run.kinetics["electrochemistry"] is None
    assert run.kinetics["reaction_observed"]
    assert any("left out" in warning and "give the offset" in warning for warning in run.kinetics["warnings"])


def test_a_log_without_a_current_cannot_be_placed(label_zarr, tmp_path):
    log = tmp_path / "cell.csv"
    log.write_text("time (s),potential (V)\n0,0.3\n90,0.3")
    with pytest.raises(ElectrochemistryError, match="no current"):
        fronts_of_labels(label_zarr, tmp_path / "out", log=log, log_offset_s=None)


@pytest.mark.parametrize(("offset_s", "says"), [(1000.0, "--log-offset-s"), (-1000.0, "--log-offset-s")])
def test_a_log_of_another_time_is_refused_before_the_work(label_zarr, tmp_path, offset_s, says):
    log = tmp_path / "cell.csv"
    log.write_text("time (s),potential (V)\n0,0.3\n90,0.3")
    with pytest.raises(ElectrochemistryError, match=says):
        fronts_of_labels(label_zarr, tmp_path / "out", log=log, log_offset_s=offset_s)


def test_a_log_needs_a_movie_in_seconds(labels, tmp_path):
    np.save(tmp_path / "labels.npy", labels)
    (tmp_path / "cell.csv").write_text("time (s),potential (V)\n0,0.3\n90,0.3")
    phases = {"phases": ("background", "host", "product"), "reaction_order": ("host", "product")}
    with pytest.raises(UsageError, match="--frame-time-s"):
        fronts_of_labels(tmp_path / "labels.npy", tmp_path / "out", log=tmp_path / "cell.csv", **phases)


def test_labels_without_a_particle_still_give_a_folder(tmp_path):
    np.save(tmp_path / "empty.npy", np.zeros((5, 32, 32), np.uint8))
    run = fronts_of_labels(tmp_path / "empty.npy", tmp_path / "out")
    assert names(run.folder) == FILES
    assert not run.kinetics["reaction_observed"]
    assert any("particle" in warning for warning in run.kinetics["warnings"])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(label_zarr, tmp_path, monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(pipeline, "write_report", fail)
    with pytest.raises(error):
        fronts_of_labels(label_zarr, tmp_path / "out")
    assert names(tmp_path) == []


def test_a_run_that_is_stopped_leaves_nothing(movie, grey_onnx, tmp_path):
    def stop(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyze(movie, tmp_path / "out", model=grey_onnx, progress=stop)
    assert names(tmp_path) == []


def test_finished_results_are_not_overwritten_unasked(label_zarr, movie, grey_onnx, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(OutputExistsError):
        fronts_of_labels(label_zarr, out)
    with pytest.raises(OutputExistsError):
        analyze(movie, out, model=grey_onnx)
    assert names(out) == ["mine"]
    fronts_of_labels(label_zarr, out, overwrite=True)
    assert names(out) == FILES


def test_a_single_frame_is_refused_with_a_next_step(labels, grey_onnx, tmp_path):
    np.save(tmp_path / "one.npy", labels[:1])
    with pytest.raises(MovieError, match="ionfront segment"):
        analyze(tmp_path / "one.npy", tmp_path / "out", model=grey_onnx)
    with pytest.raises(MovieError, match="one frame"):
        fronts_of_labels(tmp_path / "one.npy", tmp_path / "out")
    assert names(tmp_path) == ["one.npy"]


def test_what_cannot_be_followed_is_refused(label_zarr, tmp_path):
    with pytest.raises(UsageError, match="reaction order"):
        fronts_of_labels(label_zarr, tmp_path / "out", phases=("void", "a", "b", "c"))
    with pytest.raises(UsageError, match="lost"):
        fronts_of_labels(label_zarr, tmp_path / "out", reaction_order=("pristine", "lost"))
    np.save(tmp_path / "a.npy", np.full((3, 16, 16), 0.5))
    with pytest.raises(LabelledDataError):
        fronts_of_labels(tmp_path / "a.npy", tmp_path / "out")
    with pytest.raises(MovieError):
        fronts_of_labels(tmp_path / "absent.zarr", tmp_path / "out")
    assert names(tmp_path) == ["a.npy"]


def test_the_movie_is_left_as_it_was(of_movie, movie):
    assert open_movie(movie).shape == (24, 48, 80)
    assert names(movie.parent) == ["bar.npy"]


@pytest.mark.parametrize("average_frames", [0, 2, -1])
def test_a_mean_needs_a_frame_in_its_middle(movie, grey_onnx, tmp_path, average_frames):
    with pytest.raises(UsageError, match="odd"):
        analyze(movie, tmp_path / "out", model=grey_onnx, average_frames=average_frames)
    assert names(tmp_path) == []
