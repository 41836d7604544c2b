import pickle

import av
import numpy as np
import pytest
import tifffile
import zarr
from ome_zarr_models.v04.axes import Axis
from ome_zarr_models.v04.multiscales import Dataset, Multiscale
from PIL import Image

from ionfront.core import CalibrationError, MissingExtraError, MovieError
from ionfront.datasets import calibration_of, is_blanked, open_movie

STACK = np.arange(5 * 6 * 7, dtype=np.uint16).reshape(5, 6, 7)


def write_ome(path, stack=STACK, **metadata):
    tifffile.imwrite(path, stack, photometric="minisblack", metadata={"axes": "TYX", **metadata})
    return path


def test_ome_tiff_is_lazy_calibrated_and_exact(tmp_path):
    path = write_ome(
        tmp_path / "a.ome.tif",
        PhysicalSizeX=0.5e-3,
        PhysicalSizeXUnit="µm",
        PhysicalSizeY=5.0,
        PhysicalSizeYUnit="Å",
        TimeIncrement=250.0,
        TimeIncrementUnit="ms",
    )
    movie = open_movie(path)
    assert movie.dims == ("time", "y", "x")
    assert movie.chunks == ((1,) * 5, (6,), (7,))
    np.testing.assert_array_equal(movie, STACK)
    np.testing.assert_allclose(movie.time, np.arange(5) * 0.25)
    np.testing.assert_allclose(movie.x, np.arange(7) * 0.5)
    assert (movie.time.units, movie.y.units, movie.x.units) == ("s", "nm", "nm")
    assert movie.attrs["pixel_size_source"] == movie.attrs["frame_time_source"] == "file: OME-XML"
    assert movie.attrs["source"] == str(path)


def test_time_stamps_of_each_frame_are_used_where_the_file_has_them(tmp_path):
    stamps = [0.0, 0.5, 1.0, 4.0, 4.5]
    path = write_ome(tmp_path / "a.ome.tif", TimeIncrement=9.0, Plane={"DeltaT": stamps, "DeltaTUnit": ["s"] * 5})
    movie = open_movie(path)
    np.testing.assert_allclose(movie.time, stamps)
    assert movie.attrs["frame_time_s"] == 0.5
    assert "DeltaT" in movie.attrs["frame_time_source"]


def test_time_stamps_that_run_backwards_give_way_to_the_interval(tmp_path):
    plane = {"DeltaT": [0.0, 1.0, 2.0, 0.1, 1.1], "DeltaTUnit": ["s"] * 5}
    movie = open_movie(write_ome(tmp_path / "a.ome.tif", TimeIncrement=2.0, Plane=plane))
    np.testing.assert_allclose(movie.time, np.arange(5) * 2.0)
    np.testing.assert_array_equal(movie, STACK)
    assert "do not increase" in movie.attrs["frame_time_source"]


def test_frames_that_lie_out_of_order_are_taken_in_that_of_their_times(tmp_path):
    plane = {"DeltaT": [6.0, 8.5, 0.0, 2.0, 4.0], "DeltaTUnit": ["s"] * 5}
    path = write_ome(tmp_path / "a.ome.tif", TimeIncrement=2.0, Plane=plane)
    movie = open_movie(path)
    np.testing.assert_allclose(movie.time, [0, 2, 4, 6, 8.5])
    np.testing.assert_array_equal(movie, STACK[[2, 3, 4, 0, 1]])
    assert movie.chunks == ((1,) * 5, (6,), (7,))
    assert "5 of 5 frames lie out of order" in movie.attrs["notes"][0]
    np.testing.assert_array_equal(open_movie(path, frame_time_s=1.0), STACK)  # the user's clock has no stamps


def test_unknown_scales_stay_unknown(tmp_path):
    movie = open_movie(write_ome(tmp_path / "a.ome.tif"))
    calibration = calibration_of(movie)
    assert calibration.pixel_size_nm is calibration.frame_time_s is None
    assert "pixel_size_nm" not in movie.attrs
    assert (movie.time.units, movie.x.units) == ("frame", "px")
    assert len(calibration.warnings) == 2


