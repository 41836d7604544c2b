"""Synthetic movies as training material: endless, labelled, and the same again for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ionfront.core import DEFAULT_SCHEME, PhaseScheme, UsageError
from ionfront.datasets import FAMILY_NAMES, FamilyName, Reference, Scene, random_scene

from .frames import Image, Label

__all__ = [
    "BUNDLED_FAMILIES",
    "SceneFrame",
    "SceneFrames",
    "Synthetic",
    "draw_scene",
    "draw_with_reference",
    "scene_turn",
]

BUNDLED_FAMILIES: tuple[FamilyName, ...] = ("wide", "plain")
"""What the bundled model is trained on."""

_VALIDATION_SEEDS = 1_000_000_000
_OPEN = 32  # scenes at a time: a batch should mix many, and a scene costs more to draw than a frame of it
_REFERENCE_EXPOSURES = 5  # as many as analysis takes the mean of


@dataclass(frozen=True)
class Synthetic:
    """Synthetic scenes in training.

    Attributes:
        scenes: New scenes drawn in an epoch; 0 turns synthetic data off.
        seed: First scene seed.
        families: Families that scenes are drawn from in turn; one named twice is drawn twice as often.
        size_px: Edge of a square frame [px].
        n_frames: Frames a scene.
        validation_scenes: Scenes kept for validation, never trained on.
        validation_frames: Frames taken from each of them, evenly spaced.
        averaged: Numbers of exposures, of which one is drawn for each frame: analysis averages frames of noisy movies.
        repeats: How often a training crop is used in the mean before it is let go, each time augmented anew.
        reference_first: Share of training frames that come with the first frame, five exposures of it, as reference.
        reference_other: Share whose reference is any frame of the movie: some begin in the middle, or run backwards.
            The rest come without one. A model of one channel leaves references out.
        fraction: Share of training crops that are synthetic when labelled data are given too.
    """

    scenes: int = 0
    seed: int = 0
    families: tuple[FamilyName, ...] = ("plain",)
    size_px: int = 320
    n_frames: int = 24
    validation_scenes: int = 12
    validation_frames: int = 3
    averaged: tuple[int, ...] = (1,)
    repeats: int = 1
    reference_first: float = 0.55
    reference_other: float = 0.2
    fraction: float = 0.5

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise UsageError(f"repeats is {self.repeats}; it needs to be 1 or more.")
        if not self.averaged or min(self.averaged) < 1:
            raise UsageError(f"averaged is {self.averaged}; it needs numbers of exposures, each 1 or more.")
        if not self.families or not set(self.families) <= set(FAMILY_NAMES):
            raise UsageError(f"families is {self.families}; it needs one or more of {list(FAMILY_NAMES)}.")
        if min(self.reference_first, self.reference_other) < 0 or self.reference_first + self.reference_other > 1:
            raise UsageError(
                f"reference_first and reference_other are {self.reference_first} and {self.reference_other}; they are "
                "shares that together are at most 1: correct the recipe."
            )


@dataclass(frozen=True)
class SceneFrame:
    """One frame of a scene, drawn when loaded."""

    settings: Synthetic
    scene_seed: int
    index: int

    @property
    def name(self) -> str:
        return f"scene{self.scene_seed}_{self.index:04d}"

    @property
    def group(self) -> str:
        return f"scene{self.scene_seed}"

    def load(self) -> tuple[Image, Label]:
        image, label = draw_scene(self.settings, self.scene_seed, self.index)
        return _reference(self.settings, self.scene_seed, 0).behind(image), label


@dataclass(frozen=True)
class SceneFrames:
    """The validation scenes, as labelled frames."""

    settings: Synthetic

    @property
    def scheme(self) -> PhaseScheme:
        return DEFAULT_SCHEME

    @property
    def ignore_label(self) -> int | None:
        return None

    @property
    def frames(self) -> Sequence[SceneFrame]:
        last = self.settings.n_frames - 1
        picked = np.linspace(0, last, self.settings.validation_frames + 2)[1:-1].round().astype(int)
        seeds = range(self.settings.validation_scenes)
        base = _VALIDATION_SEEDS + self.settings.seed
        return [SceneFrame(self.settings, base + seed, int(k)) for seed in seeds for k in picked]


def draw_scene(settings: Synthetic, scene_seed: int, index: int) -> tuple[Image, Label]:
    """Frame `index` of a scene: image (y, x) and label ids (y, x).

    An index past the end takes the last frame, and one at which the beam was blanked the next at which it was not, as
    such a frame shows nothing of its labels.
    """
    scene = _scene(settings, scene_seed)
    averaged = np.random.default_rng([scene_seed, index]).choice(settings.averaged)
    image, label = scene.frame(scene.lit(min(index, len(scene) - 1)), int(averaged))
    return np.asarray(image), np.asarray(label, np.uint8)


def draw_with_reference(settings: Synthetic, scene_seed: int, rng: np.random.Generator) -> tuple[Image, Label]:
    """A frame of a scene to train on: image (y, x), or (2, y, x) with a reference behind it, and label ids (y, x)."""
    image, label = draw_scene(settings, scene_seed, int(rng.integers(settings.n_frames)))
    kind, other = rng.random(), int(rng.integers(settings.n_frames))
    if kind >= settings.reference_first + settings.reference_other:
        return image, label
    reference = _reference(settings, scene_seed, 0 if kind < settings.reference_first else other)
    return reference.behind(image), label


def scene_turn(sample: int, samples_per_scene: int, batch_size: int, lanes: int) -> tuple[int, int]:
    """Which scene the training crop number `sample` comes from, and which of that scene's crops it is.

    A few scenes are open at a time and their crops alternate, so that batches mix them while each is drawn once.
    `lanes` is the number of loader processes: batches go to them in turn, and each has scenes of its own.
    """
    batch, place = divmod(sample, batch_size)
    turn, lane = divmod(batch, lanes)
    in_lane = turn * batch_size + place
    block, within = divmod(in_lane, _OPEN * samples_per_scene)
    return (block * _OPEN + within % _OPEN) * lanes + lane, within // _OPEN


@lru_cache(maxsize=_OPEN)
def _scene(settings: Synthetic, seed: int) -> Scene:
    family = settings.families[seed % len(settings.families)]
    return random_scene(seed, settings.size_px, settings.n_frames, family=family)


@lru_cache(maxsize=2 * _OPEN)
def _reference(settings: Synthetic, scene_seed: int, index: int) -> Reference:
    scene = _scene(settings, scene_seed)
    image, _ = scene.frame(scene.lit(min(index, len(scene) - 1)), _REFERENCE_EXPOSURES)
    return Reference(image)
