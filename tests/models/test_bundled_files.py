"""The model files that come with IonFront."""

from pathlib import Path

import onnx
import pytest

import ionfront.models

FILES = sorted((Path(ionfront.models.__file__).parent / "bundled").glob("*.onnx"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_file_tells_of_the_machine_that_it_was_made_on(path):
    model = onnx.load_model(path)
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    assert b"site-packages" not in path.read_bytes()


def test_both_models_are_there():
    assert [path.stem for path in FILES] == ["kinetics", "segmenter"]
