"""Sources give every frame once, in order, whole, and end when there are no more."""

import os
import threading
import time

import numpy as np
import pytest
import tifffile

from ionfront.acquisition.sources import replayed, watched_folder
from ionfront.core import MovieError, UsageError


@pytest.fixture
def movie(grey, tmp_path):
    np.save(tmp_path / "bar.npy", grey[:6])
    return tmp_path / "bar.npy"


def test_a_replay_is_the_movie(grey, movie):
    source = replayed(movie, speed=None, pixel_size_nm=0.5, frame_time_s=2.0)
    frames = list(source.frames)
    assert [frame.time_s for frame in frames] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    np.testing.assert_array_equal([frame.image for frame in frames], grey[:6])
    assert source.pixel_size_nm == 0.5


def test_a_replay_goes_on_where_it_was_left(movie):
    source = replayed(movie, speed=None, first=4, frame_time_s=2.0)
    assert [frame.time_s for frame in source.frames] == [8.0, 10.0]


def test_a_replay_takes_its_time(movie):
    begun = time.monotonic()
    list(replayed(movie, speed=20.0, frame_time_s=1.0).frames)
    assert time.monotonic() - begun > 0.24


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_replay_that_never_ends_is_refused(movie, speed):
    with pytest.raises(UsageError, match="above 0"):
        replayed(movie, speed=speed)


def test_files_that_come_while_it_is_watched(grey, tmp_path):
    def camera():
        for number in range(5):
            path = tmp_path / f"frame_{number:04d}.tif"
            whole = tmp_path / "draft"
            tifffile.imwrite(whole, grey[number])
            content = whole.read_bytes()
            with path.open("wb") as file:  # a slow writer
                file.write(content[: len(content) // 2])
                file.flush()
                time.sleep(0.1)
                file.write(content[len(content) // 2 :])

    writer = threading.Thread(target=camera)
    writer.start()
    source = watched_folder(tmp_path, frame_time_s=0.5, pixel_size_nm=2.0, idle_s=1.5)
    frames = list(source.frames)
    writer.join()
    assert [frame.time_s for frame in frames] == [0.0, 0.5, 1.0, 1.5, 2.0]
    np.testing.assert_array_equal([frame.image for frame in frames], grey[:5])
    assert len(list(watched_folder(tmp_path, first=3, frame_time_s=0.5, idle_s=0.7).frames)) == 2


def test_times_of_files_tell_when_frames_came(grey, tmp_path):
    for number in range(3):
        path = tmp_path / f"{number}.npy"
        np.save(path, grey[number])
        os.utime(path, (100.0 + 3 * number, 100.0 + 3 * number))
    assert [frame.time_s for frame in watched_folder(tmp_path, idle_s=0.7).frames] == [0.0, 3.0, 6.0]
    assert [frame.time_s for frame in watched_folder(tmp_path, first=2, idle_s=0.7).frames] == [6.0]


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(MovieError, match="no folder"):
        watched_folder(tmp_path / "nothing")
