"""Files that another program is writing are read while they grow: every frame once, in order, whole."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from itertools import islice

import mrcfile
import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr

from ionfront.acquisition import Frame, StoreRecorder
from ionfront.acquisition.growing import followed
from ionfront.acquisition.sources import replayed
from ionfront.core import MovieError, UsageError

IMAGES = np.random.default_rng(0).integers(1, 60000, (8, 70, 90)).astype(np.uint16)
PAUSE_S = 0.04


@contextmanager
def meanwhile(work, *given):
    failed = []

    def kept():
        try:
            work(*given)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=kept)
    thread.start()
    yield
    thread.join()
    assert not failed


def taken(path, most=8, **settings):
    """So many frames, however long they take to come."""
    return list(islice(followed(path, **{"frame_time_s": 0.5, "idle_s": 30.0} | settings).frames, most))


def left(path):
    """All frames of a file that nobody writes to any more."""
    return list(followed(path, frame_time_s=0.5, idle_s=0.5).frames)


def check(frames, images=IMAGES):
    assert len(frames) == len(images)
    np.testing.assert_array_equal([frame.image for frame in frames], images)


def copied_slowly(content, path, pieces=23):
    """Bytes as they come from a program that knows nothing of frames."""
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(content), step := len(content) // pieces + 1):
            file.write(content[start : start + step])
            time.sleep(PAUSE_S)


@pytest.mark.parametrize(
    "how", [{}, {"bigtiff": True}, {"byteorder": ">"}, {"compression": "zlib"}, {"tile": (32, 32)}], ids=str
)
def test_a_tiff_written_page_by_page(how, tmp_path):
    path = tmp_path / "movie.tif"
    whole_file = {name: how[name] for name in ("bigtiff", "byteorder") if name in how}
    page = {name: how[name] for name in ("compression", "tile") if name in how}

    def write():
        with tifffile.TiffWriter(path, **whole_file) as tiff:
            for image in IMAGES:
                tiff.write(image, photometric="minisblack", contiguous=False, metadata=None, **page)
                time.sleep(PAUSE_S)

    with meanwhile(write):
        frames = taken(path)
    check(frames)
    assert [frame.time_s for frame in frames] == [0.5 * number for number in range(8)]


def test_a_tiff_of_another_process(tmp_path):
    path = tmp_path / "movie.ome.tif"
    program = f"""
import time, numpy, tifffile
with tifffile.TiffWriter({str(path)!r}, ome=True) as tiff:
    for k in range(8):
        tiff.write(numpy.full((70, 90), k, "u2"), contiguous=False, photometric="minisblack")
        time.sleep(0.1)
