"""The service under load: latency by transport, clients side by side, more clients than it can take, a long soak.

    python benchmarks/serving.py [--size 1024] [--rounds 40] [--soak-minutes 0] [--model FILE.onnx] [--only PART]

It starts `ionfront serve` itself, with a model that does next to nothing (one layer of one pixel) and with the bundled
one. "Beyond in-process" is the median over HTTP less the median of the same work in this process, on the same cores.
"""

import argparse
import io
import itertools
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import onnx
import tifffile
import websockets.sync.client
from imagecodecs import png_encode
from numpy.typing import NDArray

from ionfront.acquisition import Inline, LiveFront
from ionfront.models import load_segmenter
from ionfront.models.info import ModelInfo, write_info
from ionfront.models.shipped import bundled_segmenter
from ionfront.serving.bodies import Limits, frame_of
from ionfront.serving.catalogue import Served
from ionfront.serving.client import Client, ServiceError
from ionfront.serving.segmenting import segmented

Frame = NDArray[np.uint16]


def main() -> None:
    options = _options()
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 4000, (options.size, options.size)).astype("<u2")
    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder) / "nothing.onnx"
        write_nothing(nothing)
        models = {"next to nothing": nothing, "bundled": options.model or bundled_segmenter()}
        print(f"Frames of {options.size} x {options.size}, uint16\n")
        parts = {"transports": _all_transports, "clients": _all_clients, "sessions": _all_sessions}
        for part, work in parts.items():
            if options.only in (None, part):
                work(models, Path(folder), frame, options)
        if options.soak_minutes:
            with served(models["bundled"], Path(folder) / "soak") as (address, process):
                _soak(address, process, frame, options.soak_minutes)


