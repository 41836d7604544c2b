"""Training material of the kinetics head: simulated runs, measured fronts that weigh more, orderings that were seen."""

from ionfront.models import torchvision_ops  # noqa: F401  before anything that imports torchvision

# isort: split
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor

from ionfront.datasets import MaterialStep, Ordering, all_steps, concave_front, material_steps, orderings
from ionfront.models.kinetics_features import descriptors, features
from ionfront.models.measured_runs import MeasuredFront, measured_fronts
from ionfront.models.physical_mean import PARTS, contributions
from ionfront.models.reaction import Experiment, Reactions, reactions
from ionfront.physics import LAW_NAMES

from .front_runs import FrontRuns, course_runs, simulated_runs, stranger_runs
from .orders_seen import OrderedPairs

__all__ = ["KineticsData", "Rows", "unseen_rows"]

Floats = NDArray[np.float64]
Pair = tuple[tuple[MaterialStep, Experiment], tuple[MaterialStep, Experiment]]

_WHOLE = 0.95  # of a particle: the front went through
_PAIRS = 64  # experiments for each ordering
_OPEN = ("film", "flake", "wire_axial")
_RATIO_SLACK = 0.2  # log10: how well a ratio that was read is taken to be known
_LEAST_ERROR = 0.05  # log10, of a measured speed


