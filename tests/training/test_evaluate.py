"""Scores against hand counts, and intervals that come from whole specimens."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from ionfront.core import LabelledDataError, PhaseScheme, UsageError
from ionfront.datasets import read_labelled
from ionfront.models import ModelInfo, Segmenter
from ionfront.training import evaluate as module
from ionfront.training.calibrate import fit_temperature
from ionfront.training.evaluate import evaluate, frame_counts, summarise
from ionfront.training.report import print_evaluation
from ionfront.training.scores import (
    boundary_f1,
    calibration_error,
    count,
    dice,
    iou,
    mean_iou,
    reliability,
    student_interval,
)


def halves(column, shape=(20, 20)):
    label = np.zeros(shape, np.uint8)
    label[:, column:] = 1
    return label


def test_hand_counted_scores():
    counts = count(halves(12), halves(10), 2, None, 3)
    assert iou(counts) == pytest.approx([200 / 240, 160 / 200])
    assert dice(counts) == pytest.approx([400 / 440, 320 / 360])
    assert mean_iou(counts) == pytest.approx((200 / 240 + 160 / 200) / 2)


@pytest.mark.parametrize(("shift", "score"), [(0, 1), (3, 1), (4, 0)])
def test_boundaries_within_the_tolerance_count(shift, score):
    assert boundary_f1(count(halves(10 + shift), halves(10), 2, None, 3)) == pytest.approx([score, score])


def test_ignored_pixels_count_nowhere():
    label = halves(10)
    label[:, 10:12] = 9
    assert iou(count(halves(12), label, 2, 9, 3)) == pytest.approx([1, 1])


def test_the_end_of_a_scribble_is_no_boundary():
    label = np.full((20, 20), 9, np.uint8)
    label[5, 2:18], label[15, 2:18] = 0, 1
    assert np.isnan(boundary_f1(count(halves(10), label, 2, 9, 3))).all()
    half = halves(10)
    half[:8] = 9
    assert boundary_f1(count(halves(10), half, 2, 9, 3)) == pytest.approx([1, 1])


def test_phases_that_do_not_occur_are_undefined():
    counts = count(halves(10), halves(10), 3, None, 3)
    assert np.isnan([iou(counts)[2], dice(counts)[2], boundary_f1(counts)[2]]).all()
    assert mean_iou(counts) == 1


def test_a_missed_phase_scores_zero():
    counts = count(np.zeros((20, 20), np.uint8), halves(10), 2, None, 3)
    assert iou(counts)[1] == dice(counts)[1] == boundary_f1(counts)[1] == 0


def stated_confidence(stated, right_share, size=200):
    """Counts of a frame whose pixels all state one probability and are right in a given share."""
    predicted = np.zeros((size, size), np.uint8)
    label = (np.random.default_rng(0).permutation(size * size) >= right_share * size * size).astype(np.uint8)
    return count(predicted, label.reshape(size, size), 2, None, 3, np.full((size, size), stated, np.float32))


@pytest.mark.parametrize(("stated", "right"), [(0.8, 0.8), (0.95, 0.7), (1.0, 0.9)])
def test_the_calibration_error_is_the_gap_between_stated_and_right(stated, right):
    counts = stated_confidence(stated, right)
    assert calibration_error(counts) == pytest.approx(abs(stated - right), abs=1e-4)
    means, shares = reliability(counts)
    assert np.isfinite(means).sum() == 1
    assert (np.nanmax(means), np.nanmax(shares)) == pytest.approx((stated, right), abs=1e-4)


def test_gaps_of_opposite_sign_do_not_cancel():
    over, under = stated_confidence(0.95, 0.85), stated_confidence(0.55, 0.65)
    both = replace(over, confidence=over.confidence + under.confidence)
    assert calibration_error(both) == pytest.approx(0.1, abs=1e-4)


def test_without_stated_probabilities_the_calibration_error_is_undefined():
    assert np.isnan(calibration_error(count(halves(12), halves(10), 2, None, 3)))


class Threshold:
    """A network that calls bright pixels phase 1."""

    def logits(self, tile):
        return np.stack([np.zeros_like(tile[0]), 20 * (tile[0] - 0.5)])


class MemoryFrame:
    def __init__(self, name, group, wrong):
        self.name, self.group, self._wrong = name, group, wrong

    def load(self):
        label = halves(10)
        return halves(10 + self._wrong) * 100.0, label


class MemorySet:
    scheme = PhaseScheme(("background", "a"))
    ignore_label = None
    frames = tuple(MemoryFrame(f"{group}{k}", group, wrong) for group, wrong in (("A", 0), ("B", 4)) for k in range(3))


@pytest.fixture
def threshold(monkeypatch):
    info = ModelInfo(name="threshold", version="1", phases=("background", "a"))
    segmenter = Segmenter(Threshold(), info, "00")
    monkeypatch.setattr(module, "load_segmenter", lambda *_args, **_kwargs: segmenter)
    return segmenter


def test_groups_are_scored_and_resampled_whole(threshold):
    result = evaluate(None, MemorySet())
    assert result.resampled == "group"
    assert result.groups["A"].mean_iou.value == 1
    assert result.groups["B"].mean_iou.value < 0.8
    overall = result.overall.mean_iou
    assert (overall.low, overall.high) == (0, 1)  # of specimens, two tell next to nothing
    in_a_group = result.groups["B"].mean_iou
    assert in_a_group.low == pytest.approx(in_a_group.high)  # its frames are alike
    assert sum(map(sum, result.confusion)) == 6 * 400


def test_one_group_is_resampled_by_frame(threshold):
    result = evaluate(None, MemorySet(), ["A"])
    assert result.resampled == "frame"
    assert (result.overall.mean_iou.low, result.overall.mean_iou.high) == (1, 1)


def test_one_frame_has_no_interval_and_json_says_null(threshold):
    counted = frame_counts(threshold, [(MemorySet.frames[0], None)])
    result = summarise(counted, threshold, 3.0)
    assert np.isnan(result.overall.mean_iou.low)
    assert json.loads(result.to_json())["overall"]["mean_iou"] == {"value": 1.0, "low": None, "high": None}


def test_the_table_names_phases_and_groups(threshold):
    console = Console(record=True, width=120, file=io.StringIO())
    print_evaluation(evaluate(None, MemorySet()), console)
    text = console.export_text()
    assert "group B (3)" in text
    assert "resampled groups" in text


def test_other_phases_are_refused(threshold, discs):
    with pytest.raises(LabelledDataError, match="finetune"):
        evaluate(None, read_labelled(discs))


def test_unknown_groups_are_refused(threshold):
    with pytest.raises(UsageError, match="no group"):
        evaluate(None, MemorySet(), ["Z"])


def test_a_known_temperature_comes_back():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(20000, 3)) * 2
    p = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    labels = (p.cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    assert fit_temperature((3 * true).astype(np.float32), labels) == pytest.approx(3, rel=0.05)


def test_no_pixels_no_temperature():
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, int)) == 1


@pytest.mark.parametrize("units", [2, 3, 5, 10])
def test_intervals_of_few_units_hold_the_truth_as_often_as_they_say(units):
    rng = np.random.default_rng(units)
    inside = 0
    for _ in range(400):
        scores = rng.normal(0.8, 0.06, units)
        drawn = rng.multinomial(units, np.full(units, 1 / units), size=300) @ scores / units
        interval = student_interval(float(scores.mean()), drawn, units)
        inside += interval.low <= 0.8 <= interval.high
    assert 0.91 < inside / 400 < 0.99


def test_one_unit_has_no_interval():
    assert np.isnan(student_interval(0.5, np.full(10, 0.5), 1).low)
