"""The engine: probabilities of any frame, the same as torch's, without torch."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ionfront.core import ModelFileError, UsageError
from ionfront.models import Architecture, ModelInfo, Segmenter, load_segmenter, normalise
from ionfront.models.openvino_network import OpenVinoNetwork
from ionfront.models.tiling import Tiling

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "Dataset102_Sintering" / "imagesTr"


@pytest.fixture(scope="module")
def segmenter(tiny_onnx):
    return load_segmenter(tiny_onnx, device="cpu")


def frame(*shape):
    return np.random.default_rng(0).normal(500, 50, shape)


def torch_probabilities(unet, info, image):
    """The same frame through torch, whole, mirrored at its far edges up to the stride."""
    scaled = normalise(image, info.normalisation)
    padding = [(0, -length % info.architecture.stride) for length in scaled.shape]
    padded = torch.from_numpy(np.pad(scaled, padding, mode="reflect"))
    with torch.inference_mode():
        logits = unet(padded[None, None])[0, :, : image.shape[0], : image.shape[1]]
    return torch.softmax(logits / info.temperature, dim=0).numpy()


@pytest.mark.parametrize("shape", [(64, 64), (3, 5), (1, 1), (1, 40), (61, 97)])
def test_agrees_with_torch(segmenter, tiny_unet, tiny_info, shape):
    image = frame(*shape)
    ours = segmenter.probabilities(image)
    assert ours.shape == (3, *shape)
    assert ours.dtype == np.float32
    assert np.abs(ours - torch_probabilities(tiny_unet, tiny_info, image)).max() < 1e-3


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real frames of ../shared/data are not here")
def test_agrees_with_torch_on_a_real_frame(segmenter, tiny_unet, tiny_info):
    image = np.asarray(Image.open(sorted(SHARED.glob("*.png"))[0]))
    difference = segmenter.probabilities(image) - torch_probabilities(tiny_unet, tiny_info, image)
    assert np.abs(difference).max() < 1e-3


@pytest.mark.parametrize("shape", [(64, 64), (517, 1031)])
def test_probabilities_add_up_to_one(segmenter, shape):
    probabilities = segmenter.probabilities(frame(*shape))
    assert probabilities.shape == (3, *shape)
    assert probabilities.min() >= 0
    assert probabilities.sum(axis=0) == pytest.approx(1, abs=1e-5)


def test_tiles_agree_with_the_whole_frame(tiny_onnx, tiny_unet, tiny_info):
    network = OpenVinoNetwork(tiny_onnx.read_bytes())
    tiled = Segmenter(network, tiny_info, "", Tiling(largest_px=160, overlap_px=128, stride_px=4))
    whole = Segmenter(network, tiny_info, "", Tiling(largest_px=1024, overlap_px=128, stride_px=4))
    image = frame(300, 200)
    assert np.abs(tiled.probabilities(image) - whole.probabilities(image)).max() < 0.02


def test_labels_are_the_likeliest_phase(segmenter):
    image = frame(40, 30)
    labels = segmenter.labels(image)
    assert labels.dtype == np.uint8
    assert np.array_equal(labels, segmenter.probabilities(image).argmax(axis=0))


def test_is_repeatable_and_leaves_the_frame_alone(segmenter):
    image = frame(40, 30)
    before = image.copy()
    first = segmenter.probabilities(image)
    assert np.array_equal(first, segmenter.probabilities(image))
    assert np.array_equal(image, before)


def test_a_network_that_does_not_compare_leaves_a_reference_out(segmenter):
    image, reference = frame(40, 30), np.eye(40, 30)
    assert not segmenter.compares
    both = segmenter.probabilities(np.stack([image, reference]))
    assert np.array_equal(both, segmenter.probabilities(image))


class Darker:
    """A network that calls what has become darker than the reference phase 1."""

    def logits(self, tile):
        assert tile.shape[0] == 2
        return np.stack([np.zeros_like(tile[0]), 20 * (tile[1] - tile[0] - 0.1)])


def test_a_network_that_compares_takes_a_lone_frame_for_its_own_reference():
    info = ModelInfo(name="", version="", phases=("a", "b"), architecture=Architecture(channels=2))
    segmenter = Segmenter(Darker(), info, "")
    image = frame(32, 32)
    assert segmenter.compares
    assert not segmenter.labels(image).any()
    changed = image.copy()
    changed[:8, :8] -= 300
    assert np.array_equal(segmenter.labels(np.stack([changed, image])), (changed < image).astype(np.uint8))


def test_many_frame_sizes_keep_few_compiled_networks(tiny_onnx):
    network = OpenVinoNetwork(tiny_onnx.read_bytes(), threads=1)
    for edge in range(4, 64, 4):
        assert network.logits(np.zeros((1, edge, 8), np.float32)).shape == (3, edge, 8)
    assert len(network._compiled) <= 8


def test_threads_that_share_a_model_get_their_own_answers(segmenter):
    images = [frame(40 + 8 * (k % 3), 48) + 10 * k for k in range(24)]
    alone = [segmenter.labels(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(segmenter.labels, images))
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one, other)


def test_states_the_file_it_came_from(segmenter, tiny_onnx):
    assert segmenter.sha256 == hashlib.sha256(tiny_onnx.read_bytes()).hexdigest()


def test_bf16_stays_close(tiny_onnx, segmenter):
    image = frame(64, 64)
    low = load_segmenter(tiny_onnx, device="cpu", precision="bf16").probabilities(image)
    assert np.abs(low - segmenter.probabilities(image)).max() < 0.05


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_missing_gpu_is_said(tiny_onnx):
    with pytest.raises(UsageError, match="cuda"):
        load_segmenter(tiny_onnx, device="cuda")


def test_a_truncated_file_is_refused(tmp_path, tiny_onnx):
    path = tmp_path / "cut.onnx"
    path.write_bytes(tiny_onnx.read_bytes()[:-5000])
    with pytest.raises(ModelFileError):
        load_segmenter(path)


def test_loading_never_unpickles(tiny_onnx, monkeypatch):
    def refuse(*_args, **_kwargs):
        pytest.fail("a pickle was loaded")

    for name in ("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load"):
        monkeypatch.setattr(name, refuse)
    load_segmenter(tiny_onnx, device="cpu").labels(frame(8, 8))


def test_the_engine_needs_no_torch(tiny_onnx):
    program = (
        "import sys, numpy as np\n"
        "from ionfront.models import load_segmenter\n"
        f"load_segmenter({str(tiny_onnx)!r}, device='cpu').labels(np.eye(8))\n"
        "import ionfront.training.evaluate\n"
        "found = {'torch', 'lightning', 'mlflow', 'albumentations', 'openvino_telemetry.main'} & set(sys.modules)\n"
        "sys.exit(f'imported {found}' if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Fine:
    """Sure of stripes that only a frame in its own size shows, half sure of everything else."""

    def __init__(self):
        self.sizes = []

    def logits(self, tile):
        self.sizes.append(tile.shape[1:])
        striped = np.abs(np.diff(tile[0], axis=1, append=tile[0][:, -1:])) > 0.3
        return np.stack([np.where(striped, 0.0, 1.0), np.where(striped, 8.0, 0.0)]).astype(np.float32)


def test_large_frames_are_seen_at_several_sizes_and_the_surest_is_believed():
    network = Fine()
    info = ModelInfo(name="", version="", phases=("a", "b"), architecture=Architecture(), field_px=64)
    segmenter = Segmenter(network, info, "")
    assert [segmenter.scales(shape) for shape in ((64, 64), (127, 500), (128, 128), (300, 256))] == [
        (1,),
        (1,),
        (1, 2),
        (1, 2, 4),
    ]
    image = np.full((256, 256), 50.0)
    image[:, :128:2] = 100
    probabilities = segmenter.probabilities(image)
    assert network.sizes == [(256, 256), (128, 128), (64, 64)]
    assert probabilities.sum(axis=0) == pytest.approx(1, abs=1e-5)
    assert (probabilities.argmax(axis=0)[:, :120] == 1).all()
    assert not probabilities.argmax(axis=0)[:, 136:].any()


def test_a_model_that_names_no_field_sees_a_frame_once(segmenter):
    assert segmenter.scales((4096, 4096)) == (1,)
