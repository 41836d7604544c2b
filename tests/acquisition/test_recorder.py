"""What is recorded is what came, at any moment and after any end; what could not be kept is told of."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import zarr

from ionfront.acquisition import Decision, Frame, FrameQueue, RecentFrames, StoreRecorder
from ionfront.acquisition.sources import replayed
from ionfront.core import MovieError, OutputExistsError, UsageError
from ionfront.datasets import MovieStore, calibration_of, open_movie

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 4000, (40, 33, 70)).astype(np.uint16)
TIMES_S = np.cumsum(RNG.uniform(0.1, 1.0, 40))


def frames(images=IMAGES, doses=None):
    doses = [None] * len(images) if doses is None else doses
    return [Frame(image, float(time_s), dose) for image, time_s, dose in zip(images, TIMES_S, doses, strict=False)]


def recorded(path, given, **settings):
    recorder = StoreRecorder(path, **settings)
    for frame in given:
        recorder.record(frame)
    return recorder.close()


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i4", "f4", "f8", "?"])
def test_frames_and_times_come_back_to_the_bit(dtype, tmp_path):
    images = (IMAGES > 2000).astype(dtype) if dtype == "?" else (IMAGES / 17).astype(dtype)
    images[3] = 0
    counts = recorded(tmp_path / "movie.ome.zarr", frames(images), pixel_size_nm=0.25)
    assert (counts.kept, counts.lost) == (40, 0)
    movie = open_movie(tmp_path / "movie.ome.zarr")
    np.testing.assert_array_equal(movie.values, images)
    np.testing.assert_array_equal(movie["time"].values, TIMES_S)
    calibration = calibration_of(movie)
    assert calibration.pixel_size_nm == 0.25
    assert calibration.frame_time_s == pytest.approx(np.median(np.diff(TIMES_S)))


def test_dose_and_lost_frames_come_back(tmp_path):
    given = [frame._replace(missed=k % 3) for k, frame in enumerate(frames(doses=[40.0, None, *[2.5] * 38]))]
    recorded(tmp_path / "movie.ome.zarr", given)
    movie = open_movie(tmp_path / "movie.ome.zarr")
    np.testing.assert_array_equal(movie["dose_e_nm2"], [40.0, np.nan, *[2.5] * 38])
    again = list(replayed(tmp_path / "movie.ome.zarr", speed=None).frames)
    assert [frame[1:] for frame in again] == [frame[1:] for frame in given]


def test_it_is_readable_while_it_grows(tmp_path):
    path, stop = tmp_path / "movie.ome.zarr", threading.Event()
    recorder = StoreRecorder(path, pixel_size_nm=0.5)

    def camera():
        for frame in frames():
            recorder.record(frame)
            time.sleep(0.005)
        recorder.close()
        stop.set()

    writer = threading.Thread(target=camera)
    writer.start()
    seen, refused = [], 0
    while not (stop.is_set() and seen and seen[-1] == 40):
        try:
            movie = open_movie(path)
        except MovieError:
            refused += bool(seen)  # before the first there is none
            continue
        count = movie.sizes["time"]
        np.testing.assert_array_equal(movie.values, IMAGES[:count])
        np.testing.assert_array_equal(movie["time"].values, TIMES_S[:count] if count > 1 else [0.0])
        seen.append(count)
    writer.join()
    assert seen == sorted(seen)
    assert refused == 0


def test_what_was_flushed_outlives_a_killed_process(tmp_path):
    path = tmp_path / "movie.ome.zarr"
    program = f"""
import itertools, pathlib, time
import numpy as np
from ionfront.acquisition import Frame, StoreRecorder
recorder = StoreRecorder(pathlib.Path({str(path)!r}), pixel_size_nm=0.5)
for k in itertools.count():
    recorder.record(Frame(np.full((40, 50), k, np.uint16), 0.5 * k))
    print(recorder.counts.kept, flush=True)
    time.sleep(0.002)