"""
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        frames = taken(path)
        assert process.wait(30) == 0
    np.testing.assert_array_equal([frame.image[3, 3] for frame in frames], range(8))


@pytest.mark.parametrize("cut", [1, 100, 12500])
def test_a_tiff_that_breaks_off(cut, tmp_path):
    with tifffile.TiffWriter(tmp_path / "whole.tif") as tiff:
        for image in IMAGES:
            tiff.write(image, photometric="minisblack", contiguous=False, metadata=None)
    with meanwhile(copied_slowly, (tmp_path / "whole.tif").read_bytes()[:-cut], tmp_path / "movie.tif"):
        check(taken(tmp_path / "movie.tif", 7), IMAGES[:7])
    check(left(tmp_path / "movie.tif"), IMAGES[:7])


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_an_mrc_whose_header_lags_behind(dtype, tmp_path):
    images = (IMAGES // 1000).astype(dtype)
    with mrcfile.new(tmp_path / "whole.mrc") as mrc:
        mrc.set_data(images)
        mrc.set_image_stack()
        mrc.voxel_size = 2.5
        mrc.header.nz = mrc.header.mz = 1
    content = (tmp_path / "whole.mrc").read_bytes()
    with meanwhile(copied_slowly, content + content[1024:2000], tmp_path / "movie.mrc"):
        check(taken(tmp_path / "movie.mrc"), images)
    check(left(tmp_path / "movie.mrc"), images)
    assert followed(tmp_path / "movie.mrc").pixel_size_nm == pytest.approx(0.25)


def appended(path, chunks, **more):
    array = zarr.create_array(path, shape=(0, 70, 90), chunks=chunks, dtype="u2", **more)
    for number, image in enumerate(IMAGES, 1):
        array.resize((number, 70, 90))
        time.sleep(PAUSE_S)
        array[number - 1] = image
        time.sleep(PAUSE_S)


def filled(path, chunks, **more):
    array = zarr.create_array(path, shape=(500, 70, 90), chunks=chunks, dtype="u2", **more)
    for number, image in enumerate(IMAGES):
        array[number, :40] = image[:40]
        time.sleep(PAUSE_S)
        array[number, 40:] = image[40:]
        time.sleep(PAUSE_S)


@pytest.mark.parametrize("work", [appended, filled])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zarr_array(work, zarr_format, tmp_path):
    with meanwhile(partial(work, zarr_format=zarr_format), tmp_path / "movie.zarr", (1, 40, 90)):
        check(taken(tmp_path / "movie.zarr"))
    check(left(tmp_path / "movie.zarr"))


@pytest.mark.parametrize("how", [{"chunks": (3, 70, 90)}, {"chunks": (1, 70, 90), "shards": (4, 70, 90)}], ids=str)
def test_a_zarr_array_with_several_frames_a_file(how, tmp_path):
    with meanwhile(partial(appended, tmp_path / "movie.zarr", **how)):
        check(taken(tmp_path / "movie.zarr"))


def test_frames_of_zeros_are_frames(tmp_path):
    images = IMAGES.copy()
    images[3:5] = 0  # zarr leaves their chunks out
    array = zarr.create_array(tmp_path / "movie.zarr", shape=(50, 70, 90), chunks=(1, 70, 90), dtype="u2")
    array[:8] = images
    check(left(tmp_path / "movie.zarr"), images)


def test_a_zarr_of_xarray_tells_its_times(tmp_path):
    path = tmp_path / "movie.zarr"
    time_ms = np.cumsum([100.0, 250.0, 90.0, 300.0, 120.0, 80.0, 500.0, 70.0])

    def part(number):
        coords = {"time": ("time", time_ms[number : number + 1], {"units": "ms"})}
        movie = xr.DataArray(IMAGES[number : number + 1], coords, ("time", "y", "x"), name="movie")
        return movie.to_dataset().chunk({"time": 1})

    def write():
        part(0).to_zarr(path, mode="w", consolidated=False)
        for number in range(1, 8):
            part(number).to_zarr(path, append_dim="time", consolidated=False)
            time.sleep(PAUSE_S)

    with meanwhile(write):
        frames = taken(path, frame_time_s=None)
    check(frames)
    np.testing.assert_allclose([frame.time_s for frame in frames], time_ms / 1000, rtol=1e-12)


def test_a_recording_is_followed_with_all_that_is_told(tmp_path):
    path = tmp_path / "movie.ome.zarr"
    given = [Frame(image, 0.3 * k, 2.0 * k, k % 2) for k, image in enumerate(IMAGES)]

    def write():
        recorder = StoreRecorder(path, pixel_size_nm=0.25)
        for frame in given:
            recorder.record(frame)
            time.sleep(PAUSE_S)
        recorder.close()

    with meanwhile(write):
        frames = taken(path, frame_time_s=None)
    check(frames)
    assert [frame[1:] for frame in frames] == [frame[1:] for frame in given]
    assert followed(path).pixel_size_nm == 0.25
    # a session that took six of them counts the three between them that were lost
    assert [frame.time_s for frame in taken(path, 2, first=9, frame_time_s=None)] == [0.3 * 6, 0.3 * 7]
    assert [frame.time_s for frame in replayed(path, first=9, speed=None).frames] == [0.3 * 6, 0.3 * 7]


def test_without_times_frames_have_those_they_came_at(tmp_path):
    path = tmp_path / "movie.zarr"
    array = zarr.create_array(path, shape=(0, 70, 90), chunks=(1, 70, 90), dtype="u2")
    source, begun_s = followed(path), time.time()
    times_s = []
    for batch in (IMAGES[:1], IMAGES[1:4], IMAGES[4:5]):
        array.append(batch)
        times_s += [frame.time_s for frame in islice(source.frames, len(batch))]
    assert np.diff([0.0, *times_s]).min() > 0
    assert source.zero_s <= begun_s
    assert source.zero_s + times_s[-1] <= time.time()
    again = followed(path, zero_s=source.zero_s, first=4)
    assert next(again.frames).time_s > times_s[-1]


def test_nobody_invents_times(tmp_path):
    tifffile.imwrite(tmp_path / "movie.tif", IMAGES, photometric="minisblack")
    with pytest.raises(MovieError, match="frame-time-s"):
        taken(tmp_path / "movie.tif", frame_time_s=None)


@pytest.mark.parametrize("name", ["movie.dm4", "movie.mp4", "movie.npy", "frames"])
def test_what_cannot_be_followed_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match=r"\.mrc, .*\.zarr"):
        followed(tmp_path / name)


def test_what_never_begins_is_said(tmp_path):
    with pytest.raises(MovieError, match="does not exist"):
        followed(tmp_path / "movie.zarr", idle_s=0.3)
    (tmp_path / "movie.tif").write_bytes(b"II*\0")
    with pytest.raises(MovieError, match="TIFF"):
        followed(tmp_path / "movie.tif", idle_s=0.3)
    zarr.create_array(tmp_path / "planes.zarr", shape=(5, 2, 9, 9), chunks=(1, 1, 9, 9), dtype="u1")
    with pytest.raises(MovieError, match="axes"):
        followed(tmp_path / "planes.zarr", idle_s=0.3)
