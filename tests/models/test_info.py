"""Metadata travel with the weights, and a file without them is refused with a next step."""

import json

import onnx
import pytest

from ionfront.core import ModelFileError
from ionfront.models import ModelInfo, load_segmenter, read_info, write_info
from ionfront.models.info import FORMAT_VERSION, METADATA_KEY


def empty_model():
    return onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))


def saved(tmp_path, model):
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_what_is_written_is_read(tmp_path, tiny_info):
    model = empty_model()
    write_info(model, tiny_info)
    write_info(model, tiny_info)
    assert len(model.metadata_props) == 1
    info = read_info(saved(tmp_path, model))
    assert info == tiny_info
    assert info.scheme.order_ids == (1, 2)


def test_other_metadata_stay(tmp_path, tiny_info):
    model = empty_model()
    onnx.helper.set_model_props(model, {"author": "someone"})
    write_info(model, tiny_info)
    assert {entry.key for entry in model.metadata_props} == {"author", METADATA_KEY}


@pytest.mark.parametrize("content", [b"no model", b"\x80\x04\x95pickle", b""])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    for read in (read_info, load_segmenter):
        with pytest.raises(ModelFileError, match=r"export|wrote"):
            read(path)


def test_an_absent_file_is_refused(tmp_path):
    for read in (read_info, load_segmenter):
        with pytest.raises(ModelFileError, match="check the path"):
            read(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": FORMAT_VERSION + 1, "unheard_of": 1}, "update IonFront"),
        ({"surprise": 1}, "damaged"),
        ({"phases": ["one"]}, "damaged"),
        ({"temperature": 0}, "damaged"),
    ],
)
def test_metadata_that_cannot_be_used_are_refused(tmp_path, tiny_info, change, message):
    model = empty_model()
    text = json.dumps(json.loads(tiny_info.model_dump_json()) | change)
    onnx.helper.set_model_props(model, {METADATA_KEY: text})
    with pytest.raises(ModelFileError, match=message):
        read_info(saved(tmp_path, model))


def test_weights_in_other_files_are_refused(tmp_path):
    model = empty_model()
    tensor = model.graph.initializer.add()
    tensor.data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(ModelFileError, match="self-contained"):
        read_info(saved(tmp_path, model))


def test_version_1_keeps_loading():
    text = (
        '{"format_version": 1, "name": "old", "version": "0.1", "phases": ["background", "a"], "reaction_order": [],'
        '"normalisation": {"kind": "percentile", "low": 1.0, "high": 99.0, "clip": [-1.0, 2.0]},'
        '"pixel_size_range_nm": [0.1, 2.0], "temperature": 1.2, "run_id": "", "licence": "MIT",'
        '"architecture": {"decoder": "Unet", "encoder": "resnet18", "encoder_depth": 4,'
        '"decoder_channels": [128, 64, 32, 16]}, "training_summary": {}}'
    )
    assert ModelInfo.model_validate_json(text).architecture.stride == 16
