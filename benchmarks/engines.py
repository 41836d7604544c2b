"""How fast and how large each engine is on this machine, in one run: a Markdown table on stdout.

    python benchmarks/engines.py [--model FILE.onnx] [--sizes 512 1024 2048 4096] [--repeats 5]
        [--others-python OTHERS/bin/python [--atomai-train-minutes 60]]

Every row is measured in a process of its own, so that its peak memory is its own, libraries included. The peaks that
engines are held against are what the same cores reach in large matrix products (matrix_peaks.py), measured in the same
run. int8 is what `ionfront quantise` writes, calibrated on synthetic frames; `pip install nncf` brings it.

"IonFront" is a frame's whole way to probabilities, scaling, tiles and all sizes at which it is seen included, as
`ionfront analyze` goes it in f32 or with an int8 file; the rows after are the network alone, once. AtomAI's row is its
`predict` on the same frame, without coordinates of blobs; its CPU time is given in multiples of each row's. What the
labels of the two are worth is another table (same_frames.py), which --atomai-train-minutes adds.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ionfront.core import ModelFileError
from ionfront.datasets import random_scene
from ionfront.models import (
    Architecture,
    ModelInfo,
    Precision,
    bundled_segmenter,
    for_network,
    load_segmenter,
    normalise_channels,
    read_info,
    reduced,
)

NETWORKS = ("torch eager f32", "OpenVINO f32", "OpenVINO bf16", "OpenVINO int8")
ENGINES = ("IonFront f32", "IonFront bf16", "IonFront int8", *NETWORKS)
HERE = Path(__file__).parent
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
        _call([__file__, "--quantise", "--model", model, "--folder", folder])
        print_table(model, Path(folder), arguments)
    if arguments.others_python and arguments.atomai_train_minutes:
        print(flush=True)
        command = ["--others-python", arguments.others_python, "--model", model]
        minutes = ["--atomai-train-minutes", arguments.atomai_train_minutes]
        subprocess.run([sys.executable, HERE / "same_frames.py", *map(str, [*command, *minutes])], check=True)


def print_table(model: Path, folder: Path, arguments: argparse.Namespace) -> None:
    """One row an engine and frame size."""
    peaks = _peaks()
    print(f"CPU: {_cpu_name()}; features: {', '.join(_features()) or 'unknown'}")
    for precision, (by, gflops) in peaks.items():
        print(f"{precision} peak: {gflops:.0f} GFLOP/s ({by})")
    columns = ("engine", "frame", "ms a frame", "CPU ms", "AtomAI's CPU time", "peak memory [MB]", "GFLOP/s", "of peak")
    print(f"\n| {' | '.join(columns)} | same labels as f32 |\n|{'---|' * (len(columns) + 1)}")
    for size in arguments.sizes:
        atomai_ms = np.nan
        for engine, row in _rows(size, model, folder, arguments):
            atomai_ms = row["cpu_ms"] if engine == "AtomAI" else atomai_ms
            _, peak = peaks["int8" if "int8" in engine else "f32"]
            speed = row["gflop"] / (row["ms"] / 1000)
            agreement = f"{row['agreement']:.2%}" if "agreement" in row else ""
            print(
                f"| {engine} | {size}² | {row['ms']:.0f} | {row['cpu_ms']:.0f} | {atomai_ms / row['cpu_ms']:.1f} x "
                f"| {row['peak_mb']:.0f} | {speed:.0f} | {speed / peak:.0%} | {agreement} |",
                flush=True,
            )


def _rows(
    size: int, model: Path, folder: Path, arguments: argparse.Namespace
) -> Iterator[tuple[str, dict[str, float]]]:
    """Each engine's row as it is measured, AtomAI's first."""
    if arguments.others_python:
        try:
            yield "AtomAI", _atomai(size, model, folder, arguments)
        except SystemExit as error:  # large frames may need more memory than there is
            print(f"AtomAI labelled no frame of {size}² px: {error}", file=sys.stderr)
    for engine in ENGINES:
        command = ["--row", engine, size, "--model", model, "--folder", folder, "--repeats", arguments.repeats]
        yield engine, json.loads(_call([__file__, *command]))


def _atomai(size: int, model: Path, folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """AtomAI's `predict` on the frame, without a reference, in its own environment."""
    np.save(folder / "stacks.npy", _channels(model, size, 1)[0][:1, None])
    helper = ["-E", HERE / "others" / "atomai_engine.py"]  # -E: paths set for IonFront are not for it
    files = ["predict", folder / "stacks.npy", folder / "labels.npy"]
    numbers = ["--phases", len(read_info(model).phases), "--repeats", arguments.repeats]
    row: dict[str, float] = json.loads(_call([*helper, *files, *numbers], arguments.others_python))
    return row


