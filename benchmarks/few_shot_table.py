"""Tables of a results file of few_shot.py: IoU with intervals, seconds, and how far IonFront is from the best other.

python benchmarks/few_shot_table.py FILE.jsonl
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionfront.core import Quantity
from ionfront.training.scores import student_interval

Row = dict[str, Any]
Floats = NDArray[np.float64]
SAMPLES = 2000


@dataclass(frozen=True)
class Summary:
    """What a method reached with so many frames.

    Attributes:
        repeats: Which repeats it ran.
        mean_iou: IoU averaged over the foreground phases and the repeats.
        iou: The same of each foreground phase.
        samples: Bootstrap samples of the mean, shape (sample,); methods with the same repeats draw the same, so that
            their differences are paired.
        train_s, predict_s: Mean seconds of a training, and of one frame.
    """

    repeats: tuple[int, ...]
    mean_iou: Quantity
    iou: dict[str, Quantity]
    samples: Floats
    train_s: float
    predict_s: float


def print_tables(rows: Sequence[Row]) -> None:
    """A Markdown table for each data set and number of frames."""

    def place(row: Row) -> tuple[str, int]:
        return row["data"], row["frames"]

    for (data, frames), part in groupby(sorted(rows, key=place), place):
        print(f"\n{data}, {frames} labelled frame{'s' if frames > 1 else ''}\n")
        _print_table(list(part))


def summarise(rows: Sequence[Row]) -> Summary:
    """Scores of one method on one data set with so many frames, a row a repeat."""
    rows = sorted(rows, key=lambda row: row["repeat"])
    rng = np.random.default_rng(0)
    values, samples = zip(*(_ious(row, rng) for row in rows), strict=True)
    drawn = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=SAMPLES) / len(rows)
    value, sampled = np.mean(values, axis=0), np.einsum("sr,rsp->sp", drawn, np.stack(samples))
    mean = sampled.mean(axis=1)
    units = len(rows) if len(rows) > 1 else len({frame["group"] for frame in rows[0]["test"]})
    return Summary(
        repeats=tuple(row["repeat"] for row in rows),
        mean_iou=student_interval(float(value.mean()), mean, units),
        iou={
            phase: student_interval(float(value[index]), sampled[:, index], units)
            for index, phase in enumerate(rows[0]["phases"][1:])
        },
        samples=mean,
        train_s=float(np.mean([row["train_s"] for row in rows])),
        predict_s=float(np.mean([row["predict_s"] for row in rows])),
    )


def _ious(row: Row, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """IoU of each foreground phase over all held-out frames, and over held-out groups drawn again (sample, phase)."""
    groups = sorted({frame["group"] for frame in row["test"]})
    confusion = np.array(
        [np.sum([frame["confusion"] for frame in row["test"] if frame["group"] == group], axis=0) for group in groups],
        float,
    )
    drawn = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=SAMPLES).astype(float)
    return _iou(confusion.sum(axis=0)), _iou(np.tensordot(drawn, confusion, axes=1))


def _iou(confusion: Floats) -> Floats:
    """Of each foreground phase, shape (..., phase); NaN where it is neither labelled nor predicted."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)[..., 1:]
    union = (confusion.sum(axis=-1) + confusion.sum(axis=-2))[..., 1:] - hits
    return np.divide(hits, union, out=np.full(hits.shape, np.nan), where=union > 0)


def _print_table(rows: Sequence[Row]) -> None:
    methods = {name: summarise([row for row in rows if row["method"] == name]) for name in _names(rows)}
    phases = rows[0]["phases"][1:]
    print(
        f"| method | repeats | mean IoU | {' | '.join(phases)} | training [s] | a frame [s] | against the best other |"
    )
    for name, summary in methods.items():
        by_phase = " | ".join(_interval(summary.iou[phase]) for phase in phases)
        print(
            f"| {name} | {len(summary.repeats)} | {_interval(summary.mean_iou)} | {by_phase} | {summary.train_s:.0f} "
            f"| {summary.predict_s:.2f} | {_against(name, methods)} |"
        )


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in rows))


def _against(name: str, methods: dict[str, Summary]) -> str:
    """For IonFront: by how much its IoU exceeds the best other method's, and the ratios of both times."""
    others = [key for key in methods if not key.startswith("IonFront")]
    if name in others or not others:
        return ""
    best = max(others, key=lambda key: methods[key].mean_iou.value)
    ours, theirs = methods[name], methods[best]
    gain = ours.mean_iou.value - theirs.mean_iou.value
    text = f"{gain:+.3f}"
    if ours.repeats == theirs.repeats:
        text = (
            f"{gain:+.3f} ({_ends(student_interval(gain, ours.samples - theirs.samples, len(ours.repeats)), '+.3f')})"
        )
    times = f"training {ours.train_s / theirs.train_s:.2g} x, a frame {ours.predict_s / theirs.predict_s:.2g} x"
    return f"{best}: {text}; {times}"


def _interval(quantity: Quantity) -> str:
    return f"{quantity.value:.3f} ({_ends(quantity, '.3f')})"


def _ends(quantity: Quantity, spec: str) -> str:
    return f"{quantity.low:{spec}} to {quantity.high:{spec}}"


if __name__ == "__main__":
    print_tables([json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()])