def test_the_users_scale_wins_and_says_what_the_file_had(tmp_path):
    path = write_ome(
        tmp_path / "a.ome.tif", PhysicalSizeX=0.5, PhysicalSizeXUnit="nm", PhysicalSizeY=0.5, PhysicalSizeYUnit="nm"
    )
    movie = open_movie(path, pixel_size_nm=2.0, frame_time_s=0.1)
    assert movie.attrs["pixel_size_source"] == "user (file said 0.5 nm)"
    assert movie.attrs["frame_time_source"] == "user"
    assert float(movie.x[1]) == 2.0
    assert float(movie.time[1]) == pytest.approx(0.1)
    with pytest.raises(CalibrationError):
        open_movie(path, pixel_size_nm=0.0)


@pytest.mark.parametrize("unit", ["1/nm", "px", "mrad"])
def test_a_scale_that_is_no_length_is_unknown_and_says_so(tmp_path, unit):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, imagej=True, resolution=(4.0, 4.0), metadata={"unit": unit, "axes": "TYX"})
    movie = open_movie(path)
    assert "pixel_size_nm" not in movie.attrs
    assert movie.attrs["pixel_size_source"].startswith("unknown")
    assert unit in movie.attrs["pixel_size_source"]


@pytest.mark.parametrize("unit", ["micron", "um", "\\u00B5m"])
def test_imagej_stack(tmp_path, unit):
    path = tmp_path / "a.tif"
    metadata = {"unit": unit, "finterval": 0.2, "axes": "TYX", "fps": 99}
    tifffile.imwrite(path, STACK, imagej=True, resolution=(500.0, 500.0), metadata=metadata)
    movie = open_movie(path)
    np.testing.assert_array_equal(movie, STACK)
    assert movie.attrs["pixel_size_nm"] == pytest.approx(2.0)
    assert movie.attrs["frame_time_s"] == pytest.approx(0.2)


def test_printer_resolution_is_no_pixel_size(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, resolution=(72, 72), resolutionunit="INCH", photometric="minisblack")
    assert open_movie(tmp_path / "a.tif").attrs["pixel_size_source"] == "unknown"


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">u2", "int32", "float32", "float64"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_tiff_pixels_come_back_as_recorded(tmp_path, dtype, compression):
    stack = (STACK % 250).astype(dtype)
    byteorder = ">" if dtype.startswith(">") else "<"
    tifffile.imwrite(tmp_path / "a.tif", stack, compression=compression, byteorder=byteorder, photometric="minisblack")
    movie = open_movie(tmp_path / "a.tif")
    assert movie.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(movie, stack)


def test_hyperstacks_and_channels_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((4, 2, 8, 8), "u1"), metadata={"axes": "TCYX"})
    with pytest.raises(MovieError, match="axes TCYX"):
        open_movie(tmp_path / "a.ome.tif")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_equal_channels_become_one_and_colour_becomes_luminance(tmp_path, suffix):
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    colour = np.stack([grey, grey + 100, grey + 50], -1)
    for name, image in {"equal": np.stack([grey] * 3, -1), "colour": colour}.items():
        save_picture(tmp_path / f"{name}{suffix}", image)
    equal, mixed = open_movie(tmp_path / f"equal{suffix}"), open_movie(tmp_path / f"colour{suffix}")
    np.testing.assert_array_equal(equal[0], grey)
    np.testing.assert_array_equal(mixed[0], np.rint(colour @ [0.299, 0.587, 0.114]).astype(np.uint8))
    assert equal.dtype == mixed.dtype == np.uint8
    assert "luminance" in mixed.attrs["conversion"]


def save_picture(path, image):
    match path.suffix:
        case ".npy":
            np.save(path, image)
        case ".tif":
            tifffile.imwrite(path, image)
        case _:
            Image.fromarray(image).save(path)


