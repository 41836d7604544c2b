"""A labelled data set of discs, made on the spot, and one short training run that several tests look at."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ionfront.models import Architecture, ModelInfo
from ionfront.training.lightning_cli import data_argument, train_segmenter

TINY = [
    "--model.encoder_depth=2",
    "--model.decoder_channels=[8, 4]",
    "--data.crop_size=32",
    "--data.validation_crop=32",
    "--data.samples_per_epoch=8",
    "--data.batch_size=4",
    "--data.num_workers=0",
    "--trainer.accelerator=cpu",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
]


def disc(seed, size=48):
    """Image (uint8) and labels of one disc with a ring, some pixels unlabelled."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    radius = np.hypot(y - rng.uniform(18, 30), x - rng.uniform(18, 30))
    label = np.select([radius < 7, radius < 14], [2, 1], 0).astype(np.uint8)
    image = np.clip(60 + 60 * label + rng.normal(0, 8, label.shape), 0, 255).astype(np.uint8)
    label[:2] = 9
    return image, label


@pytest.fixture(scope="session")
def discs(tmp_path_factory):
    root = tmp_path_factory.mktemp("Dataset001_Discs")
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir()
    names = [f"disc{index}" for index in range(6)]
    for index, name in enumerate(names):
        image, label = disc(index)
        Image.fromarray(image).save(root / "imagesTr" / f"{name}_0000.png")
        Image.fromarray(label).save(root / "labelsTr" / f"{name}.png")
    meta = {
        "channel_names": {"0": "intensity"},
        "labels": {"background": 0, "shell": 1, "core": 2},
        "numTraining": 6,
        "file_ending": ".png",
        "groups": {"A": names[:2], "B": names[2:4], "C": names[4:]},
        "reaction_order": ["shell", "core"],
        "ignore_label": 9,
    }
    (root / "dataset.json").write_text(json.dumps(meta))
    return root


@pytest.fixture(scope="session")
def disc_info():
    """Metadata of a model that knows the phases of the discs."""
    return ModelInfo(
        name="discs",
        version="1",
        phases=("background", "shell", "core"),
        reaction_order=("shell", "core"),
        architecture=Architecture(encoder_depth=1, decoder_channels=(8,)),
    )


@pytest.fixture(scope="session")
def trained(discs, tmp_path_factory):
    """One epoch on the discs, recorded in MLflow."""
    folder = tmp_path_factory.mktemp("run")
    uri = f"sqlite:///{folder}/mlflow.db"
    arguments = [
        *TINY,
        data_argument([discs]),
        '--data.validation_groups=["B"]',
        '--data.held_out_groups=["C"]',
        "--trainer.max_epochs=1",
        f"--checkpoint.dirpath={folder}/checkpoints",
        f"--output.path={folder}/model.onnx",
        "--output.name=discs",
        f"--tracking.uri={uri}",
    ]
    result = train_segmenter(arguments)
    return SimpleNamespace(result=result, uri=uri, folder=folder, arguments=arguments)
