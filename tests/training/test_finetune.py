"""Fine-tuning on a few frames: on time, judged on what nobody trained on, and without forgetting."""

import itertools
import json
import shutil
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ionfront.cli.app import app
from ionfront.core import DEFAULT_SCHEME, OutputExistsError, PhaseScheme, UsageError
from ionfront.datasets import read_labelled, write_labelled
from ionfront.models import Architecture, ModelInfo, load_segmenter, read_info
from ionfront.models.unet_torch import build_unet
from ionfront.training.export import export_segmenter, rewrite_info
from ionfront.training.few_shot import FewShot
from ionfront.training.finetune import finetune
from ionfront.training.frames import IGNORE
from ionfront.training.holdout import hold_out
from ionfront.training.judge import choose
from ionfront.training.provenance import seen_in_training
from ionfront.training.replay import between, draw_back
from ionfront.training.scale import reduction_for, thickness_px
from ionfront.training.timed_fit import Course
from ionfront.training.tracking import Tracking

from .conftest import disc

QUICK = FewShot(crop_size=32, num_workers=0)


def ticking():
    """A clock on which every look takes a second."""
    return itertools.count().__next__


@pytest.fixture(scope="module")
def tuned(discs, trained, tmp_path_factory):
    """Two minutes on the discs, of seconds that pass with every look at the clock."""
    folder = tmp_path_factory.mktemp("tuned")
    uri = f"sqlite:///{folder}/mlflow.db"
    said = []
    result = finetune(
        discs,
        folder / "discs.onnx",
        model=trained.result.model_path,
        minutes=2,
        settings=QUICK,
        tracking=Tracking(uri=uri),
        tell=said.append,
        clock=ticking(),
    )
    return SimpleNamespace(result=result, uri=uri, said=said)


def test_the_model_is_written_with_an_honest_score(tuned, discs):
    result, info = tuned.result, read_info(tuned.result.model_path)
    assert (result.unit, result.folds, result.frames) == ("group", 3, 6)
    assert result.evaluation.overall.frames == 6
    assert set(result.evaluation.groups) == {"A", "B", "C"}
    assert info.phases == read_labelled(discs).scheme.names
    assert info.training_summary["held_out_mean_iou"] > 0
    assert load_segmenter(result.model_path).sha256 == result.evaluation.sha256
    assert json.loads(result.to_json())["evaluation"]["resampled"] == "group"
    assert result.memory is None  # the discs are no phases of synthetic scenes
    assert len(tuned.said) == 4
    assert 0 <= result.evaluation.overall.calibration_error.value < 0.5
    assert seen_in_training(info, read_labelled(discs).frames) == [f"disc{k}" for k in range(6)]


def test_a_group_may_be_left_to_judge_the_model_on(discs, trained, tmp_path):
    start = shutil.copy(trained.result.model_path, tmp_path / "start.onnx")
    rewrite_info(start, read_info(start).model_copy(update={"training_summary": {}}))  # as if trained on other frames
    result = finetune(
        discs,
        tmp_path / "some.onnx",
        model=start,
        minutes=1,
        held_out_groups=["B"],
        settings=QUICK,
        tracking=Tracking(uri="none"),
        clock=ticking(),
    )
    labelled = read_labelled(discs)
    assert set(result.evaluation.groups) == {"A", "C"}
    held = [frame for frame in labelled.frames if frame.group == "B"]
    assert held
    assert seen_in_training(read_info(result.model_path), held) == []


def test_frames_whose_groups_nobody_named_are_no_specimens(discs, tmp_path):
    shutil.copytree(discs, tmp_path / "set")
    meta = json.loads((discs / "dataset.json").read_text())
    del meta["groups"]
    (tmp_path / "set" / "dataset.json").write_text(json.dumps(meta))
    assert hold_out(read_labelled(tmp_path / "set"), seed=0).unit == "frame"


def test_the_minutes_are_kept(tuned):
    assert 60 < tuned.result.seconds <= 120


def test_it_is_registered_as_a_candidate(tuned):
    client = mlflow.MlflowClient(tuned.uri, tuned.uri)
    version = client.get_model_version_by_alias("ionfront-segmenter", "candidate")
    assert version.run_id == tuned.result.run_id
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["settings.crop_size"] == "32"
    assert run.data.metrics["final_mean_iou"] == pytest.approx(tuned.result.evaluation.overall.mean_iou.value)


