"""A trained network becomes one self-describing ONNX file, checked against torch before it takes its place."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
import contextlib
import io
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from ionfront.core import ModelFileError, atomic_output
from ionfront.models import Architecture, ModelInfo, write_info
from ionfront.models.openvino_network import OpenVinoNetwork

__all__ = ["TOLERANCE", "export_segmenter", "rewrite_info", "to_onnx"]

TOLERANCE = 1e-3
"""Largest difference allowed between a logit from torch and from the exported file."""


def export_segmenter(network: nn.Module, info: ModelInfo, path: Path, *, overwrite: bool = False) -> None:
    """Write a network with its metadata; it is whole or absent.

    Args:
        network: From frames (batch, channel, y, x) to logits (batch, phase, y, x); any batch and
            any multiple of the stride.
        info: Metadata.
        path: Where the model file goes.
        overwrite: Whether a file there may be replaced.

    Raises:
        ModelFileError: The exported file disagrees with torch.
        OutputExistsError: There is a file already.
    """
    training = network.training
    network.eval().cpu()
    with atomic_output(Path(path), overwrite=overwrite) as draft:
        channels, edge = info.architecture.channels, info.architecture.stride
        example = torch.zeros(2, channels, 4 * edge, 5 * edge)
        # not optimised: initialisers keep their torch names, so that the file can be trained on
        model = to_onnx(network, example, (0, 2, 3), "frame", ["logits"], optimize=False)
        write_info(model, info)
        onnx.save_model(model, draft)
        _verify(network, draft, info.architecture)
    network.train(training)


def rewrite_info(path: Path, info: ModelInfo) -> None:
    """Replace the metadata of a model file, whose weights stay bit for bit."""
    model = onnx.load_model(path)
    write_info(model, info)
    with atomic_output(Path(path), overwrite=True) as draft:
        onnx.save_model(model, draft)


def to_onnx(
    network: nn.Module,
    example: torch.Tensor,
    dynamic: Sequence[int],
    input_name: str,
    output_names: Sequence[str],
    *,
    optimize: bool = True,
) -> onnx.ModelProto:
    """A network of one input as an ONNX graph, without the traces that the exporter leaves at every node.

    They hold paths of the machine that a model was made on.

    Args:
        network: In evaluation mode.
        example: What it may be given.
        dynamic: Axes of it that may have any size.
        input_name, output_names: In the graph.
        optimize: Whether the exporter may fold and rename.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # the exporter's notes on its own internals
        file = Path(folder) / "network.onnx"
        torch.onnx.export(
            network,
            (example,),
            file,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_shapes=(dict.fromkeys(dynamic, torch.export.Dim.DYNAMIC),),
            dynamo=True,
            optimize=optimize,
            external_data=False,
            verbose=False,
        )
        model = onnx.load_model(file)
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
    return model


def _verify(network: nn.Module, path: Path, architecture: Architecture) -> None:
    shape = (architecture.channels, 3 * architecture.stride, 5 * architecture.stride)
    frame = np.random.default_rng(0).normal(0.5, 0.4, shape).astype(np.float32)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(frame)[None])[0].numpy()
    exported = OpenVinoNetwork(path.read_bytes()).logits(frame)
    difference = float(np.abs(exported - wanted).max())
    if not difference <= TOLERANCE:
        raise ModelFileError(
            f"the exported network differs from torch by {difference:.2g} in a logit, {TOLERANCE:g} is allowed: "
            "train again with a smaller learning rate, or choose another encoder."
        )
