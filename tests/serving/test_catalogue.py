"""Models that are exchanged while requests go on; a broken one changes nothing."""

import onnx
import pytest

from ionfront.core import ModelFileError
from ionfront.models.info import read_info, write_info
from ionfront.models.shipped import bundled_segmenter
from ionfront.serving.catalogue import Catalogue


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(bundled_segmenter().read_bytes())
    return path


def renamed(path, version):
    graph, info = onnx.load_model(path), read_info(path)
    write_info(graph, info.model_copy(update={"version": version}))
    onnx.save_model(graph, path)


def test_a_new_file_answers_from_the_next_look_on(model):
    catalogue = Catalogue(lambda: model, "a file")
    before = catalogue.current
    assert not catalogue.look()
    renamed(model, "9.9.9")
    assert catalogue.look()
    assert catalogue.current.record.version == "9.9.9"
    assert catalogue.current.record.sha256 != before.record.sha256
    assert before.record.version != "9.9.9"  # who took it goes on with it


def test_a_broken_file_changes_nothing_and_is_said(model):
    catalogue = Catalogue(lambda: model, "a file")
    before = catalogue.current
    model.write_bytes(b"no model")
    assert not catalogue.look()
    assert catalogue.current is before
    assert "not an ONNX" in catalogue.last_error
    model.unlink()
    assert not catalogue.look()
    assert catalogue.current is before
    model.write_bytes(bundled_segmenter().read_bytes())
    assert not catalogue.look()  # the same model again
    assert catalogue.last_error == ""


def test_a_service_does_not_begin_without_a_model(tmp_path):
    (tmp_path / "none.onnx").write_bytes(b"")
    with pytest.raises(ModelFileError):
        Catalogue(lambda: tmp_path / "none.onnx", "a file")
