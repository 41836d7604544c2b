"""Two processes train one model, from a sharded store."""

import subprocess
import sys
from pathlib import Path

import torch

from ionfront.datasets import pack_labelled, read_labelled
from ionfront.models import read_info
from ionfront.training.evaluate import evaluate
from ionfront.training.lightning_cli import data_argument, train_segmenter

from .conftest import TINY

EPOCHS = 8


def test_two_processes_train_as_one_does(discs, tmp_path):
    labelled = read_labelled(discs)
    pack_labelled(labelled, tmp_path / "discs.zarr")
    usual = [*TINY, data_argument([tmp_path / "discs.zarr"]), '--data.validation_groups=["B"]']
    usual += ['--data.held_out_groups=["C"]', "--data.samples_per_epoch=32", f"--trainer.max_epochs={EPOCHS}"]
    usual += ["--tracking.uri=none"]

    def written(name):
        return [f"--output.path={tmp_path / name}.onnx", f"--checkpoint.dirpath={tmp_path / name}"]

    train_segmenter([*usual, "--data.batch_size=4", *written("one")])
    both = ["--data.batch_size=2", "--trainer.devices=2", "--trainer.strategy=ddp", *written("two")]
    command = [str(Path(sys.executable).with_name("ionfront")), "train", "segmenter", *usual, *both]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert "distributed_backend=gloo" in told.stderr
    one, two = (torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("one", "two"))
    assert one["global_step"] == two["global_step"] == EPOCHS * 32 // 4
    scores = [evaluate(tmp_path / f"{name}.onnx", labelled, ["C"]).overall.mean_iou.value for name in ("one", "two")]
    assert min(scores) > 0.6
    assert read_info(tmp_path / "two.onnx").phases == ("background", "shell", "core")
