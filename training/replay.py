"""Keeping the old task: synthetic scenes among the new frames, and weights drawn back towards those of before.

The loss of the old task is measured on scenes that nobody trains on. Where it is too large, the weights are put between
the old and the new ones: Wortsman et al. 2022, Robust fine-tuning of zero-shot models, arXiv:2109.01903.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ionfront.core import UsageError
from ionfront.models import Segmenter

from .evaluate import frame_counts
from .judge import pooled_mean_iou
from .sources import Tagged
from .synthetic import BUNDLED_FAMILIES, SceneFrame, Synthetic
from .timed_fit import Weights

__all__ = ["Memory", "between", "draw_back", "replayed_frames", "scene_score", "unseen_frames"]

_REPLAYED_SEEDS = 400_000
_UNSEEN_SEEDS = 1_000_900_000  # neither trained on nor used to choose a model
_REPLAYED, _UNSEEN = 48, 24
_BLENDS = (1.0, 0.85, 0.7, 0.5, 0.3, 0.15)


@dataclass(frozen=True)
class Memory:
    """What is left of the old task.

    Attributes:
        before: Mean IoU on unseen synthetic frames of the model that fine-tuning began with.
        after: That of the model that it ended with.
        blend: Share of the new weights in it; the rest are the old ones.
    """

    before: float
    after: float
    blend: float


def replayed_frames(size_px: int) -> list[Tagged]:
    """Synthetic frames to train on beside the new ones."""
    return _frames(_REPLAYED_SEEDS, _REPLAYED, size_px)


def unseen_frames(size_px: int) -> list[Tagged]:
    """Synthetic frames that judge what is left of the old task."""
    return _frames(_UNSEEN_SEEDS, _UNSEEN, size_px)


def scene_score(segmenter: Segmenter, frames: Sequence[Tagged]) -> float:
    """Mean IoU of the phases, all frames taken together."""
    return pooled_mean_iou(frame_counts(segmenter, frames))


def draw_back(before: float, score: Callable[[float], float], forget: float) -> Memory:
    """The largest share of new weights at which the old task loses no more than is allowed.

    Args:
        before: Mean IoU of the old weights.
        score: Mean IoU by share of new weights.
        forget: Largest loss of mean IoU.

    Raises:
        UsageError: Even a little of the new weights loses more.
    """
    for blend in _BLENDS:
        after = score(blend)
        if before - after <= forget:
            return Memory(before, after, blend)
    raise UsageError(
        f"with {_BLENDS[-1]:.0%} of the new weights the model still loses {before - after:.3f} of mean IoU on its old "
        f"task, {forget:g} is allowed: allow more (--forget), or give the phases names of their own."
    )


def between(old: Weights, new: Weights, blend: float) -> Weights:
    """Weights on the way from the old to the new ones; blend 1 is the new ones."""
    return {
        name: old[name] + (value - old[name]) * blend if value.is_floating_point() else value
        for name, value in new.items()
    }


def _frames(first_seed: int, count: int, size_px: int) -> list[Tagged]:
    settings = Synthetic(scenes=count, families=BUNDLED_FAMILIES, size_px=size_px, averaged=(1, 3, 5))
    # frames all through the movies, 7 being prime to their number
    return [(SceneFrame(settings, first_seed + k, 7 * k % settings.n_frames), None) for k in range(count)]