def test_a_finished_model_stays(tuned, discs):
    with pytest.raises(OutputExistsError, match="never overwritten"):
        finetune(discs, tuned.result.model_path, tracking=Tracking(uri="none"))


def labelled_set(root, frames, scheme=PhaseScheme(("background", "a", "b")), ignore_label=None):
    """A data set of (image, label, group)."""
    named = ((f"frame{k}", image, label, group) for k, (image, label, group) in enumerate(frames))
    return write_labelled(root, named, scheme, ignore_label=ignore_label)


def test_groups_are_held_out_where_there_are_some(discs):
    held = hold_out(read_labelled(discs), seed=0)
    assert (held.unit, len(held.folds)) == ("group", 3)
    for fold in held.folds:
        assert not {frame.group for frame, _ in fold.train} & {frame.group for frame, _ in fold.judge}
    assert sorted(frame.name for fold in held.folds for frame, _ in fold.judge) == [f"disc{k}" for k in range(6)]


def test_frames_of_one_specimen_are_held_out_one_by_one(tmp_path):
    held = hold_out(labelled_set(tmp_path / "set", [(*disc(k), "only") for k in range(2)], ignore_label=9), seed=0)
    assert (held.unit, len(held.folds)) == ("frame", 2)
    assert [frame.group for fold in held.folds for frame, _ in fold.judge] == ["only", "only"]


@settings(max_examples=12, deadline=None)
@given(rows=st.integers(20, 90), columns=st.integers(20, 90))
def test_quarters_of_the_only_frame_never_touch(rows, columns, tmp_path_factory):
    image = np.zeros((rows, columns), np.uint8)
    labelled = labelled_set(tmp_path_factory.mktemp("set") / "one", [(image, image, "only")])
    held = hold_out(labelled, seed=0)
    assert held.unit == "quarter"
    judged = np.zeros(image.shape, int)
    for fold in held.folds:
        trained = np.logical_or.reduce([frame.load()[1] != IGNORE for frame, _ in fold.train])
        judges = np.sum([frame.load()[1] != IGNORE for frame, _ in fold.judge], axis=0)
        judged += judges
        assert trained.any()
        steps = round(min(rows, columns) / 16)
        grown = [np.roll(judges, k, axis) for axis in (0, 1) for k in range(-steps, steps + 1)]
        inner = np.s_[steps : rows - steps, steps : columns - steps]
        assert not (trained & np.logical_or.reduce(grown).astype(bool))[inner].any()
    assert (judged == 1).all()


def test_without_labels_on_both_sides_nothing_is_held_out(tmp_path):
    label = np.full((64, 64), 9, np.uint8)
    label[:8, :8] = 1
    held = hold_out(labelled_set(tmp_path / "set", [(label, label, "only")], ignore_label=9), seed=0)
    assert held.folds == ()


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=5), st.integers(0, 4))
def test_no_fold_has_a_say_in_its_own_choice(scores, which):
    fold = which % len(scores)
    changed = [row if k != fold else [1 - score for score in row] for k, row in enumerate(scores)]
    assert choose(scores).by_fold[fold] == choose(changed).by_fold[fold]


def test_the_choice_is_the_best_of_all():
    assert choose([[0.2, 0.9, 0.5], [0.1, 0.6, 0.7]]).overall == 1
    assert choose([[0.9, 0.1, 0.2]]).by_fold == (2,)


@settings(deadline=None)
@given(st.floats(0.1, 1e3), st.floats(0.01, 50))
def test_a_course_is_whole_at_its_deadline_however_slow_the_steps(span, step):
    now = [0.0]
    course = Course(span, lambda: now[0])
    assert course.share == 0
    course.begin()
    shares = []
    while not shares or shares[-1] < 1:
        now[0] += max(step, span / 100)
        shares.append(course.share)
    assert shares == sorted(shares)
    assert now[0] < span + max(step, span / 100) + 1e-6 * span


