"""One server for all tests of this folder, as a user starts it."""

import socket
import subprocess
import sys
import time

import httpx
import pytest

from ionfront.datasets import random_scene, write_synthetic


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def movies(tmp_path_factory):
    """A movie under a root of the server."""
    folder = tmp_path_factory.mktemp("movies")
    return write_synthetic(random_scene(7, size_px=96, n_frames=16, law="linear", n_fronts=1), folder, "movie")


@pytest.fixture(scope="session")
def server(tmp_path_factory, movies):
    port, log = free_port(), tmp_path_factory.mktemp("serve") / "log.txt"
    command = [sys.executable, "-c", "from ionfront.cli import main; main()", "serve"]
    command += ["--port", str(port), "--body-mib", "4", "--root", str(movies.parent)]
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait(address, process, log):
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())
