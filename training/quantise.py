"""An int8 copy of a model file: half the time on a CPU, with what it costs in accuracy measured and written into it.

NNCF's post-training quantisation: ranges of activations are read off calibration frames, weights become int8, and the
file stays ONNX, with QuantizeLinear and DequantizeLinear around its layers, which every engine knows.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ionfront.core import DEFAULT_SCHEME, MissingExtraError, ModelFileError, UsageError, atomic_output
from ionfront.models import Segmenter, load_segmenter, write_info
from ionfront.models.info import parse_model

from .frames import Frame, Labelled
from .judge import TOLERANCE_PX
from .scores import Counts, added, count, iou
from .synthetic import BUNDLED_FAMILIES, SceneFrames, Synthetic

__all__ = ["Quantised", "quantise", "split_frames", "synthetic_frames"]

_SCENES = {"calibration": 700_000, "held out": 710_000}  # offsets of scene seeds: neither trained on nor validated on

Tagged = tuple[Frame, int | None]


@dataclass(frozen=True)
class Quantised:
    """What the int8 model costs, on held-out frames.

    Attributes:
        phases: Names of the phases that occur in them.
        f32: IoU with the labels of the model as it was, by phase.
        int8: The same of the quantised one.
        agreement: Share of pixels that both label alike.
        frames: How many frames were held out.
    """

    phases: tuple[str, ...]
    f32: tuple[float, ...]
    int8: tuple[float, ...]
    agreement: float
    frames: int

    @property
    def loss(self) -> dict[str, float]:
        """Loss of IoU by phase."""
        return {name: before - after for name, before, after in zip(self.phases, self.f32, self.int8, strict=True)}

    def record(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "frames": self.frames,
            "agreement": self.agreement,
            "iou_f32": dict(zip(self.phases, self.f32, strict=True)),
            "iou_int8": dict(zip(self.phases, self.int8, strict=True)),
            "loss": self.loss,
        }


def quantise(
    path: Path,
    out: Path,
    calibration: Sequence[Tagged],
    held_out: Sequence[Tagged],
    *,
    most_loss: float = 0.01,
    force: bool = False,
    overwrite: bool = False,
) -> Quantised:
    """Write an int8 copy of a model file.

    Args:
        path: Model file, f32.
        out: Where the int8 one goes.
        calibration: Frames that activations are measured on.
        held_out: Labelled frames, others than these, that the loss is measured on.
        most_loss: Largest loss of IoU allowed in any phase.
        force: Write the file whatever it loses.
        overwrite: Whether a file at `out` may be replaced.

    Raises:
        ModelFileError: The model cannot be used, is int8 already, or loses more than is allowed.
        OutputExistsError: `out` exists.
        MissingExtraError: NNCF is not installed.
    """
    f32 = load_segmenter(path, device="cpu")
    model, info = parse_model(Path(path).read_bytes(), path)
    if info.precision != "f32":
        raise ModelFileError(
            f"{path} is {info.precision} already; an f32 model is needed: take the one it was made of."
        )
    frames = [f32.prepared(frame.load()[0]) for frame, _ in calibration]
    with atomic_output(out, overwrite=overwrite) as draft:
        quantised = _quantised(model, frames, info.architecture.stride)
        write_info(quantised, info.model_copy(update={"precision": "int8"}))
        onnx.save_model(quantised, draft)
        result = compare(f32, load_segmenter(draft, device="cpu"), held_out)
        _refuse_loss(result, most_loss, force)
        summary = {**info.training_summary, "quantisation": result.record()}
        write_info(quantised, info.model_copy(update={"precision": "int8", "training_summary": summary}))
        onnx.save_model(quantised, draft)
    return result


def compare(f32: Segmenter, int8: Segmenter, frames: Iterable[Tagged]) -> Quantised:
    """Both models on the same labelled frames."""
    n_phases = len(f32.info.phases)
    counts: tuple[list[Counts], list[Counts]] = ([], [])
    agreements = []
    for frame, ignore_label in frames:
        image, label = frame.load()
        said = f32.labels(image), int8.labels(image)
        agreements.append(np.mean(said[0] == said[1]))
        for of_model, labels in zip(counts, said, strict=True):
            of_model.append(count(labels, label, n_phases, ignore_label, TOLERANCE_PX))
    totals = [added(of_model) for of_model in counts]
    scores = [iou(total) for total in totals]
    labelled = np.flatnonzero(totals[0].confusion.sum(axis=-1))
    before, after = (tuple(float(score[phase]) for phase in labelled) for score in scores)
    return Quantised(
        tuple(f32.info.phases[k] for k in labelled), before, after, float(np.mean(agreements)), len(agreements)
    )


def synthetic_frames(kind: str, scenes: int, phases: tuple[str, ...]) -> list[Tagged]:
    """Frames of synthetic scenes for "calibration" or "held out".

    Raises:
        UsageError: The model knows other phases than the scenes.
    """
    if phases != DEFAULT_SCHEME.names:
        raise UsageError(
            f"the model knows phases {list(phases)}, synthetic frames show {list(DEFAULT_SCHEME.names)}; "
            "labelled frames of its own are needed: give --data."
        )
    seed = _SCENES[kind]
    settings = Synthetic(
        seed=seed, families=BUNDLED_FAMILIES, validation_scenes=scenes, validation_frames=2, averaged=(1, 3, 5)
    )
    return [(frame, None) for frame in SceneFrames(settings).frames]


def split_frames(labelled: Labelled) -> tuple[list[Tagged], list[Tagged]]:
    """Every other group calibrates, the rest is held out; frames, where there is one group only.

    Raises:
        UsageError: There are fewer than two frames.
    """
    frames: list[Tagged] = [(frame, labelled.ignore_label) for frame in labelled.frames]
    groups = sorted({frame.group for frame, _ in frames})
    chosen = set(groups[::2]) if len(groups) > 1 else {frame.name for frame, _ in frames[::2]}
    calibration = [item for item in frames if (item[0].group if len(groups) > 1 else item[0].name) in chosen]
    held_out = [item for item in frames if item not in calibration]
    if not held_out:
        raise UsageError(f"{len(frames)} labelled frame was given; one to calibrate and another to judge are needed.")
    return calibration, held_out


def _quantised(model: onnx.ModelProto, frames: Sequence[NDArray[np.float32]], stride: int) -> onnx.ModelProto:
    try:
        import nncf
        from onnxscript import optimizer
    except ImportError as error:
        raise MissingExtraError(
            f"quantisation needs {error.name}, which is not installed: pip install 'ionfront[train]'."
        ) from error
    name = model.graph.input[0].name
    trained = {tensor.name for tensor in model.graph.initializer}
    inputs = [{name: _whole_strides(frame, stride)[None]} for frame in frames]
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of the libraries, on their own internals
        nncf.set_log_level(logging.ERROR)
        plain = onnx.shape_inference.infer_shapes(optimizer.optimize(model))
        quantised: onnx.ModelProto = nncf.quantize(
            plain,
            nncf.Dataset(inputs),
            subset_size=len(inputs),
            preset=nncf.QuantizationPreset.MIXED,  # most of what a comparison works with has both signs
            ignored_scope=nncf.IgnoredScope(names=_in_float(plain, trained), validate=False),
        )
    return quantised


def _in_float(model: onnx.ModelProto, trained: set[str]) -> list[str]:
    """Nodes that stay as they are: the maps that the network is given, which are small differences and their squares,
    the first layer that learned, whose input channels differ in size, and the sum of logits.
    """
    outputs = {output.name for output in model.graph.output}
    of_layers: set[str] = set()  # tensors that a layer which learned had a part in; nodes come after what they take
    names = []
    for node in model.graph.node:
        learned = node.op_type == "Conv" and node.input[1] in trained
        within = bool(of_layers & set(node.input))
        if not within or outputs & set(node.output):
            names.append(node.name)
        if learned or within:
            of_layers |= set(node.output)
    return names


def _whole_strides(frame: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    rows, columns = (length // stride * stride for length in frame.shape[1:])
    return np.ascontiguousarray(frame[:, :rows, :columns])


def _refuse_loss(result: Quantised, most_loss: float, force: bool) -> None:
    worst = max(result.loss, key=lambda name: result.loss[name])
    if result.loss[worst] > most_loss and not force:
        raise ModelFileError(
            f"int8 loses {result.loss[worst]:.4f} of IoU in {worst}, at most {most_loss:g} is allowed: calibrate with "
            "more frames like yours (--data), allow more (--most-loss), or insist (--force)."
        )