def measure(engine: str, size: int, model: Path, folder: Path, repeats: int) -> dict[str, float]:
    """Median times of a frame and peak memory of this process, measured before anything is compared."""
    channels = _channels(model, size, 1)[0]
    frame = reduced(channels, read_info(model).reduction) if engine in NETWORKS else channels
    forward = _forward(engine, model, folder)
    forward(frame)
    wall_s, cpu_s = np.median([_times(lambda: forward(frame)) for _ in range(repeats)], axis=0)
    row = {"ms": 1000 * wall_s, "cpu_ms": 1000 * cpu_s, "peak_mb": _peak_mb()}
    row["gflop"] = _gflop(model, size) * (1.0 if engine in NETWORKS else _views(model, size))
    if engine in NETWORKS:
        reference = _forward("OpenVINO f32", model, folder)(frame)
        row["agreement"] = float((forward(frame).argmax(0) == reference.argmax(0)).mean())
    return row


def _peaks() -> dict[str, tuple[str, float]]:
    """By precision, what reaches most, and how much [GFLOP/s]."""
    measured = json.loads(_call([HERE / "matrix_peaks.py", "--json"]))
    return {precision: max(found.items(), key=lambda item: item[1]) for precision, found in measured.items()}


def quantise(model: Path, folder: Path) -> None:
    """Write the int8 copy that `ionfront quantise` makes into `folder`, whatever it loses."""
    from ionfront.training.quantise import quantise as quantised
    from ionfront.training.quantise import synthetic_frames

    phases = read_info(model).phases
    frames = [synthetic_frames(kind, 8, phases) for kind in ("calibration", "held out")]
    quantised(model, folder / "int8.onnx", *frames, force=True)


def _forward(engine: str, model: Path, folder: Path) -> Forward:
    match engine:
        case "torch eager f32":
            return _torch_forward(model)
        case "IonFront int8":
            return _segmenter_forward(folder / "int8.onnx", "f32")
        case "IonFront f32" | "IonFront bf16":
            return _segmenter_forward(model, engine.split()[-1])
        case "OpenVINO int8":
            return _openvino_forward(folder / "int8.onnx", "bf16")
        case _:
            return _openvino_forward(model, engine.split()[-1])


def _segmenter_forward(model: Path, precision: Precision) -> Forward:
    segmenter = load_segmenter(model, device="cpu", precision=precision)
    return lambda channels: segmenter.probabilities(channels if len(channels) == 2 else channels[0])


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
    """Floating-point operations of a frame of this edge, a multiplication and an addition counted as two."""
    info, network = read_info(model), _torch_network(model)
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counted = 256  # pixels; work goes with the area
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, info.architecture.channels, counted, counted))
    return float(counter.get_total_flops()) * (size / info.reduction / counted) ** 2 / 1e9


def _views(model: Path, size: int) -> float:
    """Area of all sizes at which a frame is seen, over that of the frame."""
    return float(sum(scale**-2 for scale in load_segmenter(model, device="cpu").scales((size, size))))


def _channels(model: Path, size: int, count: int) -> list[np.ndarray]:
    """Normalised synthetic frames with the channels that the model takes, not yet reduced, each (channel, y, x)."""
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


def _times(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU time [s], the latter of all threads, system calls included."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _peak_mb() -> float:
    """Largest resident size of this process [MB]."""
    status = Path("/proc/self/status")
    if status.is_file():  # on Linux ru_maxrss starts at the parent's size, this does not
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def _call(arguments: list[Any], python: Path | str = sys.executable) -> str:
    done = subprocess.run([str(python), *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr or f"{arguments[0]} ended with {done.returncode}")
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
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048, 4096], help="frame edges [px]")
    parser.add_argument("--repeats", type=int, default=5, help="timed frames a row; the median counts")
    parser.add_argument("--others-python", type=Path, help="interpreter that has atomai; docs/benchmarks.md has how")
    parser.add_argument("--atomai-train-minutes", type=float, help="train AtomAI so long and compare labels, too")
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
