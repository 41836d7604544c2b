"""A movie replayed through the command, broken off and gone on with."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ionfront.acquisition import Journal, Session
from ionfront.cli.app import app
from ionfront.core import OutputExistsError, UsageError
from ionfront.models import load_segmenter

GUIDE = Path(__file__).parents[2] / "docs" / "live.md"


@pytest.fixture
def movie(grey, tmp_path):
    np.save(tmp_path / "bar.npy", grey)
    return tmp_path / "bar.npy"


@pytest.fixture
def rules(tmp_path):
    """Those of the guide, word for word."""
    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    (tmp_path / "rules.toml").write_text(text)
    return tmp_path / "rules.toml"


def live(movie, out, model, *more):
    told = ["live", str(movie), "--out", str(out), "--model", str(model), "--frame-time-s", "2", "--speed", "0"]
    result = CliRunner().invoke(app, [*told, *map(str, more)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_replay_ends_with_kinetics_and_its_decision_was_sent(movie, grey_onnx, rules, receiver, tmp_path):
    address, got = receiver
    told = ("--pixel-size-nm", 0.5, "--rules", rules, "--hook", f"beam={address}blank")
    result = live(movie, tmp_path / "out", grey_onnx, *told)
    assert "pristine" in result.stdout
    assert "decided: halfway" in result.stdout
    assert [made["rule"] for made in got] == ["halfway"]
    kinetics = json.loads((tmp_path / "out" / "kinetics.json").read_text())
    assert kinetics["cycles"][0]["transitions"][0]["law"] == "linear"
    with pytest.raises(OutputExistsError, match="resume"):
        live(movie, tmp_path / "out", grey_onnx)


def test_what_was_broken_off_is_gone_on_with(movie, grey, grey_onnx, tmp_path):
    live(movie, tmp_path / "whole", grey_onnx)
    journal = Journal.begin(tmp_path / "broken", json.loads((tmp_path / "whole" / "settings.json").read_text()))
    session = Session(journal, load_segmenter(grey_onnx))
    for number in range(9):
        session.push(number, grey[number], 2.0 * number)
    session.live.close()
    live(movie, tmp_path / "broken", grey_onnx, "--resume")
    assert (tmp_path / "broken" / "kinetics.json").read_text() == (tmp_path / "whole" / "kinetics.json").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--hook", "beam"), "NAME=URL"),
        (("--rules", "RULES"), "there are: none"),
        (("--rules", "BROKEN"), "holds no rules"),
        (("--host", "NiO"), "name both"),
        (("--average-frames", "2"), "odd"),
    ],
)
def test_what_makes_no_sense_is_said_before_a_frame_is_looked_at(movie, grey_onnx, rules, tmp_path, more, said):
    (tmp_path / "broken.toml").write_text("rules = 3")
    places = {"RULES": rules, "BROKEN": tmp_path / "broken.toml"}
    with pytest.raises(UsageError, match=said):
        live(movie, tmp_path / "out", grey_onnx, *(places.get(word, word) for word in more))
