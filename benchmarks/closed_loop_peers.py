"""Microscopes that play a movie at a camera's rate and note when their beam was blanked.

    python benchmarks/closed_loop_peers.py NAME MOVIE.npy RATE_HZ

runs one in a process of its own, as `closed_loop.py` does. It says in a line of JSON where its frames and its beam are,
and in another, when the beam is blanked, how long after the first frame that was. It ends with its standard input.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Protocol

import numpy as np

__all__ = ["PEERS", "Apart", "Peer"]


class Peer(Protocol):
    """A microscope, as the loop sees it.

    Attributes:
        stream: Where its frames are, as `adapters.attach` has it.
        action: What blanks its beam, as `adapters.action` has it.
        blanked_s: When that was, after the first frame was shown; None where it was not.
    """

    stream: str
    action: str
    blanked_s: float | None

    def close(self) -> None:
        """End it."""


class Apart:
    """A peer in a process of its own: one of `SERVERS`, by name."""

    def __init__(self, name: str, movie: Path, rate_hz: float) -> None:
        command = [sys.executable, __file__, name, str(movie), str(rate_hz)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._child.stdout is not None
        self._said = self._child.stdout
        told = json.loads(self._said.readline())
        self.stream, self.action, self.blanked_s = told["stream"], told["action"], None
        os.environ.update(told["environment"])
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it, and what it started."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait()
        self._thread.join()
        self._said.close()

    def _listen(self) -> None:
        for line in self._said:
            self.blanked_s = json.loads(line)["blanked_s"]


class AreaDetector:
    """pvapy's simulator of an area detector, and a PV of p4p beside it that blanks the beam."""

    def __init__(self, movie: Path, rate_hz: float, blanked: Callable[[], None]) -> None:
        from p4p.nt import NTScalar
        from p4p.server import Server
        from p4p.server.thread import SharedPV

        beam = SharedPV(nt=NTScalar("d"), initial=0.0)

        @beam.put
        def put(pv: Any, operation: Any) -> None:
            blanked()
            pv.post(operation.value())
            operation.done()

        ports = _free_ports(2)
        self._server = Server([{"beam": beam}], isolate=True)
        beam_port = self._server.conf()["EPICS_PVA_BROADCAST_PORT"]
        both = f"127.0.0.1:{ports[0]} 127.0.0.1:{beam_port}"
        self.environment = {"EPICS_PVA_ADDR_LIST": both, "EPICS_PVA_AUTO_ADDR_LIST": "NO"}
        self.stream, self.action = "pva:camera", "pva:beam=1"
        own = {
            "EPICS_PVA_BROADCAST_PORT": str(ports[0]),
            "EPICS_PVA_SERVER_PORT": str(ports[1]),
            "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
            "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
            "EPICS_PVAS_BEACON_ADDR_LIST": "127.0.0.1",
        }
        command = [str(Path(sys.executable).parent / "pvapy-ad-sim-server"), "-cn", "camera", "-if", str(movie)]
        command += ["-fps", str(rate_hz), "-cs", "20", "-std", "3", "-shd", "0", "-rp", "0", "-dc"]
        self._simulator = subprocess.Popen(command, env=os.environ | own, stdout=subprocess.DEVNULL)

    def play(self, shown: Callable[[int], None]) -> None:
        """Until the simulator ends; `shown` is told of every frame by its number from 0."""
        from p4p.client.thread import Context

        with Context("pva", conf=self.environment | {"EPICS_PVA_INTF_ADDR_LIST": "127.0.0.1"}, nt=False) as context:
            context.monitor("camera", lambda array: shown(array.uniqueId - 1), request="field(uniqueId)")
            self._simulator.wait()

    def close(self) -> None:
        self._simulator.kill()
        self._simulator.wait()
        self._server.stop()


class Publisher:
    """A publisher over ZeroMQ, and an address beside it that blanks the beam."""

    def __init__(self, movie: Path, rate_hz: float, blanked: Callable[[], None]) -> None:
        import zmq

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                blanked()
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._movie, self._rate_hz = np.load(movie), rate_hz
        self._socket = zmq.Context.instance().socket(zmq.XPUB)
        self._beam = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._beam.serve_forever, daemon=True).start()
        self.environment: dict[str, str] = {}
        self.stream = f"zmq:tcp://127.0.0.1:{self._socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.action = f"http://127.0.0.1:{self._beam.server_port}/blank"

    def play(self, shown: Callable[[int], None]) -> None:
        """Once somebody listens, until the movie ends; `shown` is told of every frame by its number from 0."""
        from ionfront.acquisition.adapters.zeromq import end_message, frame_message

        self._socket.recv()
        begun = time.monotonic()
        for number, image in enumerate(self._movie):
            time.sleep(max(begun + number / self._rate_hz - time.monotonic(), 0))
            self._socket.send_multipart(frame_message(image, time.time(), number))
            shown(number)
        self._socket.send_multipart(end_message())

    def close(self) -> None:
        self._beam.shutdown()


SERVERS: dict[str, Callable[..., Any]] = {"pva": AreaDetector, "zmq": Publisher}

PEERS: dict[str, Callable[[Path, float], Peer]] = {
    "pva": lambda movie, rate_hz: Apart("pva", movie, rate_hz),
    "zmq": lambda movie, rate_hz: Apart("zmq", movie, rate_hz),
}
"""By the name that `--peer` takes: made of a movie (time, y, x) as .npy and a rate."""


def _run(name: str, movie: Path, rate_hz: float) -> None:
    """A server, until its parent closes its standard input."""
    begun: list[float] = []

    def shown(number: int) -> None:
        if number == 0:
            begun.append(time.monotonic())

    def blanked() -> None:
        print(json.dumps({"blanked_s": time.monotonic() - begun[0]}), flush=True)

    server = SERVERS[name](movie, rate_hz, blanked)
    told = {"stream": server.stream, "action": server.action, "environment": server.environment}
    print(json.dumps(told), flush=True)
    threading.Thread(target=server.play, args=(shown,), daemon=True).start()
    sys.stdin.read()
    server.close()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


if __name__ == "__main__":
    _run(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
