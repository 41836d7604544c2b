"""int8: one ordinary model file, close to the one it was made of, that says what it is and what it cost."""

from dataclasses import dataclass

import numpy as np
import onnx
import pytest
import torch

from ionfront.core import ModelFileError, OutputExistsError, UsageError
from ionfront.models import Architecture, ModelInfo, bundled_segmenter, load_segmenter, read_info
from ionfront.models.unet_torch import build_unet, weights_from_onnx
from ionfront.training.export import export_segmenter
from ionfront.training.quantise import Quantised, quantise, split_frames, synthetic_frames


@dataclass(frozen=True)
class Patches:
    """A frame of three grey levels, each a phase."""

    seed: int

    @property
    def name(self):
        return f"frame{self.seed}"

    @property
    def group(self):
        return f"group{self.seed // 2}"

    def load(self):
        rng = np.random.default_rng(self.seed)
        label = np.kron(rng.integers(0, 3, (6, 6)), np.ones((16, 16), int)).astype(np.uint8)
        return rng.poisson(20 + 40 * label).astype(np.uint16), label


@dataclass(frozen=True)
class Set:
    frames: tuple
    ignore_label: int | None = None


FRAMES = tuple(Patches(seed) for seed in range(8))


@pytest.fixture(scope="module")
def comparing_onnx(tmp_path_factory):
    """A network that compares, with statistics as if trained."""
    architecture = Architecture(encoder_depth=2, decoder_channels=(16, 8), channels=2, textures=True)
    torch.manual_seed(0)
    unet = build_unet(architecture, 3)
    with torch.no_grad():
        for _ in range(20):
            unet(torch.randn(2, 2, 32, 32))
    path = tmp_path_factory.mktemp("f32") / "f32.onnx"
    info = ModelInfo(name="tiny", version="1", phases=("a", "b", "c"), architecture=architecture)
    export_segmenter(unet.eval(), info, path)
    return path


@pytest.fixture(scope="module")
def int8(comparing_onnx, tmp_path_factory):
    out = tmp_path_factory.mktemp("int8") / "int8.onnx"
    calibration, held_out = split_frames(Set(FRAMES))
    return out, quantise(comparing_onnx, out, calibration, held_out, most_loss=1)


def test_an_int8_file_loads_like_any_other_and_says_nearly_the_same(int8, comparing_onnx):
    before, after = load_segmenter(comparing_onnx, device="cpu"), load_segmenter(int8[0], device="cpu")
    difference = [
        np.abs(before.probabilities(image) - after.probabilities(image))
        for image in (Patches(seed).load()[0] for seed in range(20, 24))
    ]
    assert 0 < np.mean(difference) < 0.03


def test_its_layers_are_int8_and_its_comparison_is_not(int8):
    model = onnx.load(int8[0])
    made_by = {output: node for node in model.graph.node for output in node.output}
    whole = {tensor.name for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.INT8}
    assert len(whole) >= 5
    for node in model.graph.node:
        if node.op_type in ("Sqrt", "Sub", "Div"):
            feeding = [made_by[name].op_type for name in node.input if name in made_by]
            assert "DequantizeLinear" not in feeding or node.op_type == "Sub"


def test_it_records_what_it_is_and_what_it_cost(int8, comparing_onnx):
    path, result = int8
    info, before = read_info(path), read_info(comparing_onnx)
    assert info.precision == "int8"
    assert info.phases == before.phases
    assert info.training_summary["quantisation"] == result.record()
    assert result.frames == 4
    assert result.loss == pytest.approx({n: result.f32[k] - result.int8[k] for k, n in enumerate(result.phases)})


def test_the_loss_is_the_drop_of_intersection_over_union():
    result = Quantised(("a", "b"), (0.9, 0.8), (0.7, 0.85), 0.95, 3)
    assert result.loss == pytest.approx({"a": 0.2, "b": -0.05})


def test_too_large_a_loss_is_refused_unless_forced(comparing_onnx, tmp_path):
    out = tmp_path / "int8.onnx"
    with pytest.raises(ModelFileError, match="--most-loss"):
        quantise(comparing_onnx, out, [(FRAMES[0], None)], [(FRAMES[1], None)], most_loss=-1)
    assert not list(tmp_path.iterdir())
    quantise(comparing_onnx, out, [(FRAMES[0], None)], [(FRAMES[1], None)], most_loss=-1, force=True)
    with pytest.raises(OutputExistsError):
        quantise(comparing_onnx, out, [(FRAMES[0], None)], [(FRAMES[1], None)])


def test_an_int8_model_is_neither_quantised_nor_trained_on(int8, tmp_path):
    with pytest.raises(ModelFileError, match="int8 already"):
        quantise(int8[0], tmp_path / "again.onnx", [], [])
    with pytest.raises(ModelFileError, match="cannot be trained on"):
        weights_from_onnx(int8[0])


def test_specimens_are_not_cut():
    calibration, held_out = split_frames(Set(FRAMES))
    assert not {frame.group for frame, _ in calibration} & {frame.group for frame, _ in held_out}
    assert len(calibration) + len(held_out) == len(FRAMES)
    one_group = split_frames(Set(FRAMES[:2]))
    assert [len(part) for part in one_group] == [1, 1]
    with pytest.raises(UsageError, match="another"):
        split_frames(Set(FRAMES[:1]))


def test_synthetic_frames_are_for_the_default_phases():
    with pytest.raises(UsageError, match="--data"):
        synthetic_frames("calibration", 2, ("background", "a"))


def test_the_bundled_network_says_nearly_the_same(tmp_path):
    model = bundled_segmenter()
    frames = [synthetic_frames(kind, 4, read_info(model).phases) for kind in ("calibration", "held out")]
    assert quantise(model, tmp_path / "int8.onnx", *frames, force=True).agreement > 0.98
