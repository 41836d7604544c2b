"""Which labelled frames a model has seen, kept in its file, so that nobody judges it on them unawares."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from ionfront.models import ModelInfo

from .frames import Frame, Image

__all__ = ["TRAINED_ON", "frame_digests", "seen_in_training"]

TRAINED_ON = "trained_on"
"""Key of the training summary under which digests of training frames are kept."""

_LENGTH = 16


def frame_digests(frames: Iterable[Frame], before: ModelInfo | None = None) -> list[str]:
    """Digests of labelled frames, each once, after those of the model that training began with."""
    earlier = [] if before is None else list(before.training_summary.get(TRAINED_ON, []))
    return list(dict.fromkeys([*earlier, *(_digest(frame.load()[0]) for frame in frames)]))


def seen_in_training(info: ModelInfo, frames: Sequence[Frame]) -> list[str]:
    """Names of the frames, among these, whose images a model was trained on; it may not say of all."""
    known = set(info.training_summary.get(TRAINED_ON, []))
    return [frame.name for frame in frames if known and _digest(frame.load()[0]) in known]


def _digest(image: Image) -> str:
    pixels = np.ascontiguousarray(image)
    return hashlib.sha256(f"{pixels.shape}{pixels.dtype}".encode() + pixels.tobytes()).hexdigest()[:_LENGTH]