def test_16_bit_colour_png_keeps_its_16_bits(tmp_path):
    from imagecodecs import png_encode

    image = np.full((4, 5, 3), 40_001, np.uint16)
    (tmp_path / "a.png").write_bytes(png_encode(image))
    movie = open_movie(tmp_path / "a.png")
    assert movie.dtype == np.uint16
    assert (movie == 40_001).all()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".jpg"])
def test_one_image_is_a_movie_of_one_frame(tmp_path, suffix):
    save_picture(tmp_path / f"a{suffix}", np.full((4, 5), 7, np.uint8))
    movie = open_movie(tmp_path / f"a{suffix}")
    assert movie.shape == (1, 4, 5)
    assert (movie == 7).all()


def test_folder_in_natural_order_whatever_else_lies_in_it(tmp_path):
    for i in (10, 9, 1):
        Image.fromarray(np.full((4, 5), i, np.uint8)).save(tmp_path / f"frame_{i}.png")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "._frame_1.png").write_text("left by a Mac")
    movie = open_movie(tmp_path)
    assert movie[:, 0, 0].values.tolist() == [1, 9, 10]


def test_folder_takes_its_pixel_size_from_its_files(tmp_path):
    for i in range(2):
        tifffile.imwrite(
            tmp_path / f"{i}.tif", STACK[i], imagej=True, resolution=(2.0, 2.0), metadata={"unit": "nm", "axes": "YX"}
        )
    assert open_movie(tmp_path).attrs["pixel_size_nm"] == 0.5


def test_folder_names_the_frame_that_is_odd(tmp_path):
    for i, width in enumerate((5, 5, 6)):
        Image.fromarray(np.zeros((4, width), np.uint8)).save(tmp_path / f"frame_{i}.png")
    with pytest.raises(MovieError, match=r"frame_2\.png has 4 x 6"):
        open_movie(tmp_path)


def test_folders_without_images_or_of_two_formats_are_refused(tmp_path):
    with pytest.raises(MovieError, match="holds no image"):
        open_movie(tmp_path)
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", np.zeros((4, 5)))
    with pytest.raises(MovieError, match="several formats"):
        open_movie(tmp_path)


@pytest.mark.parametrize(
    ("voxel", "expected"), [(2.5, 0.25), (0.0, None), (1.0, None)], ids=["2.5 A", "unset", "1 A default"]
)
def test_mrc(tmp_path, voxel, expected):
    import mrcfile

    with mrcfile.new(tmp_path / "a.mrc") as mrc:
        mrc.set_data(STACK.astype(np.int16))
        mrc.voxel_size = voxel
    movie = open_movie(tmp_path / "a.mrc")
    np.testing.assert_array_equal(movie, STACK)
    assert movie.dtype == np.int16
    assert movie.attrs.get("pixel_size_nm") == expected
    assert movie.time.units == "frame"
    assert expected or "states" in movie.attrs["pixel_size_source"]


def test_npy_is_mapped_and_pickles_are_never_loaded(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(STACK))
    np.testing.assert_array_equal(open_movie(tmp_path / "a.npy"), STACK)
    np.save(tmp_path / "evil.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(MovieError, match=r"evil\.npy"):
        open_movie(tmp_path / "evil.npy")


@pytest.mark.parametrize("dtype", ["complex64", "U3", "M8[s]"])
def test_pixels_that_are_no_real_numbers_are_refused(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 4), dtype))
    with pytest.raises(MovieError):
        open_movie(tmp_path / "a.npy")


def test_boolean_pixels_become_0_and_1(tmp_path):
    np.save(tmp_path / "a.npy", STACK > 100)
    movie = open_movie(tmp_path / "a.npy")
    assert movie.dtype == np.uint8
    assert "boolean" in movie.attrs["conversion"]
    np.testing.assert_array_equal(movie, STACK > 100)


