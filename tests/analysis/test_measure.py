"""One pass over a movie: what a tracker gets to see, and what is written."""

import numpy as np
import pytest
import xarray as xr

from ionfront.analysis.measure import LABEL_ERROR, measure_labels, measure_movie
from ionfront.core import DEFAULT_SCHEME, PhaseScheme
from ionfront.datasets import Reference, open_labels, random_scene
from ionfront.fronts import ArrivalAccumulator

SCHEME = PhaseScheme(("background", "host", "product"), ("host", "product"))


class Listener:
    """Keeps what a tracker would be given."""

    def __init__(self):
        self.pushed = []

    def push(self, time, probabilities):
        self.pushed.append((time, probabilities))

    take = push

    def see(self, probabilities):
        return probabilities


def as_labels(frames, times):
    return xr.DataArray(np.asarray(frames, np.uint8), {"time": times}, ("time", "y", "x"))


def heard(frames, scheme=SCHEME, ignore_label=None, times=None):
    listener, seen = Listener(), []
    labels = as_labels(frames, np.arange(len(frames)) if times is None else times)
    measure_labels(labels, scheme, listener, ignore_label, lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, len(frames)) for i in range(len(frames))]
    return listener.pushed


def test_labels_are_believed_but_for_their_error():
    frame = [[0, 1], [2, 1]]
    ((time, probabilities),) = heard([frame], times=[3.5])
    assert time == 3.5
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, rtol=1e-6)
    np.testing.assert_array_equal(probabilities.argmax(axis=0), frame)
    np.testing.assert_allclose(probabilities.max(axis=0), 1 - LABEL_ERROR)


@pytest.mark.parametrize("scheme", [SCHEME, DEFAULT_SCHEME], ids=["two phases", "four phases"])
def test_what_nobody_judged_is_no_evidence(scheme):
    def reached(ids):
        accumulator = ArrivalAccumulator(scheme, (1, 1))
        for time, probabilities in heard([[[i]] for i in ids], scheme, ignore_label=255):
            accumulator.push(time, probabilities)
        return accumulator.result().reached.ravel()

    for ids in ([1] * 12, [1] * 6 + [2] * 6):
        np.testing.assert_allclose(reached(ids[:6] + [255] * 8 + ids[6:]), reached(ids), atol=0.1)


def test_an_ignored_id_may_be_one_of_the_phases():
    ((_, probabilities),) = heard([[[0, 2]]], ignore_label=2)
    assert probabilities[0, 0, 0] > 0.9
    assert np.ptp(probabilities[:, 0, 1]) == 0


def test_the_network_sees_means_and_blanked_frames_stay_out(tmp_path):
    frames = np.arange(5 * 4.0).reshape(5, 2, 2)
    frames[3] = np.nan
    movie = xr.DataArray(frames, {"time": np.arange(5.0)}, ("time", "y", "x"))
    seen = []

    def infer(frame):
        seen.append(float(frame[0, 0]))
        return np.zeros((3, 2, 2), np.float32)

    listener = Listener()
    measure_movie(movie, infer, SCHEME, listener, tmp_path / "a.zarr", lambda *_: None, averaged=3)
    assert seen == [0, 4, 8, 16]
    assert listener.pushed[3][1] is None


def test_the_network_sees_the_reference_behind_every_frame(tmp_path):
    scene = random_scene(7, 64, 4)
    frames = np.stack([scene.frame(k)[0] for k in range(4)])
    movie = xr.DataArray(frames, {"time": np.arange(4.0)}, ("time", "y", "x"))
    seen = []

    def infer(frame):
        seen.append(frame)
        return np.zeros((3, 64, 64), np.float32)

    reference = Reference(frames[0])
    measure_movie(movie, infer, SCHEME, None, tmp_path / "a.zarr", lambda *_: None, reference=reference)
    assert reference.unmatched == 0
    for frame, shown in zip(frames, seen, strict=True):
        np.testing.assert_array_equal(shown, reference.behind(frame))


def test_a_movie_is_written_and_heard_frame_by_frame(tmp_path):
    frames = np.zeros((3, 8, 8), np.float32)
    frames[0, :, 0], frames[1], frames[2, :, 0] = 1, np.nan, 2
    movie = xr.DataArray(frames, {"time": [0.0, 0.5, 1.0]}, ("time", "y", "x"), attrs={"frame_time_s": 0.5})
    listener, seen = Listener(), []

    def infer(frame):
        assert np.isfinite(frame).all()
        return np.eye(3, dtype=np.float32)[frame.astype(int)].transpose(2, 0, 1)

    path = tmp_path / "labels.zarr"
    measure_movie(movie, infer, SCHEME, listener, path, lambda *progress: seen.append(progress))
    assert [time for time, _ in listener.pushed] == [0.0, 0.5, 1.0]
    assert listener.pushed[1][1] is None
    assert seen == [(1, 3), (2, 3), (3, 3)]
    np.testing.assert_array_equal(open_labels(path)[:, 0, 0], [1, 0, 2])
