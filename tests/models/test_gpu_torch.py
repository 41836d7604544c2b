"""The torch engine says what the file says; on a GPU, out of a graph too."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ionfront.core import ModelFileError, UsageError
from ionfront.models import Segmenter, load_segmenter, read_info
from ionfront.models.gpu_torch import _CUDNN, TorchNetwork
from ionfront.models.openvino_network import OpenVinoNetwork
from ionfront.models.unet_torch import build_unet
from ionfront.training.export import export_segmenter

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use is here")
DEVICES = ["cpu", pytest.param("cuda", marks=NEEDS_GPU)]


def tiles(*shape):
    return np.random.default_rng(0).random(shape, np.float32)


@pytest.mark.parametrize("device", DEVICES)
def test_it_agrees_with_the_cpu_engine(tiny_onnx, device):
    network, other = TorchNetwork(tiny_onnx, device), OpenVinoNetwork(tiny_onnx.read_bytes())
    for shape in [(1, 64, 48), (1, 32, 32), (1, 64, 48)]:
        ours, theirs = network.logits(tiles(*shape)), other.logits(tiles(*shape))
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() < (1e-3 if device == "cpu" else 0.05) * theirs.std()


@pytest.mark.parametrize("device", DEVICES)
def test_a_batch_is_its_tiles(tiny_onnx, device):
    network, batch = TorchNetwork(tiny_onnx, device), tiles(3, 1, 32, 32)
    together = network.batch_logits(torch.from_numpy(batch)).cpu().numpy().copy()
    for one, tile in zip(together, batch, strict=True):
        np.testing.assert_allclose(one, network.logits(tile), atol=1e-3 * together.std())


@pytest.mark.parametrize("device", DEVICES)
def test_threads_get_answers_of_their_own(tiny_onnx, device):
    network, asked = TorchNetwork(tiny_onnx, device), [np.full((1, 32, 32), level, np.float32) for level in (0, 1)]
    wanted = [network.logits(tile) for tile in asked]
    with ThreadPoolExecutor(2) as pool:
        for number, found in enumerate(pool.map(lambda n: network.logits(asked[n % 2]), range(200))):
            np.testing.assert_allclose(found, wanted[number % 2], atol=1e-3 * wanted[0].std())


@pytest.mark.parametrize("device", DEVICES)
def test_an_answer_outlives_the_next(tiny_onnx, device):
    network = TorchNetwork(tiny_onnx, device)
    first = network.logits(tiles(1, 32, 32))
    kept = first.copy()
    network.logits(np.zeros((1, 32, 32), np.float32))
    assert np.array_equal(first, kept)


def test_graphs_do_not_pile_up(tiny_onnx):
    network = TorchNetwork(tiny_onnx, "cpu")
    for edge in range(4, 40, 4):
        network.logits(np.zeros((1, edge, 8), np.float32))
    assert len(network._ready) <= 4


def test_a_network_with_maps_agrees_too(tiny_info, tmp_path):
    torch.manual_seed(1)
    architecture = tiny_info.architecture.model_copy(update={"channels": 2, "textures": True})
    info = tiny_info.model_copy(update={"architecture": architecture})
    path = tmp_path / "maps.onnx"
    export_segmenter(build_unet(architecture, 3), info, path)
    frame = 500 + 50 * tiles(2, 96, 64)
    ours = Segmenter(TorchNetwork(path, "cpu"), info, "").probabilities(frame)
    np.testing.assert_allclose(ours, load_segmenter(path, device="cpu").probabilities(frame), atol=1e-3)


def test_another_network_than_the_one_described_is_refused(tiny_info, tiny_unet, tmp_path):
    """Weights beside those of the description, as in files of an older IonFront, would be left out unsaid."""

    class More(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, part in tiny_unet.named_children():
                self.add_module(name, part)
            self.more = torch.nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, frames):
            return self.more(self.segmentation_head(self.decoder(self.encoder(frames))))

    torch.manual_seed(1)
    export_segmenter(More().eval(), tiny_info, tmp_path / "more.onnx")
    with pytest.warns(UserWarning, match="no place"), pytest.raises(ModelFileError, match="not the one"):
        TorchNetwork(tmp_path / "more.onnx", "cpu")


def test_graphs_are_captured_with_cudnn():
    with _CUDNN():
        assert torch.backends.cudnn.enabled
        assert torch.backends.cudnn.benchmark


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_said(tiny_onnx):
    with pytest.raises(UsageError, match="nvidia-smi"):
        TorchNetwork(tiny_onnx)
    assert load_segmenter(tiny_onnx).info == read_info(tiny_onnx)  # "auto" goes on without
