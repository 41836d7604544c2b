"""Speeds, laws, outliers and failures of a table whose answers are known; SQL; the overview."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ionfront.analysis.archive import COLUMNS, QUESTIONS, answer, sql, write_overview
from ionfront.analysis.archive.questions import fronts_of
from ionfront.cli.app import app
from ionfront.core import UsageError

TRUE_NM_S, SPREAD, ERROR = 20.0, 0.3, 0.1


def front(key, velocity_nm_s, **more):
    row = {
        "source": f"/lab/{key}.dm4",
        "key": key,
        "content": f"content of {key}",
        "results": f"results/{key[:2]}/{key}",
        "error": "",
        "warnings": "",
        "host": "NiO",
        "ion": "Li",
        "particle": 1,
        "half_cycle": 1,
        "direction": "insertion",
        "before": "pristine",
        "after": "converted",
        "area_nm2": 1e4,
        "law": "linear",
        "probability_linear": 1.0,
        "velocity_nm_s": velocity_nm_s,
        "velocity_nm_s_low": velocity_nm_s * np.exp(-1.96 * ERROR),
        "velocity_nm_s_high": velocity_nm_s * np.exp(1.96 * ERROR),
    }
    return row | more


@pytest.fixture
def rows():
    """Twenty movies whose particles differ, one that went wrong, one under two names, one that cannot be read."""
    rng = np.random.default_rng(3)
    speeds = TRUE_NM_S * np.exp(rng.normal(0, SPREAD, 20) + rng.normal(0, ERROR, 20))
    areas = np.geomspace(1e3, 1e6, 20)
    laws = [{"probability_linear": 0.9, "probability_parabolic": 0.1}] * 10 + [{"probability_linear": 0.2}] * 10
    rows = [front(f"k{n}", v, area_nm2=a, **law) for n, (v, a, law) in enumerate(zip(speeds, areas, laws, strict=True))]
    rows.append(rows[3] | {"source": "/backup/k3.dm4"})
    rows.append(front("wrong", 2000.0, area_nm2=None))
    rows.append({"source": "/lab/poisoned.tif", "error": "it holds no image"})
    return rows


@pytest.fixture
def archive(rows, tmp_path):
    table = pa.Table.from_pylist(rows, schema=pa.schema([column.field for column in COLUMNS]))
    pq.write_table(table, tmp_path / "kinetics.parquet")
    return tmp_path


@pytest.fixture
def table(archive):
    return pq.read_table(archive / "kinetics.parquet").to_pandas()


def test_speeds_are_means_over_particles_with_an_interval(table):
    (row,) = answer(table[table["key"] != "wrong"], "speeds").to_dict("records")
    assert (row["host"], row["ion"], row["movies"], row["fronts"]) == ("NiO", "Li", 20, 20)
    assert row["velocity_nm_s_low"] < TRUE_NM_S < row["velocity_nm_s_high"]
    assert row["velocity_nm_s_high"] / row["velocity_nm_s_low"] < np.exp(2 * 2.1 * SPREAD / np.sqrt(20) * 1.5)
    assert row["spread_between_particles"] == pytest.approx(SPREAD, rel=0.5)


def test_a_particle_counts_once_however_often_it_was_cycled_or_measured(rows):
    cycled = [front("many", 1.0, half_cycle=number) for number in range(1, 51)]
    anew = front("k0 anew", 90.0, content="content of k0", analysed_at_s=2.0)
    table = pa.Table.from_pylist(
        [*rows[:1], anew, *cycled], schema=pa.schema([column.field for column in COLUMNS])
    ).to_pandas()
    (row,) = answer(table, "speeds").to_dict("records")
    assert (row["movies"], row["fronts"]) == (2, 2)
    assert row["velocity_nm_s"] == pytest.approx(np.sqrt(90.0), rel=0.1)


def test_laws_go_by_size(table):
    found = answer(table, "laws").set_index("size")
    assert found["fronts"].sum() == 20
    assert found.loc["small", "probability_linear"] == pytest.approx(0.9)
    assert found.loc["large", "probability_linear"] == pytest.approx(0.2)
    assert found.loc["small", "diameter_nm_from"] == pytest.approx(2 * np.sqrt(1e3 / np.pi))


def test_an_outlier_is_far_from_the_others_by_what_particles_differ(table):
    (row,) = answer(table, "outliers").to_dict("records")
    assert row["source"] == "/lab/wrong.dm4"
    assert row["deviations"] > 3
    assert row["others_nm_s"] == pytest.approx(TRUE_NM_S, rel=0.2)


def test_few_fronts_have_no_outliers(table):
    assert answer(table[table["key"].isin(["k0", "wrong"])], "outliers").empty


def test_failures_say_why(table):
    assert answer(table, "failures").to_dict("records") == [
        {"source": "/lab/poisoned.tif", "error": "it holds no image"}
    ]


def test_an_empty_table_has_answers_too(table):
    for question in QUESTIONS:
        assert answer(table[:0], question).empty


def test_anything_else_is_sql(archive):
    found = sql(archive, "SELECT ion, count(DISTINCT key) AS movies FROM kinetics WHERE host = 'NiO' GROUP BY ion")
    assert found.to_dict("records") == [{"ion": "Li", "movies": 21}]
    with pytest.raises(UsageError, match="no answer"):
        sql(archive, "SELECT colour FROM kinetics")


def test_the_command_answers_in_words_json_and_csv(archive, tmp_path):
    said = CliRunner().invoke(app, ["query", str(archive), "speeds", "--out", str(tmp_path / "speeds.csv")])
    assert "velocity_nm_s" in said.stdout
    assert pd.read_csv(tmp_path / "speeds.csv")["fronts"].tolist() == [21]
    told = CliRunner().invoke(app, ["query", str(archive), "failures", "--json"])
    assert "it holds no image" in told.stdout
    for wrong in ([], ["speeds", "--sql", "SELECT 1"], ["colours"]):
        result = CliRunner().invoke(app, ["query", str(archive), *wrong])
        assert isinstance(result.exception, UsageError)


def test_the_overview_links_every_report_and_says_what_failed(archive):
    page = write_overview(archive).read_text()
    assert len(re.findall(r'href="results/[^"]*/report.html"', page)) == 22 + 1  # runs, and the outlier once more
    assert "it holds no image" in page
    assert "21 different movies measured" in page
    assert page.count("data:image/svg+xml") >= 3
    assert "http://" not in re.sub(r"data:image/svg\+xml;base64,[^\"]*", "", page)


def test_a_content_counts_as_it_was_measured_last_under_whatever_name(rows, archive):
    old, new = {"key": "old", "analysed_at_s": 1.0}, {"key": "new", "analysed_at_s": 2.0, "source": "/moved/k0.dm4"}
    before = [rows[0] | old, rows[0] | old | {"particle": 2, "velocity_nm_s": 999.0}]
    table = pd.DataFrame([*before, rows[0] | new]).reindex(columns=[column.field.name for column in COLUMNS])
    assert list(fronts_of(table)["key"]) == ["new"]
