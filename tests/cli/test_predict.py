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
