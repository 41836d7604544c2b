"""The difference between two models: its sign, its interval, and how often that interval deceives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.core import LabelledDataError, Quantity
from ionfront.datasets import read_labelled
from ionfront.training.compare import Comparison, compare, paired_difference
from ionfront.training.evaluation_set import labelled_set, synthetic_set
from ionfront.training.promote import objection_to
from ionfront.training.scores import BINS, Counts


def units(shares, pixels=1000.0):
    """Counts of units with two phases, of each of which this share of the pixels is right."""
    right = pixels * np.asarray(shares, float)
    wrong = pixels - right
    confusions = np.stack([right, wrong, wrong, right], axis=-1).reshape(-1, 2, 2)
    return [Counts(confusion, np.zeros((2, 4)), np.zeros((BINS, 3))) for confusion in confusions]


SHARES = st.lists(st.tuples(*[st.floats(0.05, 0.95)] * 2), min_size=2, max_size=6)


def test_a_hand_counted_difference():
    difference = paired_difference(units([0.9, 0.9]), units([0.8, 0.8]))
    assert difference.value == pytest.approx(0.9 / 1.1 - 0.8 / 1.2)
    assert difference.low == pytest.approx(difference.value) == pytest.approx(difference.high)


def test_one_unit_has_no_interval():
    difference = paired_difference(units([0.9]), units([0.8]))
    assert difference.value > 0
    assert np.isnan([difference.low, difference.high]).all()


@settings(max_examples=25, deadline=None)
@given(SHARES)
def test_changing_places_changes_the_sign(shares):
    ours, theirs = (units(side) for side in zip(*shares, strict=True))
    there, back = paired_difference(ours, theirs, samples=50), paired_difference(theirs, ours, samples=50)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
    same = paired_difference(ours, ours, samples=50)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_models_that_are_alike_are_seldom_told_apart():
    """One time in 40 is what the interval promises; percentiles are wrong when three happen to agree, one in 8."""
    rng = np.random.default_rng(0)
    level = rng.normal(0.85, 0.05, (1000, 3))
    ours, theirs = (np.clip(level + rng.normal(0, 0.03, level.shape), 0.1, 1) for _ in range(2))
    lows = [paired_difference(units(a), units(b), samples=100).low for a, b in zip(ours, theirs, strict=True)]
    assert 0.002 < np.mean(np.asarray(lows) >= 0) < 0.04


class Constant:
    """A model that calls everything one phase."""

    def __init__(self, phase, info):
        self.info, self.sha256, self._phase = info, f"{phase}", phase

    def probabilities(self, image):
        sure = np.arange(len(self.info.phases)) == self._phase
        return np.broadcast_to(np.float32(sure)[:, None, None], (len(sure), *image.shape))


def test_both_models_are_judged_on_the_same_frames(discs, disc_info):
    seen = []
    comparison = compare(
        Constant(0, disc_info), Constant(2, disc_info), read_labelled(discs), progress=lambda f: seen.append(f.name)
    )
    assert seen == [f"disc{i}" for i in range(6)] * 2
    scores = [evaluation.overall.mean_iou.value for evaluation in (comparison.candidate, comparison.champion)]
    assert comparison.difference.value == pytest.approx(scores[0] - scores[1])
    assert comparison.difference.low > 0
    alone = compare(Constant(0, disc_info), None, read_labelled(discs))
    assert alone == Comparison(comparison.candidate)


def test_models_of_other_phases_are_refused(discs, disc_info):
    other = disc_info.model_copy(update={"phases": ("background", "a", "b")})
    with pytest.raises(LabelledDataError, match="finetune"):
        compare(Constant(0, other), None, read_labelled(discs))


@pytest.mark.parametrize(
    ("difference", "tolerance", "at_least", "match"),
    [
        ((0.02, 0.001, 0.04), 0.0, None, None),
        ((0.0, 0.0, 0.0), 0.0, None, None),
        ((0.02, -0.001, 0.04), 0.0, None, "does not exclude"),
        ((-0.02, -0.03, -0.01), 0.0, None, "it is worse"),
        ((-0.01, -0.015, -0.005), 0.02, None, None),
        ((-0.01, -0.025, 0.005), 0.02, None, "beyond 0.02"),
        ((0.1, np.nan, np.nan), 0.0, None, "one frame"),
        ((0.1, 0.05, 0.2), 0.0, 0.9, "at least 0.9"),
        (None, 0.0, 0.9, "at least 0.9"),
        (None, 0.0, 0.0, None),
    ],
)
def test_what_speaks_against_a_candidate(discs, disc_info, difference, tolerance, at_least, match):
    scores = compare(Constant(0, disc_info), None, read_labelled(discs)).candidate
    comparison = Comparison(scores, scores, None if difference is None else Quantity(*difference))
    objection = objection_to(comparison, tolerance=tolerance, at_least=at_least)
    assert (objection == "") if match is None else (match in objection)


def test_an_evaluation_set_is_told_by_its_pixels(discs):
    everything, one = labelled_set(discs), labelled_set(discs, ["A"])
    assert everything.name == discs.name
    assert one.name == f"{discs.name}, group A"
    assert {frame.group for frame in one.labelled.frames} == {"A"}
    assert everything.digest() == labelled_set(discs).digest() != one.digest()


def test_synthetic_sets_are_told_by_their_seed():
    first = synthetic_set(1, 7)
    assert first.digest() == synthetic_set(1, 7).digest() != synthetic_set(1, 8).digest()
    assert first.name == "synthetic, 1 scenes from seed 7"