def test_nan_stays_and_a_blanked_frame_is_told(tmp_path):
    stack = STACK.astype(np.float32)
    stack[1] = np.nan
    stack[2, 0, 0] = np.nan
    stack[3] = 7
    np.save(tmp_path / "a.npy", stack)
    movie = open_movie(tmp_path / "a.npy")
    np.testing.assert_array_equal(movie, stack)
    assert [is_blanked(frame.values) for frame in movie] == [False, True, False, True, False]
    assert is_blanked(np.zeros((4, 4), np.uint16))


def write_video(path, frames, codec, rate=10, pix_fmt="gray"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pix_fmt
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray").reformat(format=pix_fmt)))
        container.mux(stream.encode())
    return path


FRAMES = np.stack([np.full((32, 48), 20 * i, np.uint8) for i in range(12)])


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.avi", "ffv1", "gray"),
        ("a.mp4", "mpeg4", "yuv420p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.mkv", "ffv1", "gray"),
    ],
)
def test_video_frames_in_any_order_on_the_playback_clock(tmp_path, name, codec, pix_fmt):
    movie = open_movie(write_video(tmp_path / name, FRAMES, codec, pix_fmt=pix_fmt))
    assert movie.shape == FRAMES.shape
    for i in (0, 5, 3, 4, 11, 0):
        np.testing.assert_allclose(movie[i].values.astype(int), FRAMES[i], atol=3)
    np.testing.assert_allclose(movie.time, np.arange(12) / 10, atol=2e-3)
    assert "playback" in movie.attrs["frame_time_source"]
    assert movie.attrs["pixel_size_source"] == "unknown"


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"), [("a.avi", "ffv1", "gray"), ("a.mkv", "ffv1", "gray"), ("a.avi", "mpeg4", "yuv420p")]
)
@pytest.mark.parametrize("share", [0.6, 0.8, 0.97])
def test_a_video_cut_short_gives_the_frames_that_are_whole_and_says_so(tmp_path, name, codec, pix_fmt, share):
    noise = np.random.default_rng(0).integers(0, 255, (30, 32, 48)).astype(np.uint8)
    whole = open_movie(write_video(tmp_path / name, noise, codec, pix_fmt=pix_fmt)).values
    content = (tmp_path / name).read_bytes()
    (tmp_path / f"cut-{name}").write_bytes(content[: int(len(content) * share)])
    movie = open_movie(tmp_path / f"cut-{name}")
    np.testing.assert_array_equal(movie, whole[: len(movie)])
    assert len(movie) == 30 or "of 30 frames are left" in movie.attrs["notes"][0]


def test_zarr_array_and_ome_zarr(tmp_path):
    zarr.save_array(str(tmp_path / "plain.zarr"), STACK)
    np.testing.assert_array_equal(open_movie(tmp_path / "plain.zarr"), STACK)

    group = zarr.open_group(str(tmp_path / "ome.zarr"), mode="w", zarr_format=2)
    group.create_array("full", data=STACK[:, None], chunks=(2, 1, 6, 7))
    axes = [
        Axis(name="t", type="time", unit="millisecond"),
        Axis(name="c", type="channel"),
        Axis(name="y", type="space", unit="micrometer"),
        Axis(name="x", type="space", unit="micrometer"),
    ]
    dataset = Dataset.build(path="full", scale=[500.0, 1.0, 0.002, 0.002], translation=None)
    multiscale = Multiscale(axes=axes, datasets=(dataset,), version="0.4")
    group.attrs["multiscales"] = [multiscale.model_dump(mode="json", exclude_none=True)]
    movie = open_movie(tmp_path / "ome.zarr")
    np.testing.assert_array_equal(movie, STACK)
    assert movie.attrs["pixel_size_nm"] == pytest.approx(2.0)
    assert movie.attrs["frame_time_s"] == pytest.approx(0.5)


def test_zarr_with_several_arrays_says_which(tmp_path):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    for name in ("first", "second"):
        group.create_array(name, data=STACK)
    with pytest.raises(MovieError, match="first, second"):
        open_movie(tmp_path / "a.zarr")
    np.testing.assert_array_equal(open_movie(tmp_path / "a.zarr" / "first"), STACK)


