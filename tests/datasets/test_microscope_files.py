"""Real files of microscopes and their programs: shape, type and calibration as the libraries' own tools show them.

The files are GPL-3 and stay outside the repository; this test runs where they lie beside it.
"""

from pathlib import Path

import numpy as np
import pytest

from ionfront.core import MovieError
from ionfront.datasets import calibration_of, open_movie

FILES = Path(__file__).parents[2].parent / "shared" / "data" / "microscope_files_GPL3"
pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="../shared/data/microscope_files_GPL3 is not here")

# path, shape, dtype, nm per pixel, seconds per frame
CASES = [
    ("digitalmicrograph/2D/test-1.dm3", (1, 2, 2), "int16", None, None),
    ("digitalmicrograph/2D/test-1.dm4", (1, 2, 2), "int16", None, None),
    ("digitalmicrograph/2D/test_STEM_image.dm3", (1, 68, 68), "uint32", 0.248538017, None),
    ("digitalmicrograph/3D/test-1.dm3", (2, 2, 2), "int16", None, None),
    ("digitalmicrograph/3D/test-1.dm4", (2, 2, 2), "int16", None, None),
    ("digitalmicrograph/Fei_HAADF-UK_location.dm3", (1, 4, 16), "uint16", 5.50607312, None),
    ("digitalmicrograph/test_stackbuilder_imagestack.dm3", (3, 2, 16), "uint32", 59.9829033, None),
    ("emd/example_image.emd", (1, 3, 3), "int32", None, None),
    ("emd/fei_example_tem_stack.emd", (2, 3, 3), "int16", 0.00817288319, 0.8),
    ("mrc/20241021_00405_movie.mrc", (32, 4, 8), "uint16", None, None),
    ("mrc/ROI_Random_Scan_movie.mrc", (348, 16, 16), "uint16", None, None),
    ("mrc/HAADFscan.mrc", (1, 16, 16), "uint16", 5.67913129, None),
    ("tia/new/128x128-TEM_search.emi", (1, 128, 128), "int32", 5.26121420, None),
    ("tia/new/128x128-TEM_search_1.ser", (1, 128, 128), "int32", 5.26121420, None),
    ("tia/old/64x64x5_TEM_preview.emi", (5, 64, 64), "float32", 6.28183362, None),
    ("tia/old/64x64x5_TEM_preview_1.ser", (5, 64, 64), "float32", 6.28183362, None),
    ("tia/old/03_Scanning_Preview.emi", (5, 128, 128), "uint16", 0.384352488, None),
    ("tia/old/03_Scanning_Preview_1.ser", (5, 128, 128), "uint16", 0.384352488, None),
    # The first series is a coloured preview with the scale bar burnt in; the second is the data.
    ("tiff/olympus_SIS.tif", (1, 101, 112), "uint16", 0.0239279178, None),
    ("tiff/test_loading_image_saved_with_DM.tif", (1, 68, 68), "int32", 168.674693, None),
    # Its y pixels are ten times its x pixels: no one number is right.
    ("tiff/test_loading_image_saved_with_DM_stack.tif", (2, 68, 68), "float32", None, 2.5),
    # ImageJ's 2.5 is the spacing of slices, not a time.
    ("tiff/test_loading_image_saved_with_imageJ_stack.tif", (2, 68, 68), "float32", 168.674711, None),
]
COMPLEX = ["digitalmicrograph/2D/test-13.dm4", "digitalmicrograph/3D/test-13.dm4"]


@pytest.mark.parametrize(("name", "shape", "dtype", "pixel_size_nm", "frame_time_s"), CASES, ids=[c[0] for c in CASES])
def test_opens_as_its_program_shows_it(name, shape, dtype, pixel_size_nm, frame_time_s):
    pytest.importorskip("rsciio", reason="the extra `formats` is not installed")
    movie = open_movie(FILES / name)
    calibration = calibration_of(movie)
    assert movie.shape == shape
    assert movie.dtype == np.dtype(dtype)
    assert movie.chunks[0] == (1,) * shape[0]
    assert calibration.pixel_size_nm == (None if pixel_size_nm is None else pytest.approx(pixel_size_nm, rel=1e-6))
    assert calibration.frame_time_s == frame_time_s
    assert movie.compute().dtype == movie.dtype


@pytest.mark.parametrize("name", COMPLEX)
def test_a_complex_image_is_refused_with_a_way_out(name):
    pytest.importorskip("rsciio", reason="the extra `formats` is not installed")
    with pytest.raises(MovieError, match=r"complex.*save the amplitude"):
        open_movie(FILES / name)


def test_every_file_is_in_this_table():
    here = {str(f.relative_to(FILES)) for f in FILES.rglob("*") if f.is_file() and f.suffix != ".txt"}
    assert here == {case[0] for case in CASES} | set(COMPLEX)


@pytest.mark.parametrize("name", [case[0] for case in CASES if not case[0].endswith((".emi", "DM.tif"))])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_a_file_cut_short_is_refused_or_gives_whole_frames(name, share, tmp_path):
    pytest.importorskip("rsciio", reason="the extra `formats` is not installed")
    whole = open_movie(FILES / name).compute()
    content = (FILES / name).read_bytes()
    cut = tmp_path / Path(name).name
    cut.write_bytes(content[: int(len(content) * share)])
    movie, error = whole, str(cut)  # what was cut off may have lain behind the pixels
    try:
        movie = open_movie(cut).compute()
    except MovieError as raised:
        error = str(raised)
    assert str(cut) in error
    assert np.array_equal(movie, whole)


def test_an_emi_without_its_ser_is_refused(tmp_path):
    pytest.importorskip("rsciio", reason="the extra `formats` is not installed")
    lonely = tmp_path / "lonely.emi"
    lonely.write_bytes((FILES / "tia/new/128x128-TEM_search.emi").read_bytes())
    with pytest.raises(MovieError, match=r"lonely\.emi"):
        open_movie(lonely)
