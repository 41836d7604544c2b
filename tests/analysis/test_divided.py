"""A movie divided among hands comes to what one process makes of it, to the last bit."""

import json
import pickle

import numpy as np
import pytest
import tifffile

from ionfront.analysis import analyze, divided
from ionfront.analysis.divided import Divided, Opening
from ionfront.datasets import open_labels
from ionfront.datasets.shift import shifted
from ionfront.models import load_segmenter

SCALES = {"pixel_size_nm": 0.5, "frame_time_s": 2.0}


class Here:
    """Hands that do everything at once, and are sent what they are given, as others are."""

    count = 3

    def __init__(self):
        self.done = []

    def do(self, work, *given, urgent=False):
        self.done.append(work)
        sent = pickle.loads(pickle.dumps([item.value if isinstance(item, Done) else item for item in given]))
        return Done(work(*sent))


class Done:
    def __init__(self, value):
        self.value = value

    def result(self):
        return self.value


@pytest.fixture(scope="module")
def there_and_back(grey):
    """Insertion and extraction, on a stage that drifts; two frames are blanked, and one goes back for a moment."""
    frames = np.concatenate([grey, grey[::-1]])
    drift = np.linspace(0, 3, len(frames))
    frames = np.stack([shifted(frame, (way, -way / 2)) for frame, way in zip(frames, drift, strict=True)])
    frames[len(grey) * 3 // 4] = frames[len(grey) // 4]
    frames[[20, len(grey) + 5]] = 0
    return frames.astype(np.float32)


@pytest.fixture
def small_chunks(monkeypatch):
    """Of five frames or so, written down after every second."""
    monkeypatch.setattr(divided, "_KEPT_EVERY", 2)

    def small_chunks(frames):
        monkeypatch.setattr(divided, "_CHUNK_BYTES", 5 * 4 * 4 * frames[0].size)

    return small_chunks


def both(tmp_path, frames, model, averaged):
    """Folders that one process, and one with hands, write of the same movie; and what the hands did."""
    movie, hands = tmp_path / "movie.npy", Here()
    np.save(movie, frames)
    opening = Opening(movie, *SCALES.values(), 1, model, "f32")
    told = {**SCALES, "model": load_segmenter(model), "average_frames": averaged}
    alone = analyze(movie, tmp_path / "alone", **told)
    crew = Divided(hands, opening, tmp_path)
    helped = analyze(movie, tmp_path / "helped", **told, crew=crew)
    assert sum(path.name.isdigit() for path in tmp_path.iterdir()) == 1  # how frames are seen: no band is left lying
    return alone, helped, hands


@pytest.mark.parametrize(("kind", "averaged"), [("grey_onnx", 1), ("comparing_onnx", 5)])
def test_it_comes_to_the_same(tmp_path, there_and_back, small_chunks, request, kind, averaged):
    small_chunks(there_and_back)
    alone, helped, hands = both(tmp_path, there_and_back, request.getfixturevalue(kind), averaged)
    assert hands.done.count(divided._look) > 5
    assert hands.done.count(divided._taken) > 5
    assert [cycle["direction"] for cycle in alone.kinetics["cycles"]] == ["insertion", "extraction"]
    written = [json.loads((one.folder / "kinetics.json").read_text()) for one in (alone, helped)]
    assert written[0] == written[1]
    for name in ("arrival.tif", "speed.tif"):
        np.testing.assert_array_equal(*(tifffile.imread(one.folder / name) for one in (alone, helped)))
    np.testing.assert_array_equal(*(open_labels(one.folder / "labels.zarr").values for one in (alone, helped)))