@pytest.mark.parametrize("suffix", [".dm4", ".emd", ".hspy", ".ser"])
def test_a_missing_extra_is_named(tmp_path, monkeypatch, suffix):
    import sys

    for module in ("rsciio.digitalmicrograph", "rsciio.emd", "rsciio.hspy", "rsciio.tia"):
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / f"a{suffix}").write_bytes(b"x")
    with pytest.raises(MissingExtraError, match=r'pip install "ionfront\[formats\]"'):
        open_movie(tmp_path / f"a{suffix}")


def test_hyperspy_files(tmp_path):
    reader = pytest.importorskip("rsciio.hspy", reason="the extra `formats` is not installed")
    axes = [
        {"name": "time", "units": "ms", "scale": 40.0, "size": 5, "navigate": True},
        {"name": "y", "units": "Å", "scale": 2.0, "size": 6, "navigate": False},
        {"name": "x", "units": "Å", "scale": 2.0, "size": 7, "navigate": False},
    ]
    for i, axis in enumerate(axes):
        axis |= {"offset": 0.0, "index_in_array": i, "_type": "UniformDataAxis"}
    signal = {
        "data": STACK,
        "axes": axes,
        "metadata": {"General": {"title": "t"}, "Signal": {"signal_type": ""}, "_HyperSpy": {}},
        "original_metadata": {},
        "learning_results": {},
        "attributes": {"_lazy": False, "ragged": False},
        "package_info": {"package": "", "package_version": ""},
        "models": None,
        "tmp_parameters": {},
    }
    reader.file_writer(str(tmp_path / "a.hspy"), signal)
    copy_hdf5_to_zarr(tmp_path / "a.hspy", tmp_path / "a.zspy")
    for name in ("a.hspy", "a.zspy"):
        movie = open_movie(tmp_path / name)
        np.testing.assert_array_equal(movie, STACK)
        assert movie.attrs["pixel_size_nm"] == pytest.approx(0.2)
        assert movie.attrs["frame_time_s"] == pytest.approx(0.04)


def copy_hdf5_to_zarr(source, target):
    """ZSPY is the tree of HSPY in Zarr; rosettasciio's own writer needs Zarr 2."""
    import h5py

    root = zarr.open_group(str(target), mode="w", zarr_format=2)

    def copy(name, node):
        attrs = {key: value.tolist() if hasattr(value, "tolist") else value for key, value in node.attrs.items()}
        is_array = isinstance(node, h5py.Dataset)
        place = root.create_array(name, data=node[()]) if is_array else root.require_group(name)
        place.attrs.update(attrs)

    with h5py.File(source) as file:
        root.attrs.update({key: str(value) for key, value in file.attrs.items()})
        file.visititems(copy)


def test_frames_are_read_one_by_one_and_only_when_asked(tmp_path, monkeypatch):
    from ionfront.datasets.readers import npy

    asked = []
    read = npy._read_frame
    monkeypatch.setattr(npy, "_read_frame", lambda path, index: asked.append(index) or read(path, index))
    np.save(tmp_path / "a.npy", STACK)
    movie = open_movie(tmp_path / "a.npy")
    assert asked == []
    movie[3].compute()
    assert asked == [3]


@pytest.mark.parametrize("name", ["a.ome.tif", "a.npy", "a.avi", "a.zarr"])
def test_an_open_movie_travels_to_another_process(tmp_path, name):
    path = tmp_path / name
    match name:
        case "a.npy":
            np.save(path, STACK)
        case "a.avi":
            write_video(path, FRAMES, "ffv1")
        case "a.zarr":
            zarr.save_array(str(path), STACK)
        case _:
            tifffile.imwrite(path, STACK, compression="zlib", photometric="minisblack")
    movie = open_movie(path)
    before = movie.compute()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(movie)).compute(), before)
