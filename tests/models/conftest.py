"""A small model file, made on the spot."""

import pytest
import torch

from ionfront.models import Architecture, ModelInfo
from ionfront.models.unet_torch import build_unet
from ionfront.training.export import export_segmenter

TINY = Architecture(encoder="resnet18", encoder_depth=2, decoder_channels=(16, 8))


@pytest.fixture(scope="session")
def tiny_info():
    return ModelInfo(
        name="tiny",
        version="1",
        phases=("background", "a", "b"),
        reaction_order=("a", "b"),
        temperature=2.0,
        architecture=TINY,
    )


@pytest.fixture(scope="session")
def tiny_unet():
    torch.manual_seed(0)
    unet = build_unet(TINY, 3)
    with torch.no_grad():  # running statistics as after training, so that normalisation layers do something
        for _ in range(20):
            unet(torch.randn(2, 1, 32, 32))
    return unet.eval()


@pytest.fixture(scope="session")
def tiny_onnx(tiny_unet, tiny_info, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    export_segmenter(tiny_unet, tiny_info, path)
    return path
