"""Fits where the frames end that a model was trained on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ionfront.core import UsageError
from ionfront.datasets import OUTLIER_NAMES, FamilyName, OutlierName, random_outlier, random_scene
from ionfront.models import Domain, description
from ionfront.models.domain import scaled_description

from .frames import Image

__all__ = ["FALSE_ALARMS", "FIRST_SEED", "fit_domain", "synthetic_domain"]

Floats = NDArray[np.float64]

FALSE_ALARMS = 0.02
"""Share of frames like those trained on that each of the two judges is allowed to call foreign."""

FIRST_SEED = 5_000_000
"""Of the scenes that a domain is fitted to; no training takes its own from there."""

_SIZES_PX = (256, 640)  # whatever a frame's size, it is described at 256 to 511 px: all of these must be known
_LENGTH, _AVERAGED = 24, (1, 3, 5)
_FITTED = 0.6  # of the frames; the others set the limits
_FEWEST = 200
_UNITS, _STEPS, _RATE, _DECAY, _JITTER, _DROPPED = 32, 800, 3e-3, 0.05, 0.1, 0.1
_DIGITS = 4  # of what is stored; more would only make the file longer


def fit_domain(frames: Iterable[Image], foreign: Iterable[Image], seed: int = 0) -> Domain:
    """Fit the two judges to some of the frames, and set their limits by the others.

    Args:
        frames: Like those that the model was trained on, each (y, x).
        foreign: Images that are not, each (y, x).
        seed: Which frames set the limits, and how the network starts.

    Raises:
        UsageError: There are under 200 frames.
    """
    usual, strange = (np.stack([description(image) for image in images]) for images in (frames, foreign))
    if len(usual) < _FEWEST:
        raise UsageError(f"{len(usual)} frames say too little of where a domain ends; {_FEWEST} are needed.")
    fitted = np.random.default_rng(seed).permutation(len(usual)) < _FITTED * len(usual)
    mean, scale = usual[fitted].mean(axis=0), usual[fitted].std(axis=0) + 1e-3
    known = scaled_description(usual[fitted], mean, scale)
    hidden, output = _network(known, scaled_description(strange, mean, scale), seed)
    domain = Domain(
        mean=_short(mean),
        scale=_short(scale),
        known=tuple(map(_short, known)),
        hidden=tuple(map(_short, hidden)),
        output=_short(output),
        usual=(0.0, 0.0),
        limits=(1.0, 1.0),
    )
    scores = domain.scores(usual[~fitted])
    median, limits = np.median(scores, axis=0), np.quantile(scores, 1 - FALSE_ALARMS, axis=0)
    return domain.model_copy(update={"usual": tuple(median.tolist()), "limits": tuple(limits.tolist())})


def synthetic_domain(
    families: Sequence[FamilyName],
    n_frames: int,
    *,
    first_seed: int = FIRST_SEED,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Domain:
    """Where the frames of families of scenes end, each frame from a scene of its own, against as many foreign images.

    Args:
        families: Families that frames are drawn from in turn.
        n_frames: How many frames, and how many foreign images.
        first_seed: Of the scenes.
        progress: Told after every image.
    """
    done = count(1)

    def told(images: Iterable[Image]) -> Iterator[Image]:
        for image in images:
            yield image
            progress(next(done), 2 * n_frames)

    seeds = range(first_seed, first_seed + n_frames)
    known = (_frame(seed, families[seed % len(families)]) for seed in seeds)
    foreign = (_foreign(seed, OUTLIER_NAMES[seed % len(OUTLIER_NAMES)]) for seed in seeds)
    return fit_domain(told(known), told(foreign))


def _frame(seed: int, family: FamilyName) -> Image:
    rng = np.random.default_rng(seed)
    scene = random_scene(seed, _size_px(rng), _LENGTH, family=family)
    image, _ = scene.frame(scene.lit(int(rng.integers(_LENGTH))), int(rng.choice(_AVERAGED)))
    return np.asarray(image)


def _foreign(seed: int, kind: OutlierName) -> Image:
    rng = np.random.default_rng([seed, 1])
    return random_outlier(kind, _size_px(rng), rng)


def _size_px(rng: np.random.Generator) -> int:
    return round(float(np.exp(rng.uniform(*np.log(_SIZES_PX)))))


def _network(known: Floats, foreign: Floats, seed: int) -> tuple[Floats, Floats]:
    """Hidden weights with their offsets, shape (units, n + 1), and output weights; both sides count alike."""
    points = torch.from_numpy(np.concatenate([known, foreign])).float()
    target = torch.cat([torch.zeros(len(known)), torch.ones(len(foreign))])
    weight = torch.cat([torch.full((len(side),), 0.5 / len(side)) for side in (known, foreign)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        first, last = nn.Linear(points.shape[1], _UNITS), nn.Linear(_UNITS, 1)
        network = nn.Sequential(first, nn.Tanh(), nn.Dropout(_DROPPED), last)
        optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
        for _ in range(_STEPS):
            optimizer.zero_grad()
            said: Tensor = network(points + _JITTER * torch.randn_like(points))[:, 0]
            loss: Any = (weight * binary_cross_entropy_with_logits(said, target, reduction="none")).sum()
            loss.backward()
            optimizer.step()
    weights = torch.cat([first.weight, first.bias[:, None]], dim=1)
    return weights.detach().double().numpy(), last.weight[0].detach().double().numpy()


def _short(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
