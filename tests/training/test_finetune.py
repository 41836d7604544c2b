"""Fine-tuning on a few frames: on time, judged on what nobody trained on, and without forgetting."""

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import mlflow
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from ionfront.core import OutputExistsError, UsageError
from ionfront.datasets import read_labelled, write_labelled
from ionfront.models import load_segmenter, read_info
from ionfront.training.few_shot import FewShot
from ionfront.training.finetune import finetune
from ionfront.training.frames import IGNORE
from ionfront.training.holdout import hold_out
from ionfront.training.judge import choose
from ionfront.training.module import SegmenterModule
from ionfront.training.replay import between, draw_back
from ionfront.training.scale import reduction_for, thickness_px
from ionfront.training.timed_fit import Course, timed_fit
from ionfront.training.tracking import Tracking

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


def test_the_minutes_are_kept(tuned):
    assert 60 < tuned.result.seconds <= 120


def test_it_is_registered_as_a_candidate(tuned):
    client = mlflow.MlflowClient(tuned.uri)
    version = client.get_model_version_by_alias("ionfront-segmenter", "candidate")
    assert version.run_id == tuned.result.run_id
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["settings.crop_size"] == "32"
    assert run.data.metrics["final_mean_iou"] == pytest.approx(tuned.result.evaluation.overall.mean_iou.value)


def test_a_finished_model_stays(tuned, discs):
    with pytest.raises(OutputExistsError, match="never overwritten"):
        finetune(discs, tuned.result.model_path, tracking=Tracking(uri="none"))
