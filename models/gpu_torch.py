"""A network on an NVIDIA GPU through torch: channels last, one CUDA graph for each shape.

At a frame or two a millisecond a GPU waits for Python to start its kernels; a graph starts all of them at once.
docs/decisions/0016-torch-on-a-gpu.md.
"""

from . import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ionfront.core import ModelFileError, UsageError

from .info import read_info
from .openvino_network import OpenVinoNetwork
from .unet_torch import build_unet, load_weights, weights_from_onnx

__all__ = ["TorchNetwork"]

_KEPT_SHAPES = 4
_APART = 0.02  # of the logits' spread; TensorFloat-32 comes to less than 0.005
_CUDNN = partial(torch.backends.cudnn.flags, enabled=True, benchmark=True)  # by itself `flags` turns cuDNN off
_WARM_UP = 3  # runs before a capture, in which cuDNN chooses its algorithms


class TorchNetwork:
    """The network of a model file, in float32 (convolutions may use TensorFloat-32, torch's default).

    Args:
        path: ONNX file that IonFront wrote, not an int8 one.
        device: "cuda", or "cpu", where nothing is captured: for tests and comparisons.

    Raises:
        UsageError: The device is cuda, and torch finds none.
        ModelFileError: The file is absent, damaged, quantised, or no model of IonFront; or its network is not the one
            that torch builds of its description, as with files of an older IonFront.
    """

    def __init__(self, path: Path, device: str = "cuda") -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise UsageError(
                "device cuda was asked for, and torch finds no GPU that it can use: check `nvidia-smi`, install a "
                "torch that was built for CUDA, or use --device cpu."
            )
        info = read_info(path)
        unet = build_unet(info.architecture, len(info.phases))
        load_weights(unet, weights_from_onnx(path))
        self._unet: Any = unet.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._device = device
        self._turn = Lock()
        self._ready: OrderedDict[tuple[int, ...], Callable[[Tensor], Tensor]] = OrderedDict()
        self._compare_with(path, (info.architecture.channels, *2 * (4 * info.architecture.stride,)))

    def logits(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits (phase, y, x) of a normalised tile (channel, y, x); edges are multiples of the network's stride.

        Several threads may ask at once.
        """
        with self._turn:
            return np.asarray(self.batch_logits(torch.from_numpy(np.ascontiguousarray(tile))[None])[0].cpu().numpy())

    def batch_logits(self, tiles: Tensor) -> Tensor:
        """Logits (batch, phase, y, x) of tiles (batch, channel, y, x), on the device; the next call overwrites them."""
        shape = tuple(tiles.shape)
        if shape not in self._ready:
            if len(self._ready) == _KEPT_SHAPES:
                self._ready.popitem(last=False)
            self._ready[shape] = self._captured(shape) if self._device == "cuda" else self._forward
        self._ready.move_to_end(shape)
        return self._ready[shape](tiles)

    def _compare_with(self, path: Path, shape: tuple[int, ...]) -> None:
        tile = np.random.default_rng(0).random(shape, np.float32)
        theirs = OpenVinoNetwork(path.read_bytes()).logits(tile)
        apart = float(np.abs(self.logits(tile) - theirs).mean() / theirs.std())
        if not apart < _APART:
            raise ModelFileError(
                f"the network in {path} is not the one that its description makes in torch (logits {apart:.1%} apart); "
                "use --device cpu, or export it anew."
            )

    @torch.no_grad()
    def _forward(self, tiles: Tensor) -> Tensor:
        logits: Tensor = self._unet(tiles.contiguous(memory_format=torch.channels_last))
        return logits

    def _captured(self, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
        entry = torch.zeros(shape, device=self._device).contiguous(memory_format=torch.channels_last)
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside), _CUDNN():
            for _ in range(_WARM_UP):
                self._forward(entry)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph), _CUDNN():
            result = self._forward(entry)

        def replayed(tiles: Tensor) -> Tensor:
            entry.copy_(tiles)
            graph.replay()
            return result

        return replayed
