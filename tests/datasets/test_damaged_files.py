"""Files that are missing, empty, misnamed or cut leave as one kind of error, or as the frames that were whole."""

import mrcfile
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ionfront.core import IonFrontError, MovieError
from ionfront.datasets import open_movie

STACK = np.arange(1, 6 * 20 * 20 + 1, dtype=np.uint16).reshape(6, 20, 20)


def write_mrc(path, stack=STACK):
    with mrcfile.new(path, overwrite=True) as mrc:
        mrc.set_data(stack)


def write_pages(path):
    with tifffile.TiffWriter(path) as writer:
        for frame in STACK:
            writer.write(frame, contiguous=False, metadata=None, photometric="minisblack")


WRITERS = {
    "plain.tif": lambda path: tifffile.imwrite(path, STACK, photometric="minisblack"),
    "pages.tif": write_pages,
    "imagej.tif": lambda path: tifffile.imwrite(path, STACK, imagej=True),
    "ome.ome.tif": lambda path: tifffile.imwrite(path, STACK, photometric="minisblack", metadata={"axes": "TYX"}),
    "packed.tif": lambda path: tifffile.imwrite(path, STACK, compression="zlib", photometric="minisblack"),
    "a.mrc": write_mrc,
    "a.npy": lambda path: np.save(path, STACK),
    "a.png": lambda path: Image.fromarray(STACK[0]).save(path),
    "a.jpg": lambda path: Image.fromarray(STACK[0].astype(np.uint8)).save(path),
}


def whole_or_refused(path, whole):
    pixels, movie, error = None, None, ""
    try:
        movie = open_movie(path)
        pixels = movie.compute().values
    except IonFrontError as raised:
        error = str(raised)
    if pixels is None:
        assert str(path) in error
        return
    count = len(pixels)
    np.testing.assert_array_equal(pixels, whole[:count])
    assert count == len(whole) or movie.attrs["notes"]


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere(name, share, tmp_path):
    whole_path, cut = tmp_path / f"whole-{name}", tmp_path / f"cut-{name}"
    if not whole_path.exists():
        WRITERS[name](whole_path)
    content = whole_path.read_bytes()
    cut.write_bytes(content[: int(len(content) * share)])
    whole_or_refused(cut, open_movie(whole_path).values)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_header_with_a_wrong_byte_raises_nothing_foreign(name, data, tmp_path):
    path = tmp_path / name
    WRITERS[name](path)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, min(300, len(content) - 1)))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    error = str(path)
    try:
        open_movie(path)[0].compute()
    except IonFrontError as raised:
        error = str(raised)
    assert str(path) in error


@pytest.mark.parametrize(
    "suffix", [".tif", ".mrc", ".npy", ".png", ".jpg", ".mp4", ".avi", ".dm3", ".dm4", ".emd", ".ser", ".hspy", ".zspy"]
)
@pytest.mark.parametrize(
    "content", [b"", b"This is a letter, not a movie.\n" * 40, bytes(2000)], ids=["0", "text", "zeros"]
)
def test_what_is_no_image_is_refused_by_name(tmp_path, suffix, content):
    path = tmp_path / f"letter{suffix}"
    path.write_bytes(content)
    with pytest.raises(IonFrontError, match=f"letter{suffix}"):
        open_movie(path)[0].compute()


def test_missing_and_unknown_files_say_what_to_do(tmp_path):
    with pytest.raises(MovieError, match="does not exist"):
        open_movie(tmp_path / "nowhere.tif")
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(MovieError, match=r"\.docx.*\.mrc.*OME-TIFF"):
        open_movie(tmp_path / "a.docx")


def test_movies_without_frames_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((0, 4, 5), np.uint8))
    with pytest.raises(MovieError, match="empty"):
        open_movie(tmp_path / "a.npy")


@pytest.mark.parametrize("victim", ["zarr.json", "c/2/0/0"])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_a_damaged_zarr(tmp_path, victim, share):
    path = tmp_path / "a.zarr"
    zarr.create_array(str(path), data=STACK, chunks=(1, 20, 20))
    content = (path / victim).read_bytes()
    (path / victim).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(MovieError, match=r"a\.zarr"):
        open_movie(path).compute()


def test_a_folder_that_is_no_zarr(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(MovieError, match="no Zarr store"):
        open_movie(tmp_path / "a.zarr")
