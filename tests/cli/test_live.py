"""A movie replayed through the command, broken off and gone on with."""

import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zmq
from typer.testing import CliRunner

from ionfront.acquisition import Journal, Session
from ionfront.acquisition.adapters.zeromq import end_message, frame_message
from ionfront.cli.app import app
from ionfront.core import OutputExistsError, UsageError
from ionfront.datasets import calibration_of, open_movie
from ionfront.models import load_segmenter

GUIDE = Path(__file__).parents[2] / "docs" / "live.md"


@pytest.fixture
def movie(grey, tmp_path):
    np.save(tmp_path / "bar.npy", grey)
    return tmp_path / "bar.npy"


@pytest.fixture
def rules(tmp_path):
    """Those of the guide, word for word."""
    text = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)[0]
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


def published(images, publisher):
    """Sends frames to the first who listens; the address for the command."""

    def work():
        assert publisher.recv() == b"\x01"
        for number, image in enumerate(images):
            told = {"dose_e_nm2": 10.0, "pixel_size_nm": 0.5}
            publisher.send_multipart(frame_message(image, 1000.0 + 2.0 * number, number, **told))
        publisher.send_multipart(end_message())

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_stream_is_recorded_as_it_came(grey, grey_onnx, tmp_path):
    store = tmp_path / "bar.ome.zarr"
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        thread = published(grey[:4], publisher)
        result = live(f"zmq:tcp://127.0.0.1:{port}", tmp_path / "live", grey_onnx, "--record", store, "--waiting", 99)
        thread.join()
    assert "Recorded 4 frames" in result.stdout
    movie = open_movie(store)
    np.testing.assert_array_equal(movie, grey[:4])
    np.testing.assert_array_equal(movie["time"], [0.0, 2.0, 4.0, 6.0])
    assert calibration_of(movie).pixel_size_nm == 0.5
    assert [answer["time_s"] for answer in Journal(tmp_path / "live").answers(0, 9)] == [0.0, 2.0, 4.0, 6.0]


def test_the_last_seconds_are_kept_when_a_rule_says_so(grey, grey_onnx, tmp_path):
    (tmp_path / "rules.toml").write_text(
        '[[rules]]\nname = "late"\nwhen = "dose"\nvalue = 40\nframes = 1\nactions = ["keep"]\n'
    )
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        thread = published(grey[:5], publisher)
        told = ("--keep-last-s", 4.0, "--rules", tmp_path / "rules.toml", "--waiting", 99)
        live(f"zmq:tcp://127.0.0.1:{port}", tmp_path / "live", grey_onnx, *told)
        thread.join()
    movie = open_movie(tmp_path / "live" / "kept" / "late-3.ome.zarr")
    assert movie.sizes["time"] >= 1
    assert float(movie["time"][-1] - movie["time"][0]) <= 4.0


def test_only_streams_are_recorded(movie, grey_onnx, tmp_path):
    with pytest.raises(UsageError, match="on disk already"):
        live(movie, tmp_path / "out", grey_onnx, "--record", tmp_path / "bar.ome.zarr")


def test_a_file_that_grows_is_followed(grey, grey_onnx, movie, tmp_path):
    with tifffile.TiffWriter(tmp_path / "bar.tif") as tiff:
        for image in grey[:4]:
            tiff.write(image, photometric="minisblack", contiguous=False, metadata=None)
    live(tmp_path / "bar.tif", tmp_path / "out", grey_onnx, "--follow", "--idle-s", 0.7)
    assert Journal(tmp_path / "out").closed["frames"] == 4
    with pytest.raises(UsageError, match="cannot be followed"):
        live(movie, tmp_path / "other", grey_onnx, "--follow")
