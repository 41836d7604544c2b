"""The client: the same answers, patient with a busy server, and never a movie sent twice."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from ionfront.models import load_segmenter
from ionfront.serving.client import AsyncClient, Client, ServiceError

FRAME = np.random.default_rng(1).integers(0, 4000, (96, 128)).astype("<u2")


def test_frames_predictions_and_forecasts(server):
    with Client(server) as client:
        labels, summary = client.segment(FRAME)
        assert np.array_equal(labels, load_segmenter().labels(FRAME))
        assert summary["model"] == {k: client.models()["segmenter"][k] for k in ("name", "version", "sha256")}
        probabilities, _ = client.segment(FRAME.astype(">f4"), probabilities=True)
        assert probabilities.shape == (5, 96, 128)
        assert client.predict([{"host": "NiO", "ion": "Li"}])[0][0]["mechanism"] == "conversion"
        asked = {"host": "NiO", "ion": "Li", "time_s": [0, 1, 2], "position_nm": [0, 2, 4], "places_nm": [50]}
        assert client.forecast(**asked, error_nm=1.0)[0]["time_s"]["value"] > 2


def test_movies_with_progress(server, movies):
    sent, done = [], []
    with Client(server) as client:
        job = client.upload(movies, host="NiO", ion="Li", progress=lambda *told: sent.append(told))
        job = client.wait(job["id"], progress=lambda *told: done.append(told), every_s=0.2)
        assert job["state"] == "done"
        assert sent[-1] == (movies.stat().st_size, movies.stat().st_size)
        assert json.loads(client.file(job["id"], "kinetics.json"))["material"]["host"] == "NiO"
        client.cancel(job["id"])
        with pytest.raises(ServiceError) as gone:
            client.job(job["id"])
        assert gone.value.status == 404


def test_refusals_say_why(server):
    with Client(server) as client, pytest.raises(ServiceError) as refused:
        client.predict([{"host": "unobtainium", "ion": "Li"}])
    assert refused.value.status == 422
    assert "unobtainium" in refused.value.detail
    assert len(refused.value.request_id) == 32


def test_coroutines(server):
    async def main():
        async with AsyncClient(server) as client:
            return await asyncio.gather(*(client.segment(FRAME) for _ in range(4)))

    for labels, _ in asyncio.run(main()):
        assert np.array_equal(labels, load_segmenter().labels(FRAME))


class Moody(BaseHTTPRequestHandler):
    """Answers as its server's `moods` say, one after another."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer()

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 2**16)))
        self._answer()

    def _answer(self):
        self.server.asked.append(time.monotonic())
        mood = self.server.moods.pop(0)
        if mood == "hang up":
            self.close_connection = True
            return
        self.send_response(mood)
        body = b"{}"
        self.send_header("Content-Length", str(len(body)))
        if mood == 503:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def moody():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    server.moods, server.asked, server.daemon_threads = [], [], True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def address(server):
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_a_busy_server_is_asked_again_when_it_says(moody):
    moody.moods[:] = [503, 200]
    with Client(address(moody)) as client:
        assert client.models() == {}
    assert moody.asked[1] - moody.asked[0] >= 1.0


def test_patience_ends(moody):
    moody.moods[:] = [503] * 9
    with Client(address(moody), patience_s=0.5) as client, pytest.raises(ServiceError) as busy:
        client.models()
    assert busy.value.status == 503


def test_what_breaks_off_is_asked_again_but_a_movie_is_not(moody, tmp_path):
    (tmp_path / "movie.tif").write_bytes(bytes(10))
    moody.moods[:] = [200, "hang up", "hang up", 200, "hang up", 200]
    with Client(address(moody)) as client:
        client.models()
        assert client.models() == {}
        with pytest.raises(ServiceError) as broken:
            client.upload(tmp_path / "movie.tif")
    assert broken.value.status == 0
    assert moody.moods == [200]


def test_nobody_there():
    with Client("http://127.0.0.1:9", patience_s=0.3) as client, pytest.raises(ServiceError, match="no answer"):
        client.models()
    with pytest.raises(ValueError, match="no address"):
        Client("127.0.0.1:3000")


def test_it_needs_numpy_alone():
    told = "import sys, ionfront.serving.client; print([m for m in sys.modules if not m.startswith('_')])"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout
    for heavy in ("fastapi", "bentoml", "openvino", "pydantic", "scipy", "pandas"):
        assert f"'{heavy}'" not in loaded
