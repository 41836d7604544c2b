"""What the cores reach in large matrix products, in float32 and int8: the peak that engines are measured against.

    python benchmarks/matrix_peaks.py [--json]

A multiplication and an addition count as two. Convolutions are matrix products too, 1x1 ones exactly, and in int8 they
are the fastest that the libraries here offer: torch's int8 product has no fast way on processors without VNNI.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

EDGE = 2048
CHANNELS, PIXELS, LAYERS = 256, 96, 6


def main() -> None:
    """Measure and print."""
    peaks = {"f32": measured(FLOAT32), "int8": measured(INT8)}
    if "--json" in sys.argv:
        print(json.dumps(peaks))
        return
    for precision, found in peaks.items():
        for name, gflops in found.items():
            print(f"{precision:5} {name:28} {gflops:6.0f} GFLOP/s")


def measured(candidates: dict[str, Callable[[], tuple[Callable[[], object], float]]]) -> dict[str, float]:
    """GFLOP/s of each candidate, the best of seven runs after one to warm up."""
    found = {}
    for name, prepare in candidates.items():
        work, operations = prepare()
        work()
        found[name] = operations / min(_seconds(work) for _ in range(7)) / 1e9
    return found


def _numpy_f32() -> tuple[Callable[[], object], float]:
    a = np.random.default_rng(0).random((EDGE, EDGE), np.float32)
    return lambda: a @ a, 2 * EDGE**3


def _torch_f32() -> tuple[Callable[[], object], float]:
    import torch

    a = torch.rand(EDGE, EDGE, generator=torch.Generator().manual_seed(0))
    return lambda: a @ a, 2 * EDGE**3


def _convolutions(kernel: int, int8: bool) -> tuple[Callable[[], object], float]:
    """A chain of convolutions in OpenVINO, quantised between them as NNCF quantises a network."""
    import openvino as ov
    from openvino import opset13 as ops

    rng = np.random.default_rng(0)
    image = ops.parameter([1, CHANNELS, PIXELS, PIXELS], np.float32)
    value = _quantised(image, 0, 1, 256) if int8 else image
    for _ in range(LAYERS):
        weights: Any = ops.constant(rng.uniform(-0.01, 0.01, (CHANNELS, CHANNELS, kernel, kernel)).astype(np.float32))
        weights = _quantised(weights, -0.01, 0.01, 255) if int8 else weights
        pad = kernel // 2
        value = ops.relu(ops.convolution(value, weights, [1, 1], [pad, pad], [pad, pad], [1, 1]))
        value = _quantised(value, 0, 1, 256) if int8 else value
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = ov.Core().compile_model(ov.Model([value], [image]), "CPU", options).create_infer_request()
    pixels = rng.random((1, CHANNELS, PIXELS, PIXELS), np.float32)
    return lambda: request.infer([pixels], share_inputs=True), 2 * LAYERS * (CHANNELS * kernel * PIXELS) ** 2


def _quantised(value: Any, low: float, high: float, levels: int) -> Any:
    from openvino import opset13 as ops

    low_constant, high_constant = (ops.constant(np.float32(end)) for end in (low, high))
    return ops.fake_quantize(value, low_constant, high_constant, low_constant, high_constant, levels)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


FLOAT32 = {
    "numpy product": _numpy_f32,
    "torch product": _torch_f32,
    "OpenVINO 3x3 convolutions": lambda: _convolutions(3, int8=False),
}
INT8 = {
    "OpenVINO 1x1 convolutions": lambda: _convolutions(1, int8=True),
    "OpenVINO 3x3 convolutions": lambda: _convolutions(3, int8=True),
}


if __name__ == "__main__":
    main()
