"""The kinetics head: front speed, exponent and rate law of a reaction that nobody has filmed yet, and why.

log10 of the mean speed is a physical mean plus a residual that an ensemble of networks has learned; exponent, law and
whether the front goes through come from the ensemble alone. The file is ONNX with its facts in the metadata.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ionfront.core import ModelFileError

from .kinetics_features import DESCRIPTORS, FEATURES, descriptors, features
from .physical_mean import contributions
from .reaction import Reactions

__all__ = [
    "EXPONENT_LEVELS",
    "SPEED_LEVELS",
    "HeadInfo",
    "KineticsHead",
    "KineticsPrediction",
    "load_kinetics_head",
    "write_head_info",
]

Floats = NDArray[np.float64]

SPEED_LEVELS: tuple[float, ...] = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)
"""Quantiles of the residual that the network says."""

EXPONENT_LEVELS: tuple[float, ...] = (0.025, 0.5, 0.975)

METADATA_KEY = "ionfront-kinetics"
_FORMAT_VERSION = 2
_MIDDLE = SPEED_LEVELS.index(0.5)


class HeadInfo(BaseModel):
    """What a kinetics head's file says of it.

    Attributes:
        format_version: Of this record; others are refused.
        name, version, licence, run_id: As for a segmenter.
        features: What the network is told, in order.
        mean, spread: Of the features in training; the network is given (feature - mean)/spread.
        least, most: Of each descriptor in training; beyond them a prediction is out of domain.
        widen: What both ends of the 95 % interval of log10 speed move outward, so that hosts left out are covered.
        widen_exponent: The same for the exponent.
        training_summary: Data, scores and settings worth carrying along.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = _FORMAT_VERSION
    name: str
    version: str
    licence: str = "unknown"
    run_id: str = ""
    features: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]
    widen: float = Field(ge=0)
    widen_exponent: float = Field(ge=0)
    training_summary: dict[str, Any] = {}


@dataclass(frozen=True)
class KineticsPrediction:
    """Predictions for n reactions.

    Attributes:
        log_speed: Median, low and high end at 95 % of log10 of the mean speed [nm/s], shape (n, 3).
        quantiles: All of `SPEED_LEVELS` of it, shape (n, 7).
        contributions: What it is made of on the log scale, shape (n, 8): `PARTS`, what was learned of the unknowns,
            and what orders that were seen add. Their sum is the median, exactly.
        exponent: Median, low and high end at 95 %, shape (n, 3).
        laws: Probability of each of `LAW_NAMES`, shape (n, 4).
        through: Probability that the front goes all the way, shape (n,).
        disagreement: Standard deviation of the medians of the ensemble's members, shape (n,).
        outside: For each reaction the descriptors that lie outside what the head was trained on.
    """

    log_speed: Floats
    quantiles: Floats
    contributions: Floats
    exponent: Floats
    laws: Floats
    through: Floats
    disagreement: Floats
    outside: tuple[tuple[str, ...], ...]


class KineticsHead:
    """A trained head.

    Attributes:
        info: What its file says of it.
        sha256: Digest of the file, hexadecimal.

    Args:
        content: The bytes of its file.
        info: Its metadata.
        threads: CPU threads.
    """

    def __init__(self, content: bytes, info: HeadInfo, threads: int = 1) -> None:
        core = ov.Core()
        options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        self.info = info
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._request = core.compile_model(core.read_model(content, b""), "CPU", options).create_infer_request()

    def predict(self, reactions: Reactions) -> KineticsPrediction:
        """Predictions for reactions, however many."""
        parts = contributions(reactions)
        told = (features(reactions, parts) - np.array(self.info.mean)) / np.array(self.info.spread)
        self._request.infer([np.ascontiguousarray(told, np.float32)])
        residual, exponent, laws, through, disagreement, seen = (
            np.array(self._request.get_output_tensor(k).data, float) for k in range(6)
        )
        mean = parts.sum(axis=1, keepdims=True)
        quantiles = mean + residual
        widen = self.info.widen * np.array([0.0, -1.0, 1.0])
        by_descriptor = descriptors(reactions)
        beyond = (by_descriptor < np.array(self.info.least)) | (by_descriptor > np.array(self.info.most))
        return KineticsPrediction(
            log_speed=quantiles[:, [_MIDDLE, 0, -1]] + widen,
            quantiles=quantiles,
            contributions=np.column_stack([parts, residual[:, _MIDDLE] - seen[:, 0], seen[:, 0]]),
            exponent=np.maximum(exponent[:, [1, 0, 2]] + self.info.widen_exponent * np.array([0.0, -1.0, 1.0]), 0.0),
            laws=laws,
            through=through[:, 0],
            disagreement=disagreement[:, 0],
            outside=tuple(tuple(np.array(DESCRIPTORS)[row].tolist()) for row in beyond),
        )


def load_kinetics_head(path: Path | None = None, threads: int = 1) -> KineticsHead:
    """The head in a file, or the one that comes with IonFront.

    Args:
        path: A file that `ionfront train kinetics` wrote; None takes the bundled one.
        threads: CPU threads.

    Raises:
        ModelFileError: No such file, not such a file, or one for other features.
    """
    where = path or Path(__file__).parent / "bundled" / "kinetics.onnx"
    try:
        content = where.read_bytes()
        model = onnx.load_model_from_string(content)
    except OSError as error:
        raise ModelFileError(
            f"{where} cannot be read ({error.strerror}); a kinetics head (.onnx) is needed."
        ) from error
    except Exception as error:  # a parser of foreign bytes may raise anything
        raise ModelFileError(f"{where} is not an ONNX file; `ionfront train kinetics` writes one.") from error
    return KineticsHead(content, _info(model, where), threads)


def write_head_info(model: onnx.ModelProto, info: HeadInfo) -> None:
    """Put the metadata into an ONNX graph."""
    onnx.helper.set_model_props(model, {METADATA_KEY: info.model_dump_json()})


def _info(model: onnx.ModelProto, where: Path) -> HeadInfo:
    text = next((entry.value for entry in model.metadata_props if entry.key == METADATA_KEY), None)
    if text is None:
        raise ModelFileError(f"{where} is no kinetics head: `ionfront train kinetics` writes one.")
    try:
        info = HeadInfo.model_validate_json(text)
    except ValidationError as error:
        raise ModelFileError(f"the metadata of {where} is damaged: copy the file again or train it anew.") from error
    if info.format_version != _FORMAT_VERSION or info.features != FEATURES:
        raise ModelFileError(f"{where} was made by another version of IonFront: update IonFront, or train it anew.")
    return info
