"""One table of all kinetics, with units, that pandas and DuckDB read."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ionfront.analysis.archive import (
    COLUMNS,
    Archive,
    OneByOne,
    Settings,
    batch,
    read_table,
    rows_alike,
    runs_of,
    write_table,
)
from ionfront.core import UsageError


@pytest.fixture(scope="module")
def table(tmp_path_factory, grey, grey_onnx):
    """Of a movie, one that stands still, one without a calibration and one that is none."""
    folder = tmp_path_factory.mktemp("lab")
    np.save(folder / "first.npy", grey)
    np.save(folder / "still.npy", np.repeat(grey[:1], 12, axis=0))
    np.save(folder / "bare.npy", grey)
    (folder / "poisoned.tif").write_bytes(b"II*\0no directory follows")
    lines = ["source,host,ion,temperature_k,operator", "first.npy,NiO,Li,300,Ann", "still.npy,,,,", "poisoned.tif,,,,"]
    (folder / "runs.csv").write_text("\n".join(lines))
    runs = runs_of([str(folder / "runs.csv")], {"pixel_size_nm": 0.5, "frame_time_s": 2.0})
    archive = Archive(folder / "archive")
    model = archive.keep_model(grey_onnx)
    batch(archive, [*runs, *runs_of([str(folder / "bare.npy")])], model, Settings(model.stem), OneByOne())
    path = write_table(archive)
    archive.close()
    return path


def row_of(frame, name):
    return frame[frame["source"].str.endswith(name)].iloc[0]


def test_pandas_reads_what_was_measured(table):
    frame = pd.read_parquet(table)
    assert len(frame) == 4
    row = row_of(frame, "first.npy")
    kinetics = json.loads((table.parent / row["results"] / "kinetics.json").read_text())
    transition = kinetics["particles"][0]["cycles"][0]["transitions"][0]
    velocity = [row[f"velocity_nm_s{end}"] for end in ("", "_low", "_high")]
    assert velocity == list(transition["velocity_nm_s"].values())
    assert (row["before"], row["after"], row["law"]) == ("pristine", "converted", "linear")
    assert (row["host"], row["ion"], row["temperature_k"], row["about"]) == ("NiO", "Li", 300.0, '{"operator": "Ann"}')
    assert row["probability_linear"] == transition["law_probabilities"]["linear"]


def test_runs_that_cannot_be_measured_and_still_ones_have_a_row(table):
    frame = pd.read_parquet(table)
    assert "holds no image" in row_of(frame, "poisoned.tif")["error"]
    still = row_of(frame, "still.npy")
    assert still["error"] == ""
    assert pd.isna(still["particle"])


def test_movies_without_a_calibration_have_columns_of_their_own(table):
    row = row_of(pd.read_parquet(table), "bare.npy")
    assert row["velocity_px_frame"] > 0
    assert pd.isna(row["velocity_nm_s"])


def test_every_column_says_what_it_means_and_in_which_unit(table):
    schema = pq.read_schema(table)
    assert [field.name for field in schema] == [column.name for column in COLUMNS]
    assert schema.field("velocity_nm_s_low").metadata[b"unit"] == b"nm/s"
    assert schema.field("curvature_per_nm").metadata[b"unit"] == b"1/nm"
    for field in schema:
        assert field.metadata[b"description"]
        numeric = str(field.type) not in ("string", "bool")
        assert bool(field.metadata[b"unit"]) == numeric


def test_duckdb_reads_it(table):
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT max(velocity_nm_s) FROM '{table}' WHERE host = 'NiO'").fetchone()
    assert found[0] == pd.read_parquet(table)["velocity_nm_s"].max()


def test_tables_are_alike_but_for_time_stamps(table, tmp_path):
    archive = Archive(shutil.copytree(table.parent, tmp_path / "copy"))
    one = read_table(archive.folder)
    for place in (archive.folder / "results").glob("*/*/run.json"):
        place.write_text(json.dumps(json.loads(place.read_text()) | {"seconds": 1e6, "ended_s": 0.0}))
    other = read_table(write_table(archive))
    archive.close()
    assert not one.equals(other)
    assert rows_alike(one, other)
    assert not rows_alike(one, other.slice(1))


def test_a_table_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(UsageError, match="no table"):
        read_table(tmp_path)


def test_the_guide_reads_it_so(table, tmp_path, monkeypatch, capsys):
    text = (Path(__file__).parents[3] / "docs" / "archives.md").read_text(encoding="utf-8")
    (tmp_path / "lab").symlink_to(table.parent)
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", text, re.S)[0], {})
    said = capsys.readouterr().out
    assert "NiO" in said
    assert said.rstrip().endswith("nm/s")
