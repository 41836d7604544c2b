"""A network on the CPU through OpenVINO."""

from collections import OrderedDict
from threading import Lock
from typing import Any, Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray

__all__ = ["OpenVinoNetwork"]

_KEPT_SHAPES = 8  # a large frame is seen at up to five sizes

# OpenVINO makes its table of numpy types at the first look into a tensor. Where two threads look first at once, one
# waits for the table with the interpreter's lock, and the other for that lock with the table: both for ever.
_ = ov.Tensor(np.zeros(1, np.float32)).data


class OpenVinoNetwork:
    """An ONNX network compiled once for each tile shape, the last eight shapes kept; threads take turns.

    Args:
        content: The bytes of an ONNX file.
        precision: Arithmetic of the heavy layers; a CPU without bfloat16 instructions may take float32 all the same.
        threads: CPU threads; None leaves the choice to OpenVINO.
    """

    def __init__(self, content: bytes, precision: Literal["f32", "bf16"] = "f32", threads: int | None = None) -> None:
        self._core = ov.Core()
        self._model = self._core.read_model(content, b"")
        self._options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._turn = Lock()

    def logits(self, tile: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits (phase, y, x) of a normalised tile (channel, y, x); edges are multiples of the network's stride."""
        with self._turn:
            request = self._request(tile.shape)
            request.infer([np.ascontiguousarray(tile)[None]])
            return np.array(request.get_output_tensor(0).data[0], np.float32)

    def _request(self, shape: tuple[int, ...]) -> Any:
        if shape not in self._compiled:
            if len(self._compiled) == _KEPT_SHAPES:
                self._compiled.popitem(last=False)
            fixed = self._model.clone()
            fixed.reshape([1, *shape])
            self._compiled[shape] = self._core.compile_model(fixed, "CPU", self._options).create_infer_request()
        self._compiled.move_to_end(shape)
        return self._compiled[shape]
