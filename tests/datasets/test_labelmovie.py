import numpy as np
import ome_zarr_models
import pytest
import tifffile
import zarr
from PIL import Image

from ionfront.core import (
    DEFAULT_SCHEME,
    Calibration,
    LabelledDataError,
    MovieError,
    OutputExistsError,
    PhaseScheme,
    UsageError,
)
from ionfront.datasets import calibration_of, ome, open_labels, open_movie, scheme_of, write_label_zarr

LABELS = np.random.default_rng(1).integers(0, 3, (4, 30, 20)).astype(np.uint8)
SCHEME = PhaseScheme(("background", "host", "product"), ("host", "product"))
KNOWN = Calibration(0.37, 0.1, "file: DM tags", "user")


def write(path, calibration=KNOWN, time_s=None, labels=LABELS, **kwargs):
    with write_label_zarr(path, labels.shape, SCHEME, calibration, time_s, **kwargs) as writer:
        for frame in labels:
            writer.append(frame)
    return path


def test_labels_come_back_with_phases_and_calibration(tmp_path):
    path = write(tmp_path / "labels.zarr")
    labels, movie = open_labels(path), open_movie(path)
    np.testing.assert_array_equal(labels, LABELS)
    assert labels.dtype == np.uint8
    assert labels.chunks[0] == (1, 1, 1, 1)
    assert labels.attrs["phases"] == {0: "background", 1: "host", 2: "product"}
    assert labels.attrs["phases_source"] == "file"
    assert scheme_of(labels) == SCHEME
    for array in (labels, movie):
        calibration = calibration_of(array)
        assert (calibration.pixel_size_nm, calibration.frame_time_s) == (0.37, 0.1)
        assert calibration.pixel_size_source == "file: OME-Zarr (file: DM tags)"
        np.testing.assert_array_equal(array.time, np.arange(4) * 0.1)


def test_the_store_is_valid_ome_zarr(tmp_path):
    path = write(tmp_path / "labels.zarr")
    image = ome_zarr_models.open_ome_zarr(zarr.open_group(str(path), mode="r"))
    (multiscale,) = image.ome_attributes.multiscales
    assert [(axis.name, axis.type, axis.unit) for axis in multiscale.axes] == [
        ("t", "time", "second"),
        ("y", "space", "nanometer"),
        ("x", "space", "nanometer"),
    ]
    array = zarr.open_group(str(path), mode="r")["0"]
    assert array.chunks == (1, 30, 20)


def test_large_frames_lie_in_tiles(tmp_path):
    path = write(tmp_path / "a.zarr", labels=np.zeros((1, 1500, 30), np.uint8))
    assert zarr.open_group(str(path), mode="r")["0"].chunks == (1, 1024, 30)


@pytest.mark.parametrize("stamps", [[0.0, 0.1, 0.2, 5.0], [3.0, 3.1, 3.2, 3.3]], ids=["uneven", "late"])
def test_real_time_stamps_are_kept(tmp_path, stamps):
    movie = open_movie(write(tmp_path / "a.zarr", time_s=stamps))
    np.testing.assert_array_equal(movie.time, stamps)
    assert movie.attrs["frame_time_s"] == pytest.approx(0.1)


def test_unknown_scales_are_read_as_unknown(tmp_path):
    path = write(tmp_path / "a.zarr", Calibration())
    calibration = calibration_of(open_movie(path))
    assert calibration.pixel_size_nm is calibration.frame_time_s is None
    ome_zarr_models.open_ome_zarr(zarr.open_group(str(path), mode="r"))


