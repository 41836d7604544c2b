"""Which movies a source stands for."""

import numpy as np
import pytest
from imagecodecs import png_encode

from ionfront.analysis.archive import Run, runs_of
from ionfront.core import UsageError


@pytest.fixture
def tree(movies, label_zarr, tmp_path):
    """Movies of several layouts, and results that are none."""
    deep = movies / "2026" / "grid 4"
    deep.mkdir(parents=True)
    np.save(deep / "third.npy", np.zeros((3, 8, 8)))
    frames = movies / "frames"
    frames.mkdir()
    for number in range(3):
        (frames / f"{number}.png").write_bytes(png_encode(np.zeros((8, 8), np.uint8)))
    single = movies / "single"
    single.mkdir()
    for number in range(3):
        np.save(single / f"{number}.npy", np.zeros((8, 8)))
    results = movies / "first-ionfront"
    results.mkdir()
    (results / "kinetics.json").write_text("{}")
    np.save(results / "arrival.npy", np.zeros((3, 8, 8)))
    (movies / "notes.txt").write_text("grid 4 was bad")
    return movies


def names(runs, root):
    return [run.source.removeprefix(f"{root}/") for run in runs]


def test_a_folder_is_looked_through_for_movies(tree):
    found = names(runs_of([str(tree)]), tree)
    assert sorted(found) == [
        "2026/grid 4/third.npy",
        "first.npy",
        "frames",
        "poisoned.tif",
        "second.npy",
        "single",
        "the same.npy",
    ]


def test_stores_that_are_folders_are_movies(label_zarr):
    assert [run.source for run in runs_of([str(label_zarr.parent)])] == [str(label_zarr)]


def test_a_pattern_names_movies_and_each_counts_once(tree):
    found = runs_of([f"{tree}/*.npy", f"{tree}/**/*.npy", str(tree / "first.npy")])
    assert len(found) == len({run.source for run in found}) == 8


def test_a_table_says_what_is_known_of_runs(tree, tmp_path):
    table = tree / "runs.csv"
    table.write_text(
        "source, host, ion, pixel_size_nm, operator\n"
        "first.npy, NiO, Li, 0.25, Ann\n"
        "s3://lab/second.dm4, , , ,\n"
        f"{tree}/frames, Bi2Te3, Na, , Ben\n"
    )
    first, second, third = runs_of([str(table)], {"pixel_size_nm": 0.5, "host": "FeS2"})
    assert first == Run(str(tree / "first.npy"), {"pixel_size_nm": 0.25, "host": "NiO", "ion": "Li", "operator": "Ann"})
    assert second == Run("s3://lab/second.dm4", {"pixel_size_nm": 0.5, "host": "FeS2"})
    assert third.name == "frames"
    assert third.number("pixel_size_nm") == 0.5
    assert third.number("bias_v") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("host\nNiO\n", "names no movie"),
        ("source,bias_v\na.npy,high\n", "a number is needed"),
        ("", "no table of runs"),
    ],
)
def test_a_table_that_is_none_is_refused_by_line(tmp_path, text, said):
    (tmp_path / "runs.csv").write_text(text)
    with pytest.raises(UsageError, match=said):
        runs_of([str(tmp_path / "runs.csv")])


def test_a_table_is_read_as_it_is_written(tmp_path):
    (tmp_path / "runs.csv").write_text("# of 2026\nSource,Host,bias_V\nrun#3.dm4,NiO,.5\nrun4.dm4,FeS2,\n")
    first, second = runs_of([str(tmp_path / "runs.csv")])
    assert first == Run(str(tmp_path / "run#3.dm4"), {"host": "NiO", "bias_v": 0.5})
    assert second == Run(str(tmp_path / "run4.dm4"), {"host": "FeS2"})


def test_a_picture_beside_movies_hides_none(movies):
    (movies / "Overview.png").write_bytes(png_encode(np.zeros((8, 8), np.uint8)))
    assert [run.name for run in runs_of([str(movies)])] == ["first.npy", "poisoned.tif", "second.npy", "the same.npy"]


def test_a_source_without_a_movie_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "gone", tmp_path / "empty", tmp_path / "*.dm4", "gopher://lab/movie.dm4"):
        with pytest.raises(UsageError, match=r"holds no movie|does not exist|no address"):
            runs_of([str(source)])


def test_the_header_beside_a_series_is_no_second_movie(tmp_path):
    for name in ("run7_1.ser", "run7_2.ser", "run7.emi", "alone.emi"):
        (tmp_path / name).write_bytes(b"-")
    assert [run.name for run in runs_of([str(tmp_path)])] == ["alone.emi", "run7_1.ser", "run7_2.ser"]
