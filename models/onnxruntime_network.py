"""A network on an NVIDIA GPU through ONNX Runtime."""

from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ionfront.core import UsageError

__all__ = ["OnnxRuntimeNetwork", "cuda_available"]

_PROVIDER = "CUDAExecutionProvider"


def cuda_available() -> bool:
    """Whether ONNX Runtime is installed with CUDA."""
    runtime = _runtime()
    return runtime is not None and _PROVIDER in runtime.get_available_providers()


class OnnxRuntimeNetwork:
    """An ONNX network on the first CUDA device.

    Args:
        content: The bytes of an ONNX file.

    Raises:
        UsageError: There is no ONNX Runtime with CUDA, or it finds no GPU.
    """

    def __init__(self, content: bytes) -> None:
        runtime = _runtime()
        if runtime is None or not cuda_available():
            raise UsageError(
                "device cuda was asked for, and ONNX Runtime has no CUDA here: install `ionfront[gpu]` on a machine "
                "with an NVIDIA GPU, or use --device cpu."
            )
        self._session = runtime.InferenceSession(content, providers=[_PROVIDER])
        if _PROVIDER not in self._session.get_providers():
            raise UsageError("device cuda was asked for, and no usable GPU was found: check `nvidia-smi`, or use cpu.")
        self._input = self._session.get_inputs()[0].name

    def logits(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits (phase, y, x) of a normalised tile (channel, y, x); edges are multiples of the network's stride."""
        (output,) = self._session.run(None, {self._input: np.ascontiguousarray(tile)[None]})
        return np.asarray(output[0], np.float32)


def _runtime() -> ModuleType | None:
    try:
        import onnxruntime
    except ImportError:  # an optional extra
        return None
    module: ModuleType = onnxruntime
    return module
