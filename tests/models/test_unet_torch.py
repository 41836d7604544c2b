"""The network's contract: shapes, a gradient to every parameter, repeatable, weights out of an ONNX file and back."""

import numpy as np
import onnx
import pytest
import torch

from ionfront.core import ModelFileError, UsageError
from ionfront.models import Architecture
from ionfront.models.unet_torch import build_unet, load_weights, weights_from_onnx
from ionfront.training.export import export_segmenter


@pytest.mark.parametrize("shape", [(1, 1, 32, 48), (2, 1, 16, 16)])
def test_logits_have_the_frame_s_size(shape):
    assert build_unet(Architecture(), 5).eval()(torch.zeros(shape)).shape == (shape[0], 5, *shape[2:])


@pytest.mark.parametrize("depth", [2, 4, 5])
def test_every_parameter_gets_a_gradient(depth):
    widths = tuple(8 * 2**stage for stage in reversed(range(depth)))
    unet = build_unet(Architecture(encoder_depth=depth, decoder_channels=widths), 3)
    (unet(torch.randn(2, 1, 64, 64)) ** 2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in unet.parameters())


def test_the_default_fits_in_twenty_megabytes():
    assert 4 * sum(p.numel() for p in build_unet(Architecture(), 5).parameters()) < 20e6


def test_eval_is_repeatable(tiny_unet):
    x = torch.randn(1, 1, 32, 32)
    assert torch.equal(tiny_unet(x), tiny_unet(x))


def test_weights_come_back_from_the_file(tiny_unet, tiny_info, tiny_onnx):
    again = build_unet(tiny_info.architecture, 3).eval()
    assert load_weights(again, weights_from_onnx(tiny_onnx)) == []
    for name, value in tiny_unet.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, again.state_dict()[name])


def test_another_number_of_phases_makes_the_head_alone_new(tiny_info, tiny_onnx):
    other = build_unet(tiny_info.architecture, 7)
    assert load_weights(other, weights_from_onnx(tiny_onnx)) == [
        "segmentation_head.0.bias",
        "segmentation_head.0.weight",
    ]


def test_another_network_is_refused(tiny_onnx):
    other = build_unet(Architecture(encoder_depth=2, decoder_channels=(32, 8)), 3)
    with pytest.raises(ModelFileError, match="architecture"):
        load_weights(other, weights_from_onnx(tiny_onnx))


def test_a_shallow_network_cannot_compare():
    with pytest.raises(UsageError, match="encoder_depth"):
        build_unet(Architecture(encoder_depth=1, decoder_channels=(8,), channels=2), 3)


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelFileError, match="not an ONNX file"):
        weights_from_onnx(path)
    with pytest.raises(ModelFileError, match="check the path"):
        weights_from_onnx(tmp_path / "absent.onnx")


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (Architecture(encoder_depth=3), "decoder_channels"),
        (Architecture(encoder="resnet1"), "unknown"),
    ],
)
def test_impossible_architectures_are_refused(architecture, message):
    with pytest.raises(UsageError, match=message):
        build_unet(architecture, 2)


def test_the_file_is_plain_onnx(tiny_onnx, tiny_unet):
    runtime = pytest.importorskip("onnxruntime")
    onnx.checker.check_model(str(tiny_onnx), full_check=True)
    session = runtime.InferenceSession(str(tiny_onnx), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(3, 1, 20, 44)).astype(np.float32)
    (logits,) = session.run(None, {"frame": x})
    with torch.inference_mode():
        assert np.abs(logits - tiny_unet(torch.from_numpy(x)).numpy()).max() < 1e-3


def architecture(info, **changes):
    return info.architecture.model_copy(update=changes)


@pytest.mark.parametrize("textures", [False, True])
def test_a_network_that_sees_changes_does_what_one_without_does_where_nothing_changed(tiny_info, tmp_path, textures):
    torch.manual_seed(1)
    alone, seeing = (
        build_unet(architecture(tiny_info, channels=channels, textures=textures), 3).eval() for channels in (1, 2)
    )
    info = tiny_info.model_copy(update={"architecture": architecture(tiny_info, textures=textures)})
    export_segmenter(alone, info, tmp_path / "alone.onnx")  # compares the file with torch
    assert load_weights(seeing, weights_from_onnx(tmp_path / "alone.onnx")) == []
    frame, other = torch.rand(2, 1, 1, 32, 48)
    torch.testing.assert_close(seeing(torch.cat([frame, frame], dim=1)), alone(frame))
    torch.testing.assert_close(seeing(torch.cat([frame, other], dim=1)), alone(frame))  # before it is trained


@pytest.mark.parametrize("textures", [False, True])
def test_what_changed_is_seen_and_travels_through_a_file(tiny_info, tmp_path, textures):
    torch.manual_seed(1)
    with_changes = architecture(tiny_info, channels=2, textures=textures)
    seeing = build_unet(with_changes, 3).eval()
    info = tiny_info.model_copy(update={"architecture": with_changes})
    export_segmenter(seeing, info, tmp_path / "early.onnx")
    frame, other = torch.rand(2, 1, 1, 32, 48)
    same, changed = (seeing(torch.cat([frame, reference], dim=1)) for reference in (frame, other))
    assert (same - changed).abs().max() > 1e-3
    alone = build_unet(architecture(tiny_info, textures=textures), 3).eval()
    assert load_weights(alone, weights_from_onnx(tmp_path / "early.onnx")) == []
    torch.testing.assert_close(alone(frame), same)


def test_textures_are_not_left_out(tiny_info, tmp_path):
    with_textures = architecture(tiny_info, textures=True)
    info = tiny_info.model_copy(update={"architecture": with_textures})
    export_segmenter(build_unet(with_textures, 3), info, tmp_path / "textures.onnx")
    with pytest.raises(ModelFileError, match="do not fit"):
        load_weights(build_unet(tiny_info.architecture, 3), weights_from_onnx(tmp_path / "textures.onnx"))


def test_weights_without_a_place_are_not_left_out_unsaid(tiny_info, tiny_onnx):
    weights = weights_from_onnx(tiny_onnx) | {"comparison.last.weight": torch.zeros(3)}
    with pytest.warns(UserWarning, match="1 of"):
        assert load_weights(build_unet(tiny_info.architecture, 3), weights) == []