"""
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    said = 0
    while said < 30:
        said = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    movie = open_movie(path)
    count = movie.sizes["time"]
    assert count >= said
    np.testing.assert_array_equal(movie[:, 0, 0], np.arange(count))
    np.testing.assert_array_equal(movie["time"], 0.5 * np.arange(count))
    more = [Frame(np.full((40, 50), count + k, np.uint16), 0.5 * (count + k)) for k in range(3)]
    recorded(path, more, go_on=True)
    np.testing.assert_array_equal(open_movie(path)[:, 5, 5], np.arange(count + 3))


def test_frames_whose_times_do_not_rise_are_kept_and_left_out(tmp_path):
    given = frames(IMAGES[:6])
    given[2] = given[2]._replace(time_s=given[1].time_s)
    given[4] = given[4]._replace(time_s=0.0, missed=2)
    assert recorded(tmp_path / "movie.ome.zarr", given).kept == 6
    movie = open_movie(tmp_path / "movie.ome.zarr")
    np.testing.assert_array_equal(movie, IMAGES[[0, 1, 3, 5]])
    np.testing.assert_array_equal(movie["missed"], [0, 0, 1, 3])
    assert "2 of 6 frames" in movie.attrs["notes"][0]
    np.testing.assert_array_equal(zarr.open_group(tmp_path / "movie.ome.zarr", mode="r")["0"][:], IMAGES[:6])


def test_frames_unlike_the_first_are_told_of(tmp_path):
    given = frames(IMAGES[:5])
    given[1] = given[1]._replace(image=np.zeros((3, 3), np.uint16))
    given[2] = given[2]._replace(image=IMAGES[2].astype(float), missed=4)
    counts = recorded(tmp_path / "movie.ome.zarr", given)
    assert (counts.kept, counts.lost) == (3, 2)
    assert "another size" in counts.last_loss
    np.testing.assert_array_equal(open_movie(tmp_path / "movie.ome.zarr")["missed"], [0, 6, 0])


@contextmanager
def in_the_way(path):
    """While this lasts, nothing can be written there."""
    aside = path.with_name("aside")
    if path.exists():
        path.rename(aside)
    path.mkdir()
    yield
    path.rmdir()
    if aside.exists():
        aside.rename(path)


@pytest.mark.parametrize("part", ["0/c/20/0/0", "t/c/0", "missed/zarr.json"])
def test_a_disk_that_refuses_is_told_of_once_and_ends_nothing(part, tmp_path):
    told = []
    recorder = StoreRecorder(tmp_path / "movie.ome.zarr", tell=told.append)

    def settled(count):
        deadline = time.monotonic() + 30
        while recorder.counts.kept + recorder.counts.lost < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def record(given):
        for frame in given:
            recorder.record(frame)

    given = frames()
    record(given[:20])
    settled(20)
    (tmp_path / "movie.ome.zarr" / part).parent.mkdir(parents=True, exist_ok=True)
    with in_the_way(tmp_path / "movie.ome.zarr" / part):
        record(given[20:25])
        settled(25)
    record(given[25:])
    counts = recorder.close()
    assert (counts.kept, counts.lost) == (35, 5)
    assert "Error" in counts.last_loss
    assert len(told) == 1
    movie = open_movie(tmp_path / "movie.ome.zarr")
    np.testing.assert_array_equal(movie, IMAGES[[*range(20), *range(25, 40)]])
    assert movie["missed"].values[20] == 5
    assert movie["missed"].sum() == 5


def test_a_disk_that_is_too_slow_holds_no_camera_up(tmp_path, monkeypatch):
    go, append = threading.Event(), MovieStore.append

    def slow(*given):
        go.wait(30)
        append(*given)

    monkeypatch.setattr(MovieStore, "append", slow)
    queue = FrameQueue(99, recorder=StoreRecorder(tmp_path / "movie.ome.zarr", most_bytes=5 * IMAGES[0].nbytes))
    for frame in frames():
        queue.put(frame.image, frame.time_s)
    go.set()
    counts = queue._recorder.close()
    assert counts.kept >= 5
    assert counts.kept + counts.lost == 40
    assert "too slow" in counts.last_loss
    assert open_movie(tmp_path / "movie.ome.zarr").sizes["time"] == counts.kept


def test_what_is_there_is_not_written_over(tmp_path):
    path = tmp_path / "movie.ome.zarr"
    recorded(path, frames(IMAGES[:3]))
    with pytest.raises(OutputExistsError, match="never overwritten"):
        StoreRecorder(path)
    other = recorded(path, [Frame(np.zeros((4, 4)), 99.0)], go_on=True)
    assert (other.kept, other.lost) == (0, 1)
    assert "holds frames of (33, 70)" in other.last_loss
    np.testing.assert_array_equal(open_movie(path), IMAGES[:3])


def test_a_lost_chunk_is_not_taken_for_darkness(tmp_path):
    recorded(tmp_path / "movie.ome.zarr", frames())
    os.unlink(tmp_path / "movie.ome.zarr" / "0" / "c" / "7" / "0" / "0")
    with pytest.raises(MovieError, match="1 of its 40 files"):
        open_movie(tmp_path / "movie.ome.zarr")


def test_large_frames_lie_in_tiles_and_the_store_is_valid(tmp_path):
    ome_zarr_models = pytest.importorskip("ome_zarr_models")
    image = RNG.integers(0, 255, (1500, 1100)).astype(np.uint8)
    recorded(tmp_path / "movie.ome.zarr", [Frame(image, 0.0), Frame(image + 1, 0.5)], pixel_size_nm=0.1)
    group = zarr.open_group(tmp_path / "movie.ome.zarr", mode="r")
    (multiscale,) = ome_zarr_models.open_ome_zarr(group).ome_attributes.multiscales
    assert [axis.unit for axis in multiscale.axes] == ["second", "nanometer", "nanometer"]
    assert group["0"].chunks == (1, 1024, 1024)
    np.testing.assert_array_equal(open_movie(tmp_path / "movie.ome.zarr")[1], image + 1)


def test_the_newest_frames_are_kept_when_a_rule_fires(tmp_path):
    recent = RecentFrames(10 * IMAGES[0].nbytes, pixel_size_nm=0.5)
    for frame in frames():
        recent.record(frame)
    recent.keep_in(tmp_path)(Decision("halfway", ("keep",), 39, 1.0, 0.9, "because", dry_run=False))
    movie = open_movie(tmp_path / "halfway-39.ome.zarr")
    np.testing.assert_array_equal(movie, IMAGES[30:])
    np.testing.assert_array_equal(movie["time"], TIMES_S[30:])
    assert calibration_of(movie).pixel_size_nm == 0.5
    with pytest.raises(OutputExistsError):
        recent.save(tmp_path / "halfway-39.ome.zarr")


def test_the_last_seconds_are_kept(tmp_path):
    recent = RecentFrames(last_s=5.0)
    for frame in frames():
        recent.record(frame)
    kept = recent.save(tmp_path / "last.ome.zarr")
    np.testing.assert_array_equal(open_movie(tmp_path / "last.ome.zarr")["time"], TIMES_S[TIMES_S[-1] - TIMES_S <= 5.0])
    assert 5 < kept < 20


def test_nothing_to_keep_is_said(tmp_path):
    with pytest.raises(UsageError, match="0 of 0"):
        RecentFrames().save(tmp_path / "none.ome.zarr")
    small = RecentFrames(10)
    small.record(frames()[0])
    with pytest.raises(UsageError, match="0 of 0"):
        small.save(tmp_path / "none.ome.zarr")
    with pytest.raises(UsageError, match="above 0"):
        RecentFrames(last_s=0.0)
