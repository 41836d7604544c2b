"""Live measurements over HTTP: what was acknowledged is never lost, and nothing counts twice."""

import asyncio
import io
import json
import threading
import time
from contextlib import suppress

import httpx
import numpy as np
import pytest
import websockets.sync.client

from ionfront.serving.client import AsyncClient, Client, ServiceError

from ..conftest import FIRST, SPEED_PX

HALFWAY = {"name": "halfway", "when": "fraction", "value": 0.5, "actions": ["blank the beam"], "frames": 1}
FRAME_S, PIXEL_NM = 2.0, 0.5
SETTINGS = {"name": "bar", "pixel_size_nm": PIXEL_NM, "host": "NiO", "ion": "Li", "rules": [HALFWAY]}


@pytest.fixture(scope="module")
def frames(grey):
    return [(frame, FRAME_S * number) for number, frame in enumerate(grey)]


@pytest.fixture(scope="module")
def server(serve, grey_onnx, tmp_path_factory):
    """One with a model that knows the phases of these frames."""
    with serve(tmp_path_factory.mktemp("sessions"), "--model", str(grey_onnx)) as (address, _, _):
        yield address


@pytest.fixture
def client(server):
    with Client(server) as client:
        yield client


def pushed(session, frames):
    return [session.push(frame, time_s) for frame, time_s in frames]


def test_a_session_from_its_first_frame_to_its_kinetics(client, frames):
    with client.begin_session(**SETTINGS) as session:
        answers = pushed(session, frames)
        until = time.monotonic() + 90
        while not answers[-1]["state"]["fronts"] and time.monotonic() < until:  # a look comes between frames
            time.sleep(0.3)
            answers.append(session.push(frames[-1][0], FRAME_S * session.frames))
        look = client._json("GET", f"/sessions/{session.id}/look")
        picture = client._ask("GET", f"/sessions/{session.id}/picture")
        arrival = client._ask("GET", f"/sessions/{session.id}/arrival")
    assert [answer["number"] for answer in answers] == list(range(len(answers)))
    (front,) = answers[-1]["state"]["fronts"]
    true_nm = PIXEL_NM * SPEED_PX * (23 - FIRST)
    assert front["position_nm"]["low"] <= true_nm <= front["position_nm"]["high"]
    assert len(look["fronts"][0]["position"]) == len(look["fronts"][0]["time_s"])
    assert look["length_unit"] == "nm"
    assert picture.body[8:12] == b"WEBP"
    planes = np.load(io.BytesIO(arrival.body))
    assert json.loads(arrival.headers["x-result"])["steps"] == ["pristine->converted"]
    assert planes.shape == (1, 48, 80)
    assert np.isfinite(planes).any()
    state = session.state()
    assert state["state"] == "closed"
    assert [decision["rule"] for decision in state["fired"]] == ["halfway"]
    kinetics = json.loads(session.file("kinetics.json"))
    assert kinetics["reaction_observed"]
    assert kinetics["material"] == {"host": "NiO", "ion": "Li"}
    assert {"fronts.csv", "arrival.tif"} <= set(state["files"])
    with pytest.raises(ServiceError, match="closed"):
        session.push(*frames[0])


def test_a_frame_that_comes_twice_counts_once(client, frames):
    session = client.begin_session()
    first = pushed(session, frames[:3])
    session.frames = 1
    again = pushed(session, frames[1:3])
    assert again == first[1:]
    assert session.state()["frames"] == 3
    assert session.answers(1, 1) == first[1:2]
    session.close()


def test_a_gap_is_told_and_a_blank_frame_is_no_fault(client, frames):
    session = client.begin_session()
    pushed(session, frames[:2])
    session.frames = 5
    with pytest.raises(ServiceError, match="2 is the next") as told:
        session.push(*frames[2])
    assert told.value.status == 409
    session.frames = 2
    assert session.push(np.zeros((48, 80), np.float32), frames[2][1])["state"]["frame"] == 2
    with pytest.raises(ServiceError, match="times need to rise") as told:
        session.push(frames[3][0], 0.0)
    assert told.value.status == 422
    with pytest.raises(ServiceError, match="another size"):
        session.push(np.zeros((20, 20), np.uint16), 1e6)
    assert session.state()["frames"] == 3
    session.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixel_size_nm": -1},
        {"host": "NiO"},
        {"host": "Unobtainium", "ion": "Li"},
        {"average_frames": 2},
        {"rules": [HALFWAY, HALFWAY]},
        {"rules": [HALFWAY | {"value": 3}]},
        {"rules": [HALFWAY | {"when": "bored"}]},
        {"surprise": 1},
    ],
)
def test_settings_that_make_no_sense_begin_nothing(server, wrong):
    before = len(httpx.get(f"{server}/v1/sessions").json())
    answer = httpx.post(f"{server}/v1/sessions", json=wrong)
    assert answer.status_code == 422
    assert answer.json()["detail"]
    assert len(httpx.get(f"{server}/v1/sessions").json()) == before


