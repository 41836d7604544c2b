"""The command line: one call into a room below, units in every help, an error in one line."""

import json
import re
import sys

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import ionfront.cli.app as cli
from ionfront.cli import main
from ionfront.datasets import read_labelled

ROOT = typer.main.get_command(cli.app)


def commands(command=ROOT, path=()):
    """Every command that does something, as the words that call it."""
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from commands(child, (*path, name))


COMMANDS = dict(commands())


def run(monkeypatch, capfd, *arguments):
    """Exit code, stdout and stderr of `ionfront ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["ionfront", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit_:
        main()
    out, err = capfd.readouterr()
    return exit_.value.code or 0, out, err


@pytest.fixture
def bar(tmp_path):
    """A label movie: a bar that a flat front crosses at 2 px a frame."""
    time, y, x = np.mgrid[:20, :48, :72]
    inside = (abs(y - 24) < 10) & (x >= 8) & (x < 64)
    path = tmp_path / "bar.npy"
    np.save(path, inside.astype(np.uint8) + (inside & (x - 8 < 2 * (time - 3))))
    return path


NAMES = ("--phases", "void,host,product", "--order", "host,product")


def test_synth_then_fronts(monkeypatch, capfd, tmp_path):
    code, out, _ = run(
        monkeypatch, capfd, "synth", tmp_path / "movies", "--size", 96, "--frames", 20, "--seed", 5,
        "--shape", "wire", "--law", "linear", "--fronts", 1,
    )  # fmt: skip
    assert code == 0
    movie = tmp_path / "movies" / "movie_00005"
    assert out.strip() == str(movie / "movie.ome.tif")
    code, out, _ = run(monkeypatch, capfd, "fronts", movie / "labels.zarr", "--out", tmp_path / "out", "--json")
    assert code == 0
    kinetics = json.loads(out)
    assert kinetics == json.loads((tmp_path / "out" / "kinetics.json").read_text())
    (transition,) = kinetics["cycles"][0]["transitions"]
    (truth,) = json.loads((movie / "truth.json").read_text())["fronts"]
    assert transition["to"] == truth["to"]
    assert transition["velocity_nm_s"]["value"] == pytest.approx(truth["velocity_nm_s"], rel=0.15)


def test_a_summary_for_people(monkeypatch, capfd, bar, tmp_path):
    code, out, err = run(monkeypatch, capfd, "fronts", bar, "--out", tmp_path / "out", *NAMES, "--pixel-size-nm", 0.5)
    assert code == 0
    speed = r"host → product moved at (1\.0|0\.9)\d* nm/frame \(95\s%: [\d.]+ to [\d.]+\), following .* law \(P"
    assert re.search(speed, out)
    assert str(tmp_path / "out" / "report.html") in out
    assert "FRAMES" in err
    assert "PIXELS" not in err


def test_json_is_the_only_thing_on_stdout_and_keeps_every_name(monkeypatch, capfd, bar, tmp_path):
    odd = bar.with_name("run :x: [bold]1.npy")
    bar.rename(odd)
    code, out, _ = run(monkeypatch, capfd, "fronts", odd, "--out", tmp_path / "out", *NAMES, "--json", "--ion", "Na")
    assert code == 0
    kinetics = json.loads(out)
    assert kinetics["reaction_observed"]
    assert kinetics["source"] == str(odd)
    assert kinetics["material"] == {"ion": "Na"}


@pytest.mark.parametrize("words", [["import-labels"], ["import", "labels"]], ids=" ".join)
def test_corrected_frames_become_a_labelled_set(monkeypatch, capfd, bar, tmp_path, words):
    movie, corrected = tmp_path / "wire.npy", tmp_path / "corrected.npy"
    labels = np.load(bar)
    np.save(movie, 100.0 * labels)
    labels[7, 20:22] = 5
    np.save(corrected, labels)
    code, out, err = run(
        monkeypatch, capfd, *words, movie, corrected, "--out", tmp_path / "set", "--changed-from", bar,
        "--phases", "void,host,product", "--unlabelled", 5, "--group", "wire3",
    )  # fmt: skip
    assert code == 0
    assert out == f"1 labelled frames: {tmp_path / 'set'}\n"
    assert "No one pixel size" in err
    (frame,) = read_labelled(tmp_path / "set").frames
    assert (frame.name, frame.group) == ("wire3_00007", "wire3")
    assert (frame.load_label()[20:22] == 3).all()


ERRORS = {
    "absent": ["fronts", "absent.zarr"],
    "empty file": ["fronts", "empty.tif"],
    "no model": ["segment", "bar.npy", "--out", "x.zarr", "--model", "no.onnx"],
    "no such registered model": ["segment", "bar.npy", "--out", "x.zarr", "--model", "models:/none@champion"],
    "impossible scale": ["fronts", "bar.npy", "--pixel-size-nm", "-1"],
    "unknown phase": ["fronts", "bar.npy", "--order", "host,lost"],
    "double comma": ["fronts", "bar.npy", "--phases", "a,,b"],
    "unknown shape": ["synth", "s", "--shape", "cube"],
    "no phases": ["import-labels", "bar.npy", "bar.npy", "--out", "set"],
    "no number": ["import-labels", "bar.npy", "bar.npy", "--out", "set", "--frames", "1;2"],
    "no id": ["import-labels", "bar.npy", "bar.npy", "--out", "set", "--phases", "a=x,b"],
    "one name twice": ["import-labels", "bar.npy", "bar.npy", "--out", "set", "--phases", "a,a"],
    "output exists": ["fronts", "bar.npy", "--out", "."],
}


def test_recipes_are_laid_over_each_other(monkeypatch, capfd, tmp_path):
    (tmp_path / "over.yaml").write_text("model: {learning_rate: 0.03125}\n")
    recipes = ["--config", "segmenter_wide", "--config", tmp_path / "over.yaml"]
    code, out, _ = run(monkeypatch, capfd, "train", "segmenter", *recipes, "--print_config")
    assert code == 0
    assert "learning_rate: 0.03125" in out
    assert "textures: true" in out


@pytest.mark.parametrize("arguments", ERRORS.values(), ids=ERRORS)
@pytest.mark.usefixtures("bar")
def test_an_error_is_one_line_and_exit_code_2(monkeypatch, capfd, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "empty.tif").touch()
    (tmp_path / "no.onnx").write_bytes(b"no model")
    before = sorted(path.name for path in tmp_path.iterdir())
    code, out, err = run(monkeypatch, capfd, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("ionfront: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_full_disk_is_one_line_too(monkeypatch, capfd, bar, tmp_path):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device", str(tmp_path / "out"))

    monkeypatch.setattr("ionfront.cli.analysis_commands.fronts_of_labels", full)
    code, _, err = run(monkeypatch, capfd, "fronts", bar)
    assert code == 2
    assert err.count("\n") == 1
    assert "No space left" in err


def test_a_fault_of_the_program_is_not_hidden(monkeypatch, bar):
    def fault(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("ionfront.cli.analysis_commands.fronts_of_labels", fault)
    monkeypatch.setattr(sys, "argv", ["ionfront", "fronts", str(bar)])
    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_names_units(words):
    done = CliRunner().invoke(cli.app, [*words, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert done.exit_code == 0
    lines = done.output.splitlines()
    for parameter in COMMANDS[words].params:
        if not re.search(r"_(nm|s|px|k|ev)$", parameter.name):
            continue
        (line,) = [line for line in lines if f"{parameter.opts[0]} " in line]
        assert re.search(r"\[(nm|s|px|K|eV|%)\]", line), line


def test_without_arguments_help_is_shown(monkeypatch, capfd):
    _, out, err = run(monkeypatch, capfd)
    for words in COMMANDS:
        assert words[0] in out + err
