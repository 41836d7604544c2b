"""One training run from command line to registered model, and what it leaves."""

import json
import shutil

import mlflow
import onnx
import pytest
import torch

from ionfront.core import OutputExistsError, UsageError
from ionfront.datasets import read_labelled
from ionfront.models import read_info
from ionfront.training import cross_validate as module
from ionfront.training.evaluate import evaluate
from ionfront.training.lightning_cli import data_argument, recipe, train_segmenter

from .conftest import TINY


def test_the_model_file_describes_itself(trained):
    info = read_info(trained.result.model_path)
    assert info.phases == ("background", "shell", "core")
    assert info.reaction_order == ("shell", "core")
    assert info.run_id == trained.result.run_id
    assert info.temperature != 1
    assert info.training_summary["validation_frames"] == 2


def test_the_model_evaluates_on_held_out_specimens(trained, discs):
    result = evaluate(trained.result.model_path, read_labelled(discs), ["C"])
    assert set(result.groups) == {"C"}
    assert 0 <= result.overall.mean_iou.value <= 1


def test_the_run_is_recorded(trained):
    client = mlflow.MlflowClient(trained.uri)
    run = client.get_run(trained.result.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["data.crop_size"] == "32"
    assert {"train_loss_epoch", "val_mean_iou", "final_mean_iou"} <= set(run.data.metrics)
    assert len(run.data.tags["data_sha256"]) == 64
    names = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"confusion.png", "confusion.json", "evaluation.json", "overlays"} <= names
    assert len(client.list_artifacts(run.info.run_id, "overlays")) == 2


def test_the_model_is_registered_as_a_candidate(trained):
    client = mlflow.MlflowClient(trained.uri)
    version = client.get_model_version_by_alias("ionfront-segmenter", "candidate")
    assert version.run_id == trained.result.run_id
    artifacts = list(trained.folder.joinpath("mlartifacts").rglob("*"))
    (registered,) = [file for file in artifacts if file.suffix == ".onnx"]
    weights = {t.name: t.raw_data for t in onnx.load(registered).graph.initializer}
    assert weights == {t.name: t.raw_data for t in onnx.load(trained.result.model_path).graph.initializer}
    assert not [file for file in artifacts if file.suffix in {".pkl", ".pickle", ".pt", ".pth", ".ckpt"}]


def test_a_finished_model_is_never_overwritten_unasked(trained):
    with pytest.raises(OutputExistsError, match="never overwritten"):
        train_segmenter(trained.arguments)


def test_resuming_continues_the_epoch_counter(trained, tmp_path):
    last = trained.folder / "checkpoints" / "last.ckpt"
    before = torch.load(last, weights_only=True)
    result = train_segmenter(
        [
            *trained.arguments,
            "--trainer.max_epochs=2",
            f"--ckpt_path={last}",
            f"--output.path={tmp_path}/model.onnx",
            "--tracking.uri=none",
        ]
    )
    after = torch.load(last, weights_only=True)
    assert (before["epoch"], after["epoch"]) == (0, 1)
    assert after["global_step"] == 2 * before["global_step"]
    assert result.epochs == 2
    assert result.run_id == ""


def test_a_run_of_given_time_ends_with_its_learning_rate_spent(discs, tmp_path):
    result = train_segmenter(
        [
            *TINY,
            data_argument([discs]),
            '--data.validation_groups=["B"]',
            "--trainer.max_epochs=100000",
            "--trainer.max_time=00:00:00:04",
            "--model.learning_rate=0.01",
            f"--checkpoint.dirpath={tmp_path}",
            f"--output.path={tmp_path}/model.onnx",
            "--tracking.uri=none",
        ]
    )
    (state,) = torch.load(tmp_path / "last.ckpt", weights_only=True)["optimizer_states"]
    assert all(group["lr"] < 0.001 for group in state["param_groups"])
    assert 1 < result.epochs < 100000


def test_cross_validation_judges_every_frame_once(discs, trained, tmp_path, monkeypatch):
    """Training is replaced by a copy of a trained model: this is about who judges whom."""
    calls = []

    def copy(arguments):
        knobs = dict(argument.split("=", 1) for argument in arguments)
        calls.append({name: set(json.loads(knobs[f"--data.{name}_groups"])) for name in ("held_out", "validation")})
        shutil.copy(trained.result.model_path, knobs["--output.path"])

    monkeypatch.setattr(module, "train_segmenter", copy)
    result = module.cross_validate(["--trainer.max_epochs=1"], [discs], 3, out=tmp_path)
    assert result.overall.frames == 6
    assert set(result.groups) == set.union(*(call["held_out"] for call in calls)) == {"A", "B", "C"}
    assert all(len(call["held_out"]) == 1 and call["held_out"].isdisjoint(call["validation"]) for call in calls)
    assert json.loads(result.to_json())["resampled"] == "group"


def test_two_folds_are_too_few(discs, tmp_path):
    with pytest.raises(UsageError, match="3 or more"):
        module.cross_validate([], [discs], 2, out=tmp_path)


@pytest.mark.parametrize("knob", ["--model.nonsense=1", "--data.crop_size=big", "--config=absent.yaml"])
def test_unknown_knobs_are_refused(knob):
    with pytest.raises(UsageError, match="correct the recipe"):
        train_segmenter([*TINY, knob])


def test_unknown_recipes_are_refused():
    with pytest.raises(UsageError, match="segmenter_synthetic"):
        recipe("nonsense")