def test_a_run_that_breaks_off_leaves_nothing(tmp_path):
    def break_off():
        with write_label_zarr(tmp_path / "a.zarr", LABELS.shape, SCHEME, KNOWN) as writer:
            writer.append(LABELS[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    with (
        pytest.raises(UsageError, match="1 of 4"),
        write_label_zarr(tmp_path / "a.zarr", LABELS.shape, SCHEME, KNOWN) as writer,
    ):
        writer.append(LABELS[0])
    assert list(tmp_path.iterdir()) == []


def test_a_finished_movie_is_not_overwritten_unasked(tmp_path):
    path = write(tmp_path / "a.zarr")
    with pytest.raises(OutputExistsError):
        write(path)
    np.testing.assert_array_equal(open_labels(write(path, labels=LABELS[::-1], overwrite=True)), LABELS[::-1])


@pytest.mark.parametrize(
    "frame", [np.zeros((30, 21), int), np.full((30, 20), 3), np.full((30, 20), -1), np.zeros((30, 20))]
)
def test_frames_that_do_not_fit_are_refused(tmp_path, frame):
    with (
        pytest.raises(LabelledDataError, match="label frame 0"),
        write_label_zarr(tmp_path / "a.zarr", LABELS.shape, SCHEME, KNOWN) as writer,
    ):
        writer.append(frame)


def test_pixels_that_nobody_judged(tmp_path):
    labels = LABELS.copy()
    labels[0, 0, 0] = 255
    opened = open_labels(write(tmp_path / "a.zarr", labels=labels, ignore_label=255))
    np.testing.assert_array_equal(opened, labels)
    assert opened.attrs["ignore_label"] == 255


def test_times_must_fit_the_frames(tmp_path):
    for times in ([0.0, 1.0], [0.0, 2.0, 1.0, 3.0]):
        with pytest.raises(UsageError, match="increasing"):
            write(tmp_path / "a.zarr", time_s=times)


@pytest.mark.parametrize("kind", ["uint8 tif", "int32 tif", "float npy", "png", "palette png"])
def test_label_movies_of_other_tools(tmp_path, kind):
    path = tmp_path / ("a.tif" if "tif" in kind else "a.npy" if "npy" in kind else "frames")
    match kind:
        case "float npy":
            np.save(path, LABELS.astype(float))
        case "png" | "palette png":
            path.mkdir()
            for i, frame in enumerate(LABELS):
                picture = Image.fromarray(frame)
                if kind == "palette png":
                    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
                picture.save(path / f"{i}.png")
        case _:
            tifffile.imwrite(path, LABELS.astype(kind.split()[0]), photometric="minisblack")
    labels = open_labels(path, scheme=SCHEME, pixel_size_nm=2.0, frame_time_s=0.5)
    np.testing.assert_array_equal(labels, LABELS)
    assert labels.dtype == np.uint8
    assert scheme_of(labels) == SCHEME
    assert labels.attrs["phases_source"] == "user"
    assert calibration_of(labels).pixel_size_nm == 2.0
    assert scheme_of(open_labels(path)) == DEFAULT_SCHEME
    assert open_labels(path).attrs["phases_source"] == "default"


def test_what_is_no_label_image_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", LABELS + 0.5)
    with pytest.raises(LabelledDataError, match=r"a\.npy holds values"):
        open_labels(tmp_path / "a.npy").compute()
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(LabelledDataError, match="colours"):
        open_labels(tmp_path / "a.png")
    with pytest.raises(LabelledDataError, match="lossy"):
        open_labels(tmp_path / "a.mp4")


@pytest.fixture
def small_shards(monkeypatch):
    """Two frames of `write` in a file."""
    monkeypatch.setattr(ome, "_SHARD", 2 * 30 * 20)


def test_frames_share_files_and_come_back_as_they_went(tmp_path, small_shards):
    labels = np.random.default_rng(0).integers(0, 3, (5, 30, 20), np.uint8)
    path = write(tmp_path / "a.zarr", labels=labels)
    files = [file for file in (path / "0" / "c").rglob("*") if file.is_file()]
    assert len(files) == 3
    np.testing.assert_array_equal(open_labels(path), labels)


def test_a_movie_of_many_frames_is_few_files(tmp_path):
    path = write(tmp_path / "a.zarr", labels=np.zeros((200, 30, 20), np.uint8))
    assert len([file for file in path.rglob("*") if file.is_file()]) < 5


def test_a_lost_file_is_not_taken_for_background(tmp_path, small_shards):
    path = write(tmp_path / "a.zarr", labels=np.ones((5, 30, 20), np.uint8))
    (path / "0" / "c" / "1" / "0" / "0").unlink()
    with pytest.raises(MovieError, match="1 of its 3 files"):
        open_labels(path).compute()
