"""What models are compared on: frames under a name, with a digest that tells whether they are still the same."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ionfront.datasets import read_labelled

from .evaluate import chosen_frames
from .frames import Labelled
from .synthetic import BUNDLED_FAMILIES, SceneFrames, Synthetic

__all__ = ["EvaluationSet", "labelled_set", "synthetic_set"]


@dataclass(frozen=True)
class EvaluationSet:
    """Labelled frames and what they are called."""

    name: str
    labelled: Labelled

    def digest(self) -> str:
        """SHA-256 over phases, names, groups, pixels and labels; every frame is read for it."""
        sha = hashlib.sha256(repr((self.labelled.scheme.names, self.labelled.ignore_label)).encode())
        for frame in self.labelled.frames:
            image, label = frame.load()
            sha.update(repr((frame.name, frame.group, image.shape, str(image.dtype))).encode())
            sha.update(np.ascontiguousarray(image).tobytes())
            sha.update(np.ascontiguousarray(label).tobytes())
        return sha.hexdigest()


def labelled_set(folder: Path, groups: Collection[str] | None = None) -> EvaluationSet:
    """Frames of a labelled data set, or of some of its groups; named for its folder.

    Raises:
        LabelledDataError: The data set breaks its layout.
        UsageError: A group is unknown.
    """
    labelled = read_labelled(folder)
    frames = tuple(chosen_frames(labelled.frames, groups))
    of_groups = f", group {', '.join(sorted(groups))}" if groups else ""
    return EvaluationSet(f"{folder.resolve().name}{of_groups}", replace(labelled, frames=frames))


def synthetic_set(scenes: int, seed: int) -> EvaluationSet:
    """Frames of synthetic movies that no training run saw: as its validation movies, but from another seed."""
    settings = Synthetic(seed=seed, validation_scenes=scenes, families=BUNDLED_FAMILIES)
    return EvaluationSet(f"synthetic, {scenes} scenes from seed {seed}", SceneFrames(settings))
