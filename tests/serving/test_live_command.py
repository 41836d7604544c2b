"""`ionfront live --server`: the server measures what a command takes from a source."""

import json
import socket

import numpy as np
import pytest
from typer.testing import CliRunner

from ionfront.acquisition import RESULT_FILES, SessionSettings
from ionfront.cli import live_served
from ionfront.cli.app import app
from ionfront.cli.live_served import ServedSession
from ionfront.core import MovieError, OutputExistsError, ServerError, UsageError
from ionfront.datasets import open_movie
from ionfront.serving.client import Client

RULES = '[[rules]]\nname = "late"\nwhen = "dose"\nvalue = 20\nframes = 1\nactions = ["tell"]\n'


def live(movie, out, *more):
    result = CliRunner().invoke(app, ["live", str(movie), "--out", str(out), "--speed", "0", *map(str, more)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_server_measures_what_the_command_would(movies, server, tmp_path):
    live(movies, tmp_path / "here")
    said = live(movies, tmp_path / "there", "--server", server)
    assert "Results" in said.stdout
    for name in RESULT_FILES:
        assert (tmp_path / "there" / name).exists() == (tmp_path / "here" / name).exists()
    assert json.loads((tmp_path / "there" / "kinetics.json").read_text()) == json.loads(
        (tmp_path / "here" / "kinetics.json").read_text()
    )


def test_the_servers_page_lists_it_and_its_decisions_are_acted_on_here(movies, server, receiver, tmp_path):
    address, got = receiver
    (tmp_path / "rules.toml").write_text(RULES.replace('"dose"\nvalue = 20', '"out_of_domain"'))
    movie = open_movie(movies).values
    np.save(tmp_path / "noise.npy", np.random.default_rng(1).integers(0, 65535, movie.shape, np.uint16))
    told = ("--frame-time-s", 1, "--rules", tmp_path / "rules.toml", "--hook", f"tell={address}told")
    live(tmp_path / "noise.npy", tmp_path / "out", "--server", server, *told)
    assert [made["rule"] for made in got] == ["late"]
    with Client(server) as client:
        session = client.session(json.loads((tmp_path / "out" / "server.json").read_text())["session"])
        assert session.state()["state"] == "closed"
        assert session.frames == len(movie)


def test_what_was_broken_off_is_gone_on_with(movies, server, tmp_path):
    live(movies, tmp_path / "whole", "--server", server)
    movie = open_movie(movies)
    with Client(server) as client:
        whole = json.loads((tmp_path / "whole" / "server.json").read_text())
        told = client.session(whole["session"]).state()["settings"]
        broken = ServedSession.begin(client, tmp_path / "broken", SessionSettings.read(told | {"zero_s": 0.0}))
        for number in range(9):
            broken.push(number, movie[number].values, float(movie["time"][number]))
        assert broken.push(3, movie[3].values, 0.0)["number"] == 3
        with pytest.raises(MovieError, match="server says"):
            broken.push(9, np.full((7, 96), np.nan), 99.0)
        with pytest.raises(UsageError, match="send that one first"):
            broken.push(11, movie[11].values, 99.0)
        broken.leave()
    live(movies, tmp_path / "broken", "--server", server, "--resume")
    assert (tmp_path / "broken" / "kinetics.json").read_text() == (tmp_path / "whole" / "kinetics.json").read_text()
    with pytest.raises(UsageError, match="closed"):
        live(movies, tmp_path / "broken", "--server", server, "--resume")


def test_what_is_closed_on_the_page_ends_with_its_results(movies, server, tmp_path, monkeypatch):
    push = ServedSession.push

    def closing(self, number, *frame, **told):
        if number == 12:
            with Client(server) as client:
                client.session(self._session.id).close()
        return push(self, number, *frame, **told)

    monkeypatch.setattr(ServedSession, "push", closing)
    said = live(movies, tmp_path / "out", "--server", server)
    assert "Closed at the server" in said.stdout
    assert (tmp_path / "out" / "kinetics.json").is_file()


def test_what_makes_no_sense_is_said_at_once(movies, server, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="no address"):
        live(movies, out, "--server", "somewhere")
    with pytest.raises(UsageError, match="model of its own"):
        live(movies, out, "--server", server, "--precision", "bf16")
    with pytest.raises(UsageError, match="no measurement that a server makes"):
        live(movies, out, "--server", server, "--resume")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(live_served, "Client", lambda address, key: Client(address, key, patience_s=0.2))
        with pytest.raises(ServerError, match="no answer"):
            live(movies, out, "--server", f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert not out.exists()
    out.mkdir()
    with pytest.raises(OutputExistsError, match="resume"):
        live(movies, out, "--server", server)
