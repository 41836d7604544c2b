"""One server for all tests of this folder, as a user starts it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest

from ionfront.datasets import random_scene, write_synthetic


@pytest.fixture(scope="session")
def movies(tmp_path_factory):
    """A movie under a root of the server."""
    folder = tmp_path_factory.mktemp("movies")
    return write_synthetic(random_scene(7, size_px=96, n_frames=16, law="linear", n_fronts=1), folder, "movie")


@contextmanager
def served(port, folder, *options):
    """A server with its address, log and process; killed with all that it has begun at the end."""
    log = folder / "log.txt"
    command = [sys.executable, "-c", "from ionfront.cli import main; main()", "serve", "--port", str(port), *options]
    with log.open("a") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, start_new_session=True)
    address = f"{'https' if '--certificate' in options else 'http'}://127.0.0.1:{port}"
    try:
        _wait(address, process, log)
        yield address, log, process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="session")
def serve(free_port):
    """Begins a server: `with serve(folder, *options) as (address, log, process)`."""
    return lambda folder, *options: served(free_port(), folder, *options)


@pytest.fixture(scope="session")
def kill():
    """Kills a server at once, its worker first: `kill(process, log)`."""

    def killed(process, log):
        pids = [json.loads(line)["pid"] for line in log.read_text().splitlines() if '"serving": "begins"' in line]
        os.kill(pids[-1], signal.SIGKILL)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    return killed


@pytest.fixture(scope="session")
def running(tmp_path_factory, movies, serve):
    """Address and log of a server."""
    with serve(tmp_path_factory.mktemp("serve"), "--body-mib", "4", "--root", str(movies.parent)) as (address, log, _):
        yield address, log


def _wait(address, process, log):
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{address}/readyz", verify=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def server(running):
    """Its address."""
    return running[0]
