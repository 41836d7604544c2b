"""What a model file says about itself: JSON under one key of the ONNX metadata."""

from pathlib import Path
from typing import Any, Literal

import onnx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ionfront.core import ModelFileError, PhaseScheme

from .domain import Domain
from .normalise import Normalisation

__all__ = ["FORMAT_VERSION", "METADATA_KEY", "Architecture", "ModelInfo", "parse_model", "read_info", "write_info"]

FORMAT_VERSION = 3  # 2 adds architecture.channels and reduction; 3 adds precision, domain and architecture.textures
METADATA_KEY = "ionfront"


class Architecture(BaseModel):
    """A U-Net, in the words of segmentation-models-pytorch; one decoder width for each encoder stage, deepest first.

    Attributes:
        channels: 1 for a network that looks at a frame alone, 2 for one that compares it with a reference: how the
            specimen looked at first.
        textures: Whether maps of local texture are among the channels that the encoder is given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    decoder: Literal["Unet"] = "Unet"
    encoder: str = "resnet18"
    encoder_depth: int = Field(default=4, ge=1, le=5)
    decoder_channels: tuple[int, ...] = (128, 64, 32, 16)
    channels: int = Field(default=1, ge=1, le=2)
    textures: bool = False

    @property
    def stride(self) -> int:
        """Frame edges must be multiples of this [px]."""
        return int(2**self.encoder_depth)


class ModelInfo(BaseModel):
    """Metadata of a segmentation model.

    Attributes:
        format_version: Version of this record; newer ones than `FORMAT_VERSION` are refused.
        name: What the model is called.
        version: Version of the weights.
        phases: Names by label id, background first.
        reaction_order: Phase names in reaction order; empty when the labels are no reaction.
        normalisation: Scale of the frames that the network was trained on.
        reduction: The network sees means of blocks of this many pixels, squared.
        field_px: Edge of the frames trained on; larger ones are seen at several sizes. None for a network that was
            trained on the frames it is for, as they are.
        pixel_size_range_nm: Smallest and largest pixel trained on [nm]; None when unknown.
        precision: Arithmetic of the network's layers; "int8" for a file that `ionfront quantise` wrote.
        temperature: Logits are divided by this before the softmax; fitted on validation frames.
        domain: Where the frames end that it was trained on; None when nobody knows.
        run_id: Training run in MLflow; empty when there was none.
        licence: Licence of the weights.
        architecture: The network, enough to build it again in torch.
        training_summary: Data, scores and settings worth carrying along.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = FORMAT_VERSION
    name: str
    version: str
    phases: tuple[str, ...] = Field(min_length=2)
    reaction_order: tuple[str, ...] = ()
    normalisation: Normalisation = Normalisation()
    reduction: int = Field(default=1, ge=1)
    field_px: int | None = Field(default=None, ge=1)
    pixel_size_range_nm: tuple[float, float] | None = None
    precision: Literal["f32", "int8"] = "f32"
    temperature: float = Field(default=1.0, gt=0)
    domain: Domain | None = None
    run_id: str = ""
    licence: str = "unknown"
    architecture: Architecture = Architecture()
    training_summary: dict[str, Any] = {}

    @property
    def scheme(self) -> PhaseScheme:
        """Phases and their reaction order."""
        return PhaseScheme(self.phases, self.reaction_order)


def read_info(path: Path) -> ModelInfo:
    """Metadata of a model file.

    Raises:
        ModelFileError: No such file, not ONNX, no metadata, or a newer format.
    """
    return parse_model(_read_bytes(path), path)[1]


def parse_model(content: bytes, path: Path) -> tuple[onnx.ModelProto, ModelInfo]:
    """The ONNX graph in `content` and its metadata; `path` is for messages alone.

    Raises:
        ModelFileError: Not ONNX, weights kept in other files, no metadata, or a newer format.
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # a parser of foreign bytes may raise anything
        raise ModelFileError(
            f"{path} is not an ONNX file ({error}); a model exported by IonFront is needed. "
            "Copy the file again, or export it anew with `ionfront train segmenter`."
        ) from error
    _refuse_external_weights(model, path)
    return model, _parse_info(model, path)


def write_info(model: onnx.ModelProto, info: ModelInfo) -> None:
    """Put the metadata into an ONNX graph, in place of what was there under this key, in the newest format version."""
    info = info.model_copy(update={"format_version": FORMAT_VERSION})
    properties = {entry.key: entry.value for entry in model.metadata_props}
    properties[METADATA_KEY] = info.model_dump_json()
    onnx.helper.set_model_props(model, properties)


def _read_bytes(path: Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelFileError(
            f"{path} cannot be read ({error.strerror}); a model file (.onnx) is needed: check the path."
        ) from error


def _refuse_external_weights(model: onnx.ModelProto, path: Path) -> None:
    # A file that points to other files is no self-describing model, and could name any file on the disk.
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ModelFileError(
            f"{path} keeps its weights in other files; one self-contained ONNX file is needed: export it anew."
        )


def _parse_info(model: onnx.ModelProto, path: Path) -> ModelInfo:
    text = next((entry.value for entry in model.metadata_props if entry.key == METADATA_KEY), None)
    if text is None:
        raise ModelFileError(
            f"{path} has no `{METADATA_KEY}` metadata; phases and normalisation are needed to use a model. "
            "Use a file that `ionfront train segmenter` or `ionfront finetune` wrote."
        )
    try:
        version = _Versioned.model_validate_json(text).format_version
        if version > FORMAT_VERSION:
            raise ModelFileError(
                f"{path} has format version {version}; this IonFront reads up to {FORMAT_VERSION}: update IonFront."
            )
        return ModelInfo.model_validate_json(text)
    except ValidationError as error:
        raise ModelFileError(
            f"the metadata of {path} is damaged ({error.error_count()} faults, first: {error.errors()[0]['msg']}); "
            "copy the file again or export it anew."
        ) from error


class _Versioned(BaseModel):
    """The one field that every format version has."""

    format_version: int
