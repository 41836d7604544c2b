"""How fast and how large each engine is on this machine, in one run: a Markdown table on stdout.

    python benchmarks/engines.py [--model FILE.onnx] [--sizes 512 1024 2048] [--repeats 5]

Every row is measured in a process of its own, so that its peak memory is its own, libraries included. The
matrix-product peak is what the same cores reach in a large float32 product, measured in the same run. int8 is NNCF's
post-training quantisation, calibrated on synthetic frames; `pip install nncf` brings it.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ionfront.core import ModelFileError
from ionfront.datasets import random_scene
from ionfront.models import (
    Architecture,
    ModelInfo,
    bundled_segmenter,
    for_network,
    normalise_channels,
    read_info,
)

ENGINES = ("torch eager f32", "OpenVINO f32", "OpenVINO bf16", "OpenVINO int8")
FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
Forward = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure all engines and print the table."""
    arguments = _arguments()
    if arguments.row is not None:
        engine, size = arguments.row
        print(json.dumps(measure(engine, int(size), arguments.model, arguments.folder, arguments.repeats)))
        return
    with tempfile.TemporaryDirectory() as folder:
        model = arguments.model or _default_model(Path(folder))
        _call(["--quantise", "--model", model, "--folder", folder])
        print_table(model, Path(folder), arguments.sizes, arguments.repeats)


def print_table(model: Path, folder: Path, sizes: list[int], repeats: int) -> None:
    """One row an engine and frame size."""
    peak = sgemm_gflops()
    print(f"CPU: {_cpu_name()}; features: {', '.join(_features()) or 'unknown'}")
    print(f"float32 matrix product: {peak:.0f} GFLOP/s\n")
    print("| engine | frame | ms a frame | peak memory [MB] | GFLOP/s | of matrix-product peak | same labels as f32 |")
    print("|---|---|---|---|---|---|---|")
    for size in sizes:
        work = float("nan")
        for engine in ENGINES:
            command = ["--row", engine, size, "--model", model, "--folder", folder, "--repeats", repeats]
            row = json.loads(_call(command))
            work = row.get("gflop", work)
            speed = work / (row["ms"] / 1000)
            print(
                f"| {engine} | {size}² | {row['ms']:.0f} | {row['peak_mb']:.0f} | {speed:.0f} | {speed / peak:.0%} "
                f"| {row['agreement']:.2%} |",
                flush=True,
            )


def measure(engine: str, size: int, model: Path, folder: Path, repeats: int) -> dict[str, float]:
    """Median time of a frame and peak memory of this process, measured before anything is compared."""
    frame = _frames(model, size, 1)[0]
    row: dict[str, float] = {}
    forward = _forward(engine, model, folder)
    forward(frame)
    times = [_seconds(lambda: forward(frame)) for _ in range(repeats)]
    row["ms"] = 1000 * float(np.median(times))
    row["peak_mb"] = _peak_mb()
    reference = _forward("OpenVINO f32", model, folder)(frame)
    row["agreement"] = float((forward(frame).argmax(0) == reference.argmax(0)).mean())
    if engine.startswith("torch"):
        row["gflop"] = _gflop(model, size)
    return row


def sgemm_gflops(edge: int = 3000) -> float:
    """Best of five float32 products of square matrices [GFLOP/s]."""
    a = np.random.default_rng(0).random((edge, edge), np.float32)
    return 2 * edge**3 / min(_seconds(lambda: a @ a) for _ in range(5)) / 1e9


def quantise(model: Path, folder: Path) -> None:
    """Write the int8 network as OpenVINO IR into `folder`."""
    import nncf
    import openvino as ov

    network = ov.Core().read_model(model)
    frames = [frame[None] for frame in _frames(model, 320, 24)]
    ov.save_model(nncf.quantize(network, nncf.Dataset(frames), subset_size=len(frames)), folder / "int8.xml")


def _forward(engine: str, model: Path, folder: Path) -> Forward:
    match engine:
        case "torch eager f32":
            return _torch_forward(model)
        case "OpenVINO int8":
            return _openvino_forward(folder / "int8.xml", "f32")
        case _:
            return _openvino_forward(model, engine.split()[-1])


def _torch_forward(model: Path) -> Forward:
    network = _torch_network(model)
    import torch

    def forward(frame: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            tensor = torch.from_numpy(frame)[None].contiguous(memory_format=torch.channels_last)
            logits: np.ndarray = network(tensor)[0].numpy()
            return logits

    return forward


def _openvino_forward(path: Path, precision: str) -> Forward:
    import openvino as ov

    core = ov.Core()
    network = core.read_model(path)
    requests: dict[Any, Any] = {}

    def forward(frame: np.ndarray) -> np.ndarray:
        if frame.shape not in requests:
            network.reshape([1, *frame.shape])
            options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
            requests[frame.shape] = core.compile_model(network, "CPU", options).create_infer_request()
        request = requests[frame.shape]
        request.infer([frame[None]])
        return np.array(request.get_output_tensor(0).data[0], np.float32)

    return forward


def _torch_network(model: Path) -> Any:
    from ionfront.models.unet_torch import build_unet, load_weights, weights_from_onnx

    info = read_info(model)
    unet = build_unet(info.architecture, len(info.phases))
    load_weights(unet, weights_from_onnx(model))
    import torch

    return unet.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _gflop(model: Path, size: int) -> float:
    """Floating-point operations of one frame, a multiplication and an addition counted as two."""
    network = _torch_network(model).to("meta")
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, read_info(model).architecture.channels, size, size, device="meta"))
    return float(counter.get_total_flops()) / 1e9


def _frames(model: Path, size: int, count: int) -> list[np.ndarray]:
    """Normalised synthetic frames as the model takes them, each (channel, size, size)."""
    info = read_info(model)
    scenes = [random_scene(seed, min(size, 512), 8) for seed in range(count)]
    repeats = -(-size // min(size, 512))
    pairs = [np.stack([scene.frame(seed % 8)[0], scene.frame(0)[0]]) for seed, scene in enumerate(scenes)]
    tiled = [np.tile(pair, (1, repeats, repeats))[:, :size, :size] for pair in pairs]
    return [for_network(normalise_channels(frame, info.normalisation), info.architecture.channels) for frame in tiled]


def _default_model(folder: Path) -> Path:
    try:
        return bundled_segmenter()
    except ModelFileError:  # weights do not change the speed
        from ionfront.models.unet_torch import build_unet
        from ionfront.training.export import export_segmenter

        info = ModelInfo(name="random", version="0", phases=("a", "b", "c", "d", "e"))
        export_segmenter(build_unet(Architecture(), 5), info, folder / "random.onnx")
        return folder / "random.onnx"


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _peak_mb() -> float:
    """Largest resident size of this process [MB]."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux ru_maxrss starts at the parent's size, this does not
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def _call(arguments: list[Any]) -> str:
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def _cpu_name() -> str:
    names = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _features() -> list[str]:
    flags = next((line.split(":")[1].split() for line in _cpuinfo() if line.startswith("flags")), [])
    return [name for name in FEATURES if name in flags]


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.is_file() else []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="model file; the bundled one if not given")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048], help="frame edges [px]")
    parser.add_argument("--repeats", type=int, default=5, help="timed frames a row; the median counts")
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--quantise", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.quantise:
        quantise(arguments.model, arguments.folder)
        sys.exit()
    return arguments


if __name__ == "__main__":
    main()
