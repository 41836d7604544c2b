"""How often a candidate is promoted that is as good as the champion, and one that is better, under three rules.

    python benchmarks/promotion_rule.py [--trials 1500]

Groups have accuracies that scatter together (specimens are easy or hard) and apart (models differ on a specimen).
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from ionfront.training.compare import paired_difference
from ionfront.training.scores import BINS, Counts, added, mean_iou, resampled

_SAMPLES = 500


def main() -> None:
    """Print a row for each number of groups."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1500)
    trials = parser.parse_args().trials
    rng = np.random.default_rng(0)
    print("| groups | equal: higher score | equal: percentiles | equal: Student | better: Student |")
    print("|---|---|---|---|---|")
    for n in (2, 3, 4, 5, 8, 12, 20, 40):
        equal = np.mean([_promoted(n, 0.0, rng) for _ in range(trials)], axis=0)
        better = np.mean([_promoted(n, 0.05, rng)[-1] for _ in range(trials)])
        shares = (*equal, better)
        print(f"| {n} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |", flush=True)


def _promoted(n: int, gain: float, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    """Whether the higher score, the bootstrap's percentiles and Student's interval promote one candidate."""
    level = rng.normal(0.85, 0.06, n)
    ours, theirs = _units(level + gain + rng.normal(0, 0.03, n), rng), _units(level + rng.normal(0, 0.03, n), rng)
    seed = int(rng.integers(1 << 31))
    drawn = [mean_iou(resampled(units, _SAMPLES, np.random.default_rng(seed))) for units in (ours, theirs)]
    higher = bool(mean_iou(added(ours)) >= mean_iou(added(theirs)))
    percentile = bool(np.quantile(drawn[0] - drawn[1], 0.025) >= 0)
    return higher, percentile, paired_difference(ours, theirs, samples=_SAMPLES, seed=seed).low >= 0


def _units(accuracies: NDArray[np.float64], rng: np.random.Generator) -> list[Counts]:
    """Counts of groups with three phases of random areas; what is wrong goes to the next phase."""
    units = []
    for accuracy in np.clip(accuracies, 0.1, 0.99):
        areas = 2000 * rng.dirichlet([4, 3, 2])
        right = np.clip(accuracy + rng.normal(0, 0.03, 3), 0, 1)
        confusion = np.diag(areas * right) + np.roll(np.diag(areas * (1 - right)), 1, axis=1)
        units.append(Counts(confusion, np.zeros((3, 4)), np.zeros((BINS, 3))))
    return units


if __name__ == "__main__":
    main()
