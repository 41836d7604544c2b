"""How fast the network is on a GPU: frames a second at batch 1 and 16, memory, and agreement with the CPU engine.

    pip install ".[gpu]"; python benchmarks/gpu.py [--model FILE.onnx] [--sizes 512 1024 2048] [--batches 1 16]

"from the host" counts the way of frames to the GPU and of logits back, "on the GPU" the network alone. Random frames:
what is in them does not change the speed.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ionfront.models import bundled_segmenter, read_info
from ionfront.models.gpu_torch import TorchNetwork
from ionfront.models.openvino_network import OpenVinoNetwork


def main() -> None:
    """Print one row for each frame size and batch."""
    options = _options()
    model = options.model or bundled_segmenter()
    info = read_info(model)
    network, cpu = TorchNetwork(model), OpenVinoNetwork(model.read_bytes())
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {info.name} {info.version}\n")
    print("| frame | batch | frames/s from the host | frames/s on the GPU | GPU memory [MB] | same labels as the CPU |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes:
        edge = size // info.reduction
        for batch in options.batches:
            shape = (batch, info.architecture.channels, edge, edge)
            tiles = torch.from_numpy(np.random.default_rng(0).random(shape, np.float32)).pin_memory()
            torch.cuda.reset_peak_memory_stats()
            labels = network.batch_logits(tiles)[0].argmax(0).cpu().numpy()
            same = (labels == cpu.logits(tiles[0].numpy()).argmax(0)).mean()
            there = tiles.cuda()
            host = batch / _seconds(lambda tiles=tiles: network.batch_logits(tiles).cpu(), options.repeats)
            alone = batch / _seconds(lambda there=there: network.batch_logits(there), options.repeats)
            memory = torch.cuda.max_memory_allocated() / 2**20
            print(f"| {size}² | {batch} | {host:.0f} | {alone:.0f} | {memory:.0f} | {same:.2%} |", flush=True)


def _seconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of one call [s], after two that do not count."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return float(np.median(times[2:]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None, help="the bundled model if not given")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048], help="frame edges [px]")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--repeats", type=int, default=50)
    return parser.parse_args()


if __name__ == "__main__":
    main()
