"""The bundled model: there and usable, or its absence said with a next step."""

import numpy as np
import pytest

from ionfront.core import ModelFileError
from ionfront.datasets import random_scene
from ionfront.models import bundled_segmenter, load_segmenter, read_info, shipped


def test_an_installation_without_the_model_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "shipped.py"))
    with pytest.raises(ModelFileError, match="train segmenter"):
        bundled_segmenter()


def test_the_bundled_model_is_small_and_describes_itself():
    path = bundled_segmenter()
    assert path.stat().st_size < 20e6
    assert read_info(path).scheme.reaction_order


def test_runs_in_bfloat16_too():
    scene = random_scene(31, 128, 20)
    frames = np.stack([scene.frame(12)[0], scene.frame(0)[0]])
    low, full = (load_segmenter(device="cpu", precision=precision).labels(frames) for precision in ("bf16", "f32"))
    assert (low == full).mean() > 0.99