@pytest.mark.parametrize("name", ["0" * 32, "..", "%2e%2e", "models"])
def test_sessions_that_are_none(server, name):
    for path in ("", "/frames", "/look", "/picture", "/arrival", "/files/kinetics.json"):
        assert httpx.get(f"{server}/v1/sessions/{name}{path}").status_code in (404, 405)
    assert httpx.delete(f"{server}/v1/sessions/{name}").status_code in (404, 405)


def test_only_a_closed_one_is_forgotten(server, client, frames):
    session = client.begin_session()
    session.push(*frames[0])
    address = f"{server}/v1/sessions/{session.id}"
    assert httpx.delete(address).status_code == 409
    assert "push further" in session.close()["why"]
    assert httpx.delete(address).status_code == 200
    assert httpx.get(address).status_code == 404


def test_a_stream_of_frames(server, client, frames):
    session = client.begin_session(**SETTINGS)
    address = f"{server.replace('http', 'ws')}/v1/sessions/{session.id}/stream"
    with websockets.sync.client.connect(address) as socket:
        for number, (frame, time_s) in enumerate(frames[:4]):
            told = {"number": number, "time_s": time_s, "shape": "48,80", "dtype": frame.dtype.str}
            socket.send(json.dumps(told).encode() + b"\n" + frame.tobytes())
            assert json.loads(socket.recv())["state"]["frame"] == number
        for broken in ("{}", "[]", "no json", json.dumps({"number": 9, "time_s": 99.0, "shape": "48,80"})):
            socket.send(f"{broken}\nnothing".encode())
            assert json.loads(socket.recv())["problem"]["status"] in (409, 415, 422)
        told = {"number": 4, "time_s": frames[4][1], "shape": "48,80", "dtype": "<f4", "missed": 2}
        socket.send(json.dumps(told).encode() + b"\n" + frames[4][0].tobytes())
        answer = json.loads(socket.recv())
        assert (answer["number"], answer["state"]["missed"]) == (4, 2)
    assert session.close()["state"] == "closed"


def test_coroutines(server, frames):
    async def measured():
        async with AsyncClient(server) as client:
            async with await client.begin_session(**SETTINGS) as session:
                for frame, time_s in frames[:6]:
                    await session.push(frame, time_s)
            return await session.state(), await session.file("kinetics.json")

    state, kinetics = asyncio.run(measured())
    assert state["frames"] == 6
    assert json.loads(kinetics)["model"]["averaged_frames"] == 1


def test_too_many_at_once_are_sent_away(serve, frames, tmp_path):
    with serve(tmp_path, "--sessions", "2") as (address, _, _), Client(address, patience_s=1) as client:
        first, second = client.begin_session(), client.begin_session()
        with pytest.raises(ServiceError) as told:
            client.begin_session()
        assert told.value.status == 503
        first.push(*frames[0])
        second.close()
        client.begin_session()


def test_keys_guard_streams_too(serve, tmp_path):
    with serve(tmp_path, "--keys") as (address, _, _):
        with pytest.raises(websockets.exceptions.InvalidStatus) as told:
            websockets.sync.client.connect(f"{address.replace('http', 'ws')}/v1/sessions/{'0' * 32}/stream")
        assert told.value.response.status_code == 403
        assert httpx.get(f"{address}/v1/sessions").status_code == 401


def nth(frames, number):
    """Frames without end."""
    frame, time_s = frames[number % len(frames)]
    return frame, time_s + 1e3 * (number // len(frames))


def test_killed_in_the_midst_of_frames_no_acknowledged_one_is_lost(serve, kill, grey_onnx, frames, tmp_path):
    """One client goes on through three servers, each killed with a frame under way."""
    options = ("--data", str(tmp_path / "data"), "--model", str(grey_onnx))
    answers, session_id = [], None
    for round_ in range(3):
        with serve(tmp_path, *options) as (address, log, process), Client(address, patience_s=1) as client:
            session = client.begin_session(**SETTINGS) if session_id is None else client.session(session_id)
            session_id = session.id
            assert session.frames in (len(answers), len(answers) + 1)  # one may be on disk and not yet said
            answers += session.answers(len(answers), 1)
            killer = threading.Timer(0.4 + 0.1 * round_, kill, (process, log))
            killer.start()
            with suppress(ServiceError):
                while True:
                    answers.append(session.push(*nth(frames, session.frames)))
            killer.join()
    with serve(tmp_path, *options) as (address, _, _), Client(address) as client:
        session = client.session(session_id)
        said = session.answers()
        assert said[: len(answers)] == answers
        assert len(answers) > 3
        assert session.push(*nth(frames, session.frames))["state"]["frame"] == len(said)
        assert session.close()["state"] == "closed"