@dataclass(frozen=True)
class Rows:
    """Rows to learn from, n of them; NaN where something is not told.

    Attributes:
        features: Not yet scaled, shape (n, F).
        descriptors: Shape (n, D).
        physics: log10 of the physical mean, shape (n,).
        log_speed, exponent: Shape (n,).
        laws: Shape (n, 4).
        through: 1 where the front went through, shape (n,).
        weight: Shape (n,).
        host: Shape (n,).
    """

    features: Floats
    descriptors: Floats
    physics: Floats
    log_speed: Floats
    exponent: Floats
    laws: Floats
    through: Floats
    weight: Floats
    host: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.weight)

    def of(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "Rows":
        """Some of the rows."""
        return Rows(**{name: values[which] for name, values in vars(self).items()})

    def without_physics(self) -> "Rows":
        """The same with no physical mean, and nothing told of its parts."""
        told = self.features.copy()
        told[:, -len(PARTS) :] = 0.0
        return replace(self, features=told, physics=np.zeros(len(self)))


class KineticsData(LightningDataModule):  # type: ignore[misc]
    """Every argument is a knob of the recipe.

    Args:
        simulated: Runs in the plane, with exponents and laws; half a second each.
        courses: Runs along one depth, speeds alone; thousands a second.
        strangers: The same of materials that no table has.
        runs: Folders that `ionfront analyze` or `batch` wrote, of movies whose host and ion were named.
        measured_weight: Weight of the fronts of a measured movie together, in units of a simulated one.
        batch_size: Rows a step.
        workers: Processes that simulate.
        seed: Of all that is drawn.
    """

    def __init__(
        self,
        simulated: int = 3000,
        courses: int = 60000,
        strangers: int = 60000,
        runs: list[str] | None = None,
        measured_weight: float = 200.0,
        batch_size: int = 512,
        workers: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._simulated, self._courses, self._strangers, self._seed = simulated, courses, strangers, seed
        self._batch, self._workers = batch_size, workers
        self._weight = measured_weight
        self.measured = [front for folder in runs or [] for front in measured_fronts(Path(folder))]
        self.train: Rows
        self.validation: Rows  # of hosts that were left out
        self.orderings = orderings()
        self.mean: Floats
        self.spread: Floats

    def draw(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Make the material; once.

        Args:
            progress: Called with the number of simulated runs done and of all.
        """
        rng = np.random.default_rng(self._seed)
        steps = all_steps()
        courses = _simulated(course_runs(_some(steps, self._courses, rng), self._seed))
        plane = simulated_runs(_some(steps, self._simulated, rng), self._seed + 1, self._workers, progress)
        told = [courses, _simulated(plane), _simulated(stranger_runs(self._strangers, self._seed + 3))]
        if self.measured:
            told.append(_measured(self.measured, self._weight))
        self.train = _joined(told)
        self._scale()

    def without(self, left_out: Sequence[str]) -> "KineticsData":
        """The same, but nothing of some hosts is learned; they are what is validated on."""
        fold = copy(self)
        mine = np.isin(self.train.host, left_out)
        fold.train, fold.validation = self.train.of(~mine), self.train.of(mine)
        fold.orderings = tuple(ordering for ordering in self.orderings if ordering.host not in left_out)
        fold._scale()
        return fold

    def bare(self) -> "KineticsData":
        """The same rows without physics and orderings: what a plain network would be given."""
        plain = copy(self)
        plain.train, plain.validation = self.train.without_physics(), self.validation.without_physics()
        plain.orderings = ()
        plain._scale()
        return plain

    def pairs_of(self, host: str) -> dict[str, tuple[Rows, Rows]]:
        """Pairs of the faster and the slower in the same experiments, for each ordering that was seen in a host."""
        rng = np.random.default_rng(self._seed + 2)
        found = {}
        for ordering in orderings():
            if ordering.host == host:
                faster, slower = _sides(_pairs(ordering, rng))
                found[f"{host}: {ordering.faster} over {ordering.slower}"] = (unseen_rows(faster), unseen_rows(slower))
        return found

    def scaled(self, values: Floats) -> Tensor:
        """Features as the network is given them."""
        return torch.tensor((values - self.mean) / self.spread, dtype=torch.float32)

    def train_dataloader(self) -> "_Batches":
        return _Batches(self._tensors(self.train), self._batch, self._seed)

    def _tensors(self, rows: Rows) -> dict[str, Tensor]:
        values = {
            "residual": rows.log_speed - rows.physics,
            "exponent": rows.exponent,
            "laws": rows.laws,
            "through": rows.through,
            "weight": rows.weight,
        }
        tensors = {name: torch.tensor(value, dtype=torch.float32) for name, value in values.items()}
        return {"features": self.scaled(rows.features), **tensors}

    def _scale(self) -> None:
        self.mean = self.train.features.mean(axis=0)
        self.spread = np.maximum(self.train.features.std(axis=0), 1e-6)

    def ordered_pairs(self) -> OrderedPairs | None:
        """Pairs of the same experiment, of ions whose order was seen; None without any."""
        if not self.orderings:
            return None
        rng = np.random.default_rng(self._seed + 2)
        pairs = [pair for ordering in self.orderings for pair in _pairs(ordering, rng)]
        sides = _sides(pairs)
        parts = [contributions(side) for side in sides]
        told = [self.scaled(features(side, part)) for side, part in zip(sides, parts, strict=True)]
        lead = parts[0].sum(axis=1) - parts[1].sum(axis=1)
        bounds = np.repeat([_bounds(ordering) for ordering in self.orderings], _PAIRS, axis=0)
        least, most = torch.tensor(bounds.T, dtype=torch.float32)
        return OrderedPairs(told[0], told[1], torch.tensor(lead, dtype=torch.float32), least, most)


class _Batches:
    """Batches of whole tensors: a thousand times as fast as row by row."""

    def __init__(self, rows: dict[str, Tensor], size: int, seed: int) -> None:
        self._rows, self._size = rows, size
        self._generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return -(-len(self._rows["weight"]) // self._size)

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        order = torch.randperm(len(self._rows["weight"]), generator=self._generator)
        for chosen in (order[start : start + self._size] for start in range(0, len(order), self._size)):
            yield {name: values[chosen] for name, values in self._rows.items()}


def _some(steps: Sequence[MaterialStep], count: int, rng: np.random.Generator) -> list[MaterialStep]:
    return [steps[k] for k in rng.integers(len(steps), size=count)]


def _simulated(runs: FrontRuns) -> Rows:
    return _rows(
        runs.reactions, runs.log_speed, runs.exponent, runs.laws, runs.fraction, np.ones(len(runs.host)), runs.host
    )


def _measured(fronts: Sequence[MeasuredFront], weight: float) -> Rows:
    """The surer a speed, the more it weighs, and fronts of one movie share a weight; a simulated run weighs 1."""
    in_run = Counter(front.run for front in fronts)
    shared = np.array([1 / in_run[front.run] for front in fronts])
    nothing = np.full(len(fronts), np.nan)
    errors = np.array([max(front.error, _LEAST_ERROR) for front in fronts])
    return _rows(
        reactions([front.step for front in fronts], [front.experiment for front in fronts]),
        np.array([front.log_speed for front in fronts]),
        np.array([front.exponent for front in fronts]),
        np.full((len(fronts), len(LAW_NAMES)), np.nan),
        nothing,
        weight * shared * np.minimum(1.0, (_RATIO_SLACK / errors) ** 2),
        np.array([front.step.host for front in fronts]),
    )


def _rows(
    r: Reactions,
    log_speed: Floats,
    exponent: Floats,
    laws: Floats,
    fraction: Floats,
    weight: Floats,
    host: NDArray[np.str_],
) -> Rows:
    parts = contributions(r)
    return Rows(
        features=features(r, parts),
        descriptors=descriptors(r),
        physics=parts.sum(axis=1),
        log_speed=log_speed,
        exponent=exponent,
        laws=laws,
        through=np.where(np.isnan(fraction), np.nan, fraction > _WHOLE),
        weight=weight,
        host=host,
    )


def unseen_rows(r: Reactions) -> Rows:
    """Rows of which nothing is told but what reacts, and where."""
    nothing = np.full(len(r), np.nan)
    laws = np.full((len(r), len(LAW_NAMES)), np.nan)
    return _rows(r, nothing, nothing, laws, nothing, np.ones(len(r)), np.full(len(r), ""))


def _joined(parts: Sequence[Rows]) -> Rows:
    return Rows(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])})


def _pairs(ordering: Ordering, rng: np.random.Generator) -> list[Pair]:
    faster = material_steps(ordering.host, ordering.faster)[0]
    alike = [step for step in material_steps(ordering.host, ordering.slower) if step.mechanism == faster.mechanism]
    pairs = []
    for _ in range(_PAIRS):
        experiment = Experiment(
            geometry=_OPEN[rng.integers(len(_OPEN))],  # type: ignore[arg-type]
            size_nm=float(np.exp(rng.uniform(np.log(50), np.log(2000)))),
            bias_v=float(rng.uniform(0.5, 2.5)),
        )
        shaped = [
            replace(experiment, geometry="open_concave") if concave_front(step.host, step.ion) else experiment
            for step in (faster, alike[0])
        ]
        pairs.append(((faster, shaped[0]), (alike[0], shaped[1])))
    return pairs


def _sides(pairs: Sequence[Pair]) -> tuple[Reactions, Reactions]:
    """All of the faster, and all of the slower."""
    faster, slower = (reactions(*map(list, zip(*side, strict=True))) for side in zip(*pairs, strict=True))
    return faster, slower


def _bounds(ordering: Ordering) -> tuple[float, float]:
    """log10 of the least and the most that the faster may lead by."""
    least = float(np.log10(ordering.ratio_low or 1.0))
    if ordering.ratio_high is None:
        return least, np.inf
    return least - _RATIO_SLACK, float(np.log10(ordering.ratio_high)) + _RATIO_SLACK
