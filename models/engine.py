"""From a frame to phases: the light engine that analysis, acquisition and serving share. No torch here."""

import ctypes
import hashlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionfront.core import ModelFileError, UsageError, core_quota
from ionfront.datasets import block_means, likeliest

from .info import ModelInfo, parse_model
from .normalise import for_network, normalise_channels
from .reduction import enlarged, reduced, surest
from .shipped import bundled_segmenter
from .tiling import Tiling, apply_tiled

__all__ = ["Device", "Network", "Precision", "Segmenter", "load_segmenter"]

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["f32", "bf16"]


class Network(Protocol):
    """Anything that turns a normalised tile (channel, y, x) into logits (phase, y, x)."""

    def logits(self, tile: NDArray[np.float32], /) -> NDArray[np.float32]: ...


class Segmenter:
    """A trained segmentation model, ready for frames of any size.

    Attributes:
        info: What the model file says about itself.
        sha256: Digest of the model file, hexadecimal.
    """

    def __init__(self, network: Network, info: ModelInfo, sha256: str, tiling: Tiling | None = None) -> None:
        self.info = info
        self.sha256 = sha256
        self._network = network
        self._tiling = tiling or Tiling(stride_px=info.architecture.stride)

    @property
    def compares(self) -> bool:
        """Whether the model compares a frame with a reference."""
        return self.info.architecture.channels == 2

    def probabilities(self, frame: ArrayLike) -> NDArray[np.float32]:
        """Calibrated probability of each phase, shape (phase, y, x), adding up to one at each pixel.

        Args:
            frame: Grey values of any real type, shape (y, x), or (2, y, x) with a reference behind the frame: how the
                specimen looked at first, lying under the frame. A model that compares takes a frame without one for
                its own reference; a model that does not leaves it out.

        Raises:
            UsageError: The frame is not one grey image, with or without a reference.
        """
        rows, columns = np.shape(frame)[-2:]
        found = [self.inferred(view) for view in self.views(frame)]
        return enlarged(surest(found), self.info.reduction, (rows, columns))

    def labels(self, frame: ArrayLike) -> NDArray[np.uint8]:
        """Label id of the likeliest phase at each pixel, shape (y, x); `frame` as for `probabilities`."""
        return likeliest(self.probabilities(frame))

    def scales(self, shape: tuple[int, int]) -> tuple[int, ...]:
        """By how much a frame (y, x) is made smaller each time that the network looks at it, rising from 1.

        A frame larger than those trained on is seen at halved sizes too, for as long as it is no smaller than they
        were: at its own size, what tells a phase lies beyond what the network sees.
        """
        fitting = 0 if self.info.field_px is None else int(np.log2(max(1.0, min(shape) / self.info.field_px)))
        return tuple(2**halvings for halvings in range(fitting + 1))

    def views(self, frame: ArrayLike) -> Iterator[NDArray[np.float32]]:
        """A frame as the network sees it at each of its `scales`; `frame` as for `probabilities`."""
        seen = np.asarray(frame)
        for smaller in self.scales((seen.shape[-2], seen.shape[-1])):
            seen = seen if smaller == 1 else block_means(seen, 2)
            yield self.prepared(seen)

    def prepared(self, frame: ArrayLike) -> NDArray[np.float32]:
        """A frame as the network sees it, normalised and reduced, shape (channel, y / reduction, x / reduction).

        Args:
            frame: As for `probabilities`.

        Raises:
            UsageError: The frame is not one grey image, with or without a reference.
        """
        channels = normalise_channels(frame, self.info.normalisation)
        return reduced(for_network(channels, self.info.architecture.channels), self.info.reduction)

    def inferred(self, prepared: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (phase, y, x) of a prepared frame or a part of one, of the size that was given."""
        return apply_tiled(prepared, self._tile_probabilities, self._tiling)

    def _tile_probabilities(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        return _softmax(self._network.logits(tile), self.info.temperature)


def load_segmenter(
    path: Path | None = None,
    *,
    device: Device = "auto",
    precision: Precision = "f32",
    threads: int | None = None,
) -> Segmenter:
    """Load a model file for inference.

    Args:
        path: ONNX file; None takes the bundled model.
        device: "auto" takes a GPU where torch can use one, else the CPU.
        precision: Arithmetic on the CPU; see the measurements in `benchmarks/engines.py`.
        threads: CPU threads; None takes all cores, or as many as a container grants.

    Raises:
        ModelFileError: The file is absent, damaged, or no model of IonFront.
        UsageError: The device or the precision cannot be had.
    """
    path = bundled_segmenter() if path is None else Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"{path} cannot be read ({error.strerror}); a model file (.onnx) is needed: check the path."
        ) from error
    _, info = parse_model(content, path)
    network = _open_network(content, path, info, device, precision, threads)
    return Segmenter(network, info, hashlib.sha256(content).hexdigest())


def _open_network(
    content: bytes, path: Path, info: ModelInfo, device: Device, precision: Precision, threads: int | None
) -> Network:
    if device == "cuda":
        return _gpu_network(path, precision)
    if device == "auto" and precision == info.precision == "f32" and _driver_installed():
        try:
            return _gpu_network(path, precision)
        except UsageError:
            pass  # no torch that can use it
        except ModelFileError as error:  # the file's own graph says what is right
            warnings.warn(f"{error} The CPU is used.", stacklevel=3)
    from .openvino_network import OpenVinoNetwork  # late: half a second that `--help` need not wait for

    try:
        rest: Precision = "bf16" if info.precision == "int8" else precision  # what an int8 file leaves in float
        return OpenVinoNetwork(content, rest, core_quota() if threads is None else threads)
    except RuntimeError as error:
        raise ModelFileError(
            f"{path} holds a network that cannot be run ({str(error).splitlines()[0]}): export it anew."
        ) from error


def _gpu_network(path: Path, precision: Precision) -> Network:
    if precision != "f32":
        raise UsageError(f"precision {precision} was asked for on a GPU; the GPU engine computes in f32: leave it.")
    try:
        from .gpu_torch import TorchNetwork
    except ImportError as error:
        raise UsageError(
            "device cuda was asked for, and torch is not installed: install `ionfront[gpu]`, or use --device cpu."
        ) from error
    return TorchNetwork(path)


def _driver_installed() -> bool:
    """Whether NVIDIA's driver is here; to ask torch would take seconds on every machine without."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    scaled = logits / np.float32(temperature)
    scaled -= scaled.max(axis=0)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=0)
    return scaled