def _all_transports(models: dict[str, Path], folder: Path, frame: Frame, options: argparse.Namespace) -> None:
    print("| model | transport | in-process [ms] | over HTTP, median [ms] | p99 | beyond in-process |")
    print("|---|---|---|---|---|---|")
    for name, model in models.items():
        with served(model, folder / name.replace(" ", "-")) as (address, _):
            _transports(name, model, address, frame, options.rounds if name != "bundled" else options.rounds // 2)


def _all_clients(models: dict[str, Path], folder: Path, frame: Frame, options: argparse.Namespace) -> None:
    print("\n| model | clients | frames/s | p50 [ms] | p99 [ms] | sent away |\n|---|---|---|---|---|---|")
    for name, model in models.items():
        with served(model, folder / f"{name.replace(' ', '-')}-2") as (address, _):
            for clients in (1, 4, 16, 34):
                _side_by_side(name, address, frame, clients, options.seconds)


def _all_sessions(models: dict[str, Path], folder: Path, frame: Frame, options: argparse.Namespace) -> None:
    print("\n| model | a session's frame | median [ms] | p99 | beyond in-process |\n|---|---|---|---|---|")
    for name, model in models.items():
        with served(model, folder / f"{name.replace(' ', '-')}-3") as (address, _):
            _session(name, model, address, frame, options.rounds)


def _session(name: str, model: Path, address: str, frame: Frame, rounds: int) -> None:
    """The same frame again and again: one process alone, then journaled over HTTP, then as a stream."""
    numbers = itertools.count()
    with LiveFront(model, looks=Inline(10**9)) as live:
        alone = _timed(lambda: live.push(frame, float(next(numbers))), rounds)
    with Client(address) as client:
        session = client.begin_session(name="timed")
        posted = _timed(lambda: session.push(frame, float(session.frames)), rounds)
        stream, numbers = client.begin_session(name="streamed"), itertools.count()
        with websockets.sync.client.connect(
            f"{address.replace('http', 'ws')}/v1/sessions/{stream.id}/stream", compression=None
        ) as socket:

            def send() -> None:
                number, shape = next(numbers), ",".join(map(str, frame.shape))
                told = {"number": number, "time_s": number, "shape": shape, "dtype": "<u2"}
                socket.send(json.dumps(told).encode() + b"\n" + frame.tobytes())
                assert "state" in json.loads(socket.recv())

            streamed = _timed(send, rounds)
    for way, took in (("in this process, no journal", alone), ("posted", posted), ("streamed", streamed)):
        middle, most = np.median(took), np.quantile(took, 0.99)
        print(f"| {name} | {way} | {middle:.1f} | {most:.1f} | {middle - np.median(alone):+.1f} |", flush=True)


def _transports(name: str, model: Path, address: str, frame: Frame, rounds: int) -> None:
    raw = {"X-Shape": f"{frame.shape[0]},{frame.shape[1]}", "X-Dtype": "<u2"}
    here = Served(load_segmenter(model), "here")
    for transport, body, headers, form in (
        ("raw", frame.tobytes(), raw, "raw"),
        ("NPY", npy_bytes(frame), {}, "npy"),
        ("PNG", bytes(png_encode(frame, level=1)), {}, "png"),
        ("TIFF", tiff_bytes(frame), {}, "png"),
    ):
        told = {key.lower(): value for key, value in headers.items()}
        alone = _timed(lambda: segmented(here, frame_of(body, told, Limits()), form, "labels"), rounds)  # noqa: B023
        with httpx.Client(base_url=address, timeout=120) as client:

            def ask() -> None:
                answer = client.post("/v1/segment", params={"form": form}, content=body, headers=headers)  # noqa: B023
                answer.raise_for_status()

            asked = _timed(ask, rounds)
        inside, there = np.median(alone), np.median(asked)
        most = np.quantile(asked, 0.99)
        print(f"| {name} | {transport} | {inside:.1f} | {there:.1f} | {most:.1f} | {there - inside:+.1f} |", flush=True)


def _side_by_side(name: str, address: str, frame: Frame, clients: int, seconds: float) -> None:
    took: list[float] = []
    away, until, lock = [0], time.monotonic() + seconds, threading.Lock()

    def work() -> None:
        with Client(address, patience_s=0.0) as client:
            while time.monotonic() < until:
                start = time.perf_counter()
                try:
                    client.segment(frame)
                except ServiceError as error:
                    if error.status != 503:
                        raise
                    with lock:
                        away[0] += 1
                    time.sleep(0.2)
                else:
                    with lock:
                        took.append(1e3 * (time.perf_counter() - start))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate, (middle, most) = len(took) / (time.monotonic() - start), np.quantile(took, (0.5, 0.99))
    print(f"| {name} | {clients} | {rate:.1f} | {middle:.0f} | {most:.0f} | {away[0]} |", flush=True)


def _soak(address: str, process: subprocess.Popen[bytes], frame: Frame, minutes: float) -> None:
    """Resident memory of the server's processes while three clients and a session ask without a pause."""
    until = time.monotonic() + 60 * minutes

    def work() -> None:
        with Client(address) as client:
            while time.monotonic() < until:
                client.segment(frame)

    def live() -> None:
        with Client(address) as client, client.begin_session(name="soak", pixel_size_nm=1.0) as session:
            while time.monotonic() < until:
                session.push(frame, float(session.frames))

    threads = [threading.Thread(target=task) for task in (work, work, work, live)]
    for thread in threads:
        thread.start()
    print(f"\n| of {minutes:g} min | resident memory [MB] |\n|---|---|")
    for share in np.linspace(0.1, 1, 10):
        time.sleep(max(0.0, until - 60 * minutes * (1 - share) - time.monotonic()))
        print(f"| {share:.0%} | {resident_mb(process.pid):.0f} |", flush=True)
    for thread in threads:
        thread.join()


@contextmanager
def served(model: Path, data: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server with its address and process."""
    data.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from ionfront.cli import main; main()", "serve", "--port", str(port)]
    command += ["--model", str(model), "--data", str(data), *options]
    address = f"http://127.0.0.1:{port}"
    with (data / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(600):
                try:
                    if httpx.get(f"{address}/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield address, process
        finally:
            process.terminate()
            process.wait(30)


def write_nothing(path: Path) -> None:
    """A network of one layer that looks at one pixel."""
    phases = ("background", "pristine", "converted")
    info = ModelInfo(name="nothing", version="1", phases=phases, reaction_order=phases[1:])
    weights = onnx.numpy_helper.from_array(np.array([[[[1.0]]], [[[-1.0]]], [[[0.5]]]], np.float32), "w")
    node = onnx.helper.make_node("Conv", ["frame", "w"], ["logits"])
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", channels, "y", "x"])
        for name, channels in (("frame", 1), ("logits", 3))
    ]
    graph = onnx.helper.make_graph([node], "nothing", ends[:1], ends[1:], [weights])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    write_info(model, info)
    onnx.save_model(model, path)


def resident_mb(pid: int) -> float:
    """Of a process and all that it has begun."""
    status = Path(f"/proc/{pid}/status").read_text()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    mine = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return mine / 1e3 + sum(resident_mb(int(child)) for child in children)


def _timed(work: Callable[[], object], rounds: int) -> NDArray[np.float64]:
    for _ in range(8):
        work()
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        took.append(1e3 * (time.perf_counter() - start))
    return np.array(took)


def npy_bytes(frame: Frame) -> bytes:
    """As a file of NumPy."""
    stream = io.BytesIO()
    np.save(stream, frame)
    return stream.getvalue()


def tiff_bytes(frame: Frame) -> bytes:
    """As a TIFF."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, frame)
    return stream.getvalue()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--soak-minutes", type=float, default=0.0)
    parser.add_argument("--only", choices=["transports", "clients", "sessions", "soak"])
    parser.add_argument("--model", type=Path, help="in place of the bundled one")
    return parser.parse_args()


if __name__ == "__main__":
    main()
