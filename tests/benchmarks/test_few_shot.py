"""The few-shot comparison is fair: its splits, what it counts as done, and its intervals."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ionfront.core import PhaseScheme
from ionfront.datasets import LabelledFrame, LabelledSet

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


few_shot, table = script("few_shot"), script("few_shot_table")


def labelled(sizes: list[int]) -> LabelledSet:
    """A data set whose groups have these sizes; no file is read."""
    frames = tuple(
        LabelledFrame(f"{group}_{index}", Path("image.png"), Path("label.png"), f"group {group}", (0, 1))
        for group, size in enumerate(sizes)
        for index in range(size)
    )
    return LabelledSet(Path("set"), PhaseScheme(("background", "oxide")), frames)


@pytest.mark.parametrize("sizes", [[1] * 20, [2, 1, 1, 1, 1, 3, 2, 2, 2, 1]])
@pytest.mark.parametrize("repeat", range(5))
def test_no_group_is_on_both_sides_and_every_frame_on_one(sizes: list[int], repeat: int) -> None:
    data = labelled(sizes)
    train, test = few_shot.split(data, repeat)
    assert not {frame.group for frame in train} & {frame.group for frame in test}
    assert {*train, *test} == set(data.frames)
    assert len(train) >= few_shot.MOST_FRAMES
    assert test


def test_repeats_differ_and_come_back() -> None:
    data = labelled([1] * 20)
    assert few_shot.split(data, 3) == few_shot.split(data, 3)
    assert few_shot.split(data, 3) != few_shot.split(data, 4)


def row(method: str, repeat: int, hits: list[int], train_s: float = 100.0) -> dict[str, object]:
    """A result with a held-out group for each number of hits, of 100 oxide pixels each; misses are background."""
    test = [
        {"name": f"f{index}", "group": f"g{index}", "confusion": [[900, 0], [100 - hit, hit]]}
        for index, hit in enumerate(hits)
    ]
    return {
        "data": "Dataset001_A",
        "method": method,
        "frames": 5,
        "repeat": repeat,
        "phases": ["background", "oxide"],
        "train_s": train_s,
        "predict_s": 0.5,
        "test": test,
    }


def test_iou_is_pooled_within_a_repeat_and_averaged_over_repeats() -> None:
    summary = table.summarise([row("A", 0, [80, 60]), row("A", 1, [50, 50])])
    assert summary.mean_iou.value == pytest.approx((0.7 + 0.5) / 2)
    assert summary.mean_iou.low < summary.mean_iou.value < summary.mean_iou.high
    assert summary.iou["oxide"] == summary.mean_iou


def test_order_of_results_changes_nothing() -> None:
    rows = [row("A", repeat, [80 - 7 * repeat, 60 + repeat, 90]) for repeat in range(4)]
    np.testing.assert_array_equal(table.summarise(rows).samples, table.summarise(rows[::-1]).samples)


def test_differences_are_paired(capsys: pytest.CaptureFixture[str]) -> None:
    """Groups that are hard for both methods widen their own intervals, not that of their difference."""
    hits = [[90, 20, 60], [40, 80, 30], [70, 10, 95]]
    theirs = [row("random forest", repeat, counts) for repeat, counts in enumerate(hits)]
    ours = [row("IonFront, 5 min", repeat, [hit + 5 for hit in counts], 10.0) for repeat, counts in enumerate(hits)]
    table.print_tables([*theirs, *ours])
    lines = capsys.readouterr().out.splitlines()
    assert "Dataset001_A, 5 labelled frames" in lines
    assert "random forest: +0.050 (+0.050 to +0.050); training 0.1 x, a frame 1 x" in lines[-1]


def test_what_the_file_holds_is_done(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    assert few_shot._done(results) == set()
    results.write_text(json.dumps(row("A", 2, [50])) + "\n", encoding="utf-8")
    assert few_shot._done(results) == {few_shot.Case("Dataset001_A", "A", 5, 2)}
