"""What goes wrong around a server: it is killed, its model is broken, a client leaves or dawdles."""

import os
import signal
import socket
import time

import httpx
import numpy as np
import pytest

from ionfront.datasets import random_scene, write_synthetic
from ionfront.models.shipped import bundled_segmenter

FRAME = np.random.default_rng(0).integers(0, 4000, (96, 128)).astype("<u2")
RAW = {"X-Shape": "96,128", "X-Dtype": "<u2"}


def state(address, job_id):
    return httpx.get(f"{address}/v1/movies/{job_id}").json()


def until(work, seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := work():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to pass")


@pytest.fixture
def long_movie(tmp_path):
    return write_synthetic(random_scene(7, size_px=128, n_frames=40, law="linear", n_fronts=1), tmp_path, "movie")


def test_jobs_outlive_a_server_that_is_killed(serve, tmp_path, long_movie):
    (tmp_path / "server").mkdir()
    options = ("--root", str(long_movie.parent))
    with serve(tmp_path / "server", *options) as (address, _, process):
        job_id = httpx.post(f"{address}/v1/movies/from-path", json={"path": str(long_movie)}).json()["id"]
        until(lambda: state(address, job_id)["frames_done"] > 3)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with serve(tmp_path / "server", *options) as (address, *_):
        job = until(lambda: (found := state(address, job_id))["state"] == "done" and found, 120)
    assert job["frames_done"] == job["frames"] == 40
    assert "report.html" in job["files"]


def test_a_worker_does_not_outlive_its_server(serve, tmp_path):
    with serve(tmp_path) as (address, _, process):
        process.kill()
        process.wait()
        until(lambda: refused(address), 20)


def refused(address):
    """Whether nobody listens any more."""
    try:
        return httpx.get(f"{address}/readyz").status_code == 0
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False


def test_a_broken_model_changes_nothing_and_a_new_one_answers(serve, tmp_path):
    model = tmp_path / "model.onnx"
    model.write_bytes(bundled_segmenter().read_bytes())
    with serve(tmp_path, "--model", str(model), "--look-every-s", "0.2") as (address, *_):

        def segmenter():
            return httpx.get(f"{address}/v1/models").json()["segmenter"]

        before = segmenter()["sha256"]
        model.write_bytes(b"broken")
        until(lambda: segmenter()["last_error"])
        assert segmenter()["sha256"] == before
        answer = httpx.post(f"{address}/v1/segment", content=FRAME.tobytes(), headers=RAW)
        assert answer.status_code == 200
        model.write_bytes(bundled_segmenter().read_bytes())
        until(lambda: not segmenter()["last_error"])


def test_a_client_that_dawdles_or_leaves_holds_nobody_up(server):
    host, port = server.removeprefix("http://").split(":")
    told = {"Host": "x", "Content-Length": FRAME.nbytes} | RAW
    head = "POST /v1/segment HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n"
    slow = [socket.create_connection((host, int(port))) for _ in range(20)]
    for connection in slow:
        connection.sendall(head.encode() + FRAME.tobytes()[:100])
    for connection in slow[:10]:
        connection.close()
    answer = httpx.post(f"{server}/v1/segment", content=FRAME.tobytes(), headers=RAW, timeout=30)
    assert answer.status_code == 200
    for connection in slow[10:]:
        connection.close()
