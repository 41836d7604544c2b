"""`ionfront predict` on the command line."""

import json

import pytest
from typer.testing import CliRunner

from ionfront.cli.app import app, main
from ionfront.core import OutputExistsError, UsageError


def run(*arguments: str):
    return CliRunner().invoke(app, ["predict", *arguments])


def test_a_table_with_speeds_and_reasons():
    result = run("--host", "NiO", "--ion", "Li", "--ion", "Na")
    assert result.exit_code == 0
    for words in ("NiO", "conversion", "driving force", "learned residual", "rests on"):
        assert words in result.stdout


def test_json_for_programs(tmp_path):
    out = tmp_path / "w.svg"
    result = run("--host", "Bi2Te3", "--ion", "Na", "--json", "--out", str(out))
    first = json.loads(result.stdout)[0]
    assert first["geometry"] == "open_concave"
    assert first["velocity_nm_s"]["low"] < first["velocity_nm_s"]["value"] < first["velocity_nm_s"]["high"]
    assert out.read_text().startswith("<?xml")
    assert isinstance(run("--host", "Bi2Te3", "--ion", "Na", "--out", str(out)).exception, OutputExistsError)


def test_a_contact_that_is_known_narrows_the_interval():
    def width(*more: str) -> float:
        velocity = json.loads(run("--host", "NiO", "--ion", "Li", "--json", *more).stdout)[0]["velocity_nm_s"]
        return velocity["high"] / velocity["low"]

    assert width("--contact-ohm-m2", "0.01") < width()


@pytest.mark.parametrize(
    "wrong",
    [("--ion", "Mg"), ("--ion", "Li", "--geometry", "cube"), ("--ion", "Li", "--size-nm", "0")],
)
def test_what_cannot_be_is_refused(wrong):
    assert isinstance(run("--host", "NiO", *wrong).exception, UsageError)


def test_an_unknown_host_is_one_line_on_stderr(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["ionfront", "predict", "--host", "Kryptonite", "--ion", "Li"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert "Kryptonite" in capsys.readouterr().err


def test_screening_ranks_prints_and_writes(tmp_path):
    table, out = tmp_path / "hosts.csv", tmp_path / "ranking.csv"
    table.write_text("host,ion\nNiO,Na\nNiO,Li\n")

    def screen(*arguments: str):
        return CliRunner().invoke(app, ["screen", str(table), *arguments])

    assert "NiO + Li" in screen().stdout
    rows = json.loads(screen("--json", "--by", "time", "--out", str(out)).stdout)
    assert [row["ion"] for row in rows] == ["Li", "Na"]
    assert out.read_text().startswith("rank,host,ion,slowest_step,velocity_nm_s,velocity_nm_s_low")
    assert isinstance(screen("--out", str(out)).exception, OutputExistsError)
    assert isinstance(screen("--by", "luck").exception, UsageError)


def test_a_description_has_values_and_sources():
    result = CliRunner().invoke(app, ["describe", "NiO", "--ion", "Li"])
    assert result.exit_code == 0
    for words in ("expansion", "1.81 V", "handbooks"):
        assert words in result.stdout
    (step,) = json.loads(CliRunner().invoke(app, ["describe", "NiO", "--ion", "Li", "--json"]).stdout)
    assert step["numbers"]["expansion"]["known"]["unit"] == "1"


def test_a_slow_front_of_the_same_cell_makes_others_slower(tmp_path):
    velocity = {"value": 0.05, "low": 0.04, "high": 0.06}
    front = {"from": "pristine", "to": "converted", "velocity_nm_s": velocity, "exponent": None, "shape": "planar"}
    cycles = [{"direction": "insertion", "transitions": [front]}]
    (tmp_path / "kinetics.json").write_text(json.dumps({"material": {"host": "NiO", "ion": "Li"}, "cycles": cycles}))

    def said(*more: str):
        return json.loads(run("--host", "NiO", "--ion", "Na", "--json", *more).stdout)[0]

    alone, known = said(), said("--same-cell", str(tmp_path))
    assert known["velocity_nm_s"]["value"] < alone["velocity_nm_s"]["value"]
    assert "from fronts of the same cell" in known["contributions_log10"][3]["rests_on"]
    refused = run("--host", "NiO", "--ion", "Na", "--same-cell", str(tmp_path), "--contact-ohm-m2", "0.01")
    assert isinstance(refused.exception, UsageError)
