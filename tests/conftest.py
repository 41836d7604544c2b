"""A small movie of a bar that a flat front crosses, and a model that reads phases off its grey values."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from ionfront.core import Calibration, PhaseScheme
from ionfront.datasets import write_label_zarr
from ionfront.models import Architecture, ModelInfo, write_info

PHASES = ("background", "pristine", "converted", "marker")
ORDER = ("pristine", "converted")
N_FRAMES, FIRST, SPEED_PX = 24, 4, 2.0
SHAPE = (48, 80)


def bar_labels(moving=True):
    """Ids of `PHASES`, shape (time, y, x): a bar entered from the left after frame 4, a marker beside it."""
    time, y, x = np.mgrid[:N_FRAMES, : SHAPE[0], : SHAPE[1]]
    bar = (abs(y - 26) < 12) & (x >= 10) & (x < 70)
    labels = bar.astype(np.uint8)
    if moving:
        labels[bar & (x - 10 < SPEED_PX * (time - FIRST))] = 2
    labels[(y < 8) & (x < 16)] = 3
    return labels


@pytest.fixture(scope="session")
def labels():
    return bar_labels()


@pytest.fixture(scope="session")
def grey(labels):
    """The movie of these labels: a grey value a phase and a little noise, float32, shape (time, y, x)."""
    noise = np.random.default_rng(0).normal(0, 1.0, labels.shape)
    return (100.0 * labels + noise).astype(np.float32)


@pytest.fixture(scope="session")
def label_zarr(labels, tmp_path_factory):
    path = tmp_path_factory.mktemp("labels") / "bar.zarr"
    calibration = Calibration(0.5, 2.0, "made", "made")
    with write_label_zarr(path, labels.shape, PhaseScheme(PHASES, ORDER), calibration) as writer:
        for frame in labels:
            writer.append(frame)
    return path


@pytest.fixture(scope="session")
def grey_onnx(tmp_path_factory):
    return grey_network(tmp_path_factory.mktemp("model") / "grey.onnx", channels=1)


@pytest.fixture(scope="session")
def comparing_onnx(tmp_path_factory):
    """Says what `grey_onnx` says, and takes a reference too."""
    return grey_network(tmp_path_factory.mktemp("model") / "comparing.onnx", channels=2)


def grey_network(path, channels):
    """Phase k where the scaled grey value is nearest to k/3: squared distance is linear but for a term all share."""
    centres = np.arange(4) / 3
    sharpness = 100.0
    weights = np.zeros((4, channels, 1, 1), np.float32)
    weights[:, 0, 0, 0] = 2 * sharpness * centres
    bias = (-sharpness * centres**2).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weights", "bias"], ["logits"])],
        "grey",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, channels, "y", "x"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 4, "y", "x"])],
        [onnx.numpy_helper.from_array(weights, "weights"), onnx.numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    write_info(
        model,
        ModelInfo(
            name="grey",
            version="1",
            phases=PHASES,
            reaction_order=ORDER,
            architecture=Architecture(encoder_depth=1, decoder_channels=(8,), channels=channels),
        ),
    )
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="session")
def free_port():
    """Gives a port that nobody listens at."""

    def any_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return any_port


@pytest.fixture
def receiver():
    """Address of a server that takes what is posted to it, and the list of what came."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", got
        server.shutdown()
        thread.join()