def test_the_old_task_draws_weights_back_only_as_far_as_it_must():
    kept = draw_back(0.8, lambda blend: 0.8 - 0.1 * blend, forget=0.051)
    assert (kept.blend, kept.after) == (0.5, pytest.approx(0.75))
    assert draw_back(0.8, lambda blend: 0.81, forget=0.0).blend == 1
    with pytest.raises(UsageError, match="--forget"):
        draw_back(0.8, lambda blend: 0.1, forget=0.02)


def test_weights_between_two_models():
    old, new = {"w": torch.zeros(2), "n": torch.tensor(1)}, {"w": torch.ones(2), "n": torch.tensor(5)}
    assert torch.equal(between(old, new, 0.25)["w"], torch.full((2,), 0.25))
    assert between(old, new, 0.25)["n"] == 5


@pytest.mark.parametrize(("thick", "reduction"), [(20, 1), (50, 2), (400, 4)])
def test_thick_layers_are_seen_from_farther_away(tmp_path, thick, reduction):
    label = np.zeros((600, 600), np.uint8)
    label[100 : 100 + thick] = 1
    labelled = labelled_set(tmp_path / "dense", [(label, label, "only")])
    assert thickness_px(labelled) == pytest.approx(0.9 * thick, abs=12)
    assert reduction_for(labelled) == reduction
    scribbles = np.full_like(label, 9)
    scribbles[100 + thick // 2, 20:-20] = 1
    scribbles[[95, 105 + thick], 20:-20] = 0
    assert reduction_for(labelled_set(tmp_path / "sparse", [(label, scribbles, "only")], ignore_label=9)) == reduction


@pytest.fixture(scope="module")
def phases_onnx(tmp_path_factory):
    """A small untrained network for the phases of synthetic scenes, which compares and sees half-size frames."""
    architecture = Architecture(encoder_depth=2, decoder_channels=(8, 4), channels=2)
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "phases.onnx"
    info = ModelInfo(name="p", version="1", phases=DEFAULT_SCHEME.names, architecture=architecture, reduction=2)
    export_segmenter(build_unet(architecture, 5), info, path)
    return path


def test_the_phases_of_the_model_are_kept_on_one_scribbled_frame(tmp_path, phases_onnx):
    image, label = disc(0, 64)
    label[1::3] = 9
    scheme = PhaseScheme(DEFAULT_SCHEME.names, DEFAULT_SCHEME.reaction_order)
    labelled_set(tmp_path / "set", [(image, label, "only")], scheme, ignore_label=9)
    result = finetune(
        tmp_path / "set",
        tmp_path / "model.onnx",
        model=phases_onnx,
        minutes=1,
        forget=0.5,
        settings=QUICK,
        tracking=Tracking(uri="none"),
        clock=ticking(),
    )
    info = read_info(tmp_path / "model.onnx")
    assert result.unit == "quarter"
    assert result.evaluation.overall.frames == 4
    assert result.memory.before - result.memory.after <= 0.5
    assert (info.architecture.channels, info.reduction) == (2, 2)
    assert info.training_summary["old_task"]["blend"] == result.memory.blend


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_says_what_the_scores_are_of(tuned, discs, monkeypatch, as_json):
    monkeypatch.setattr("ionfront.training.finetune.finetune", lambda *_args, **_knobs: tuned.result)
    words = ["finetune", str(discs), "--out", "new.onnx", *(["--json"] if as_json else [])]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    if as_json:
        assert json.loads(done.stdout)["evaluation"]["overall"]["mean_iou"]["value"] is not None
    else:
        assert "specimens that the models judged had not seen" in " ".join(done.stdout.split())
        assert "this one cannot" in " ".join(done.stderr.split())


def test_frames_without_labels_are_refused(tmp_path, trained):
    label = np.full((32, 32), 9, np.uint8)
    labelled_set(tmp_path / "set", [(label, label, "only")], ignore_label=9)
    with pytest.raises(UsageError, match="label some"):
        finetune(tmp_path / "set", tmp_path / "a.onnx", model=trained.result.model_path, tracking=Tracking(uri="none"))
    with pytest.raises(UsageError, match="minutes"):
        finetune(tmp_path / "set", tmp_path / "a.onnx", minutes=0)
