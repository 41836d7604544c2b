"""What is said of results that should be doubted, and that nothing is said of clean ones."""

import numpy as np
import pytest

from ionfront.core import DEFAULT_SCHEME, Calibration
from ionfront.fronts import FrontTracker

TIMES = np.arange(30)
y, x = np.mgrid[:48, :80]
BAR = (abs(y - 24) < 10) & (x >= 10) & (x < 70)


def result_of(labels_at):
    tracker = FrontTracker(DEFAULT_SCHEME, (48, 80))
    for time in TIMES:
        labels = labels_at(time)
        tracker.push(float(time), np.eye(5, dtype=np.float32)[labels].transpose(2, 0, 1))
    return tracker.result(Calibration(1.0, 1.0, "made", "made"))


def bar(reacted, phase=3):
    return np.where(BAR & reacted, phase, BAR.astype(int))


def test_nothing_is_said_of_one_clean_front():
    assert result_of(lambda t: bar(x < 8 + 1.8 * t)).warnings == ()


def test_a_part_that_was_product_from_the_start_is_told_and_does_not_bend_the_speed():
    result = result_of(lambda t: bar((x < 8 + 1.8 * t) | (x > 60)))
    (warning,) = result.warnings
    assert "in the first frame" in warning
    assert result.transitions[0].rate.velocity.value == pytest.approx(1.8, rel=0.05)


def test_a_reaction_that_starts_everywhere_is_told():
    order = np.random.default_rng(0).uniform(2, 28, BAR.shape)
    warnings = " ".join(result_of(lambda t: bar(order < t)).warnings)
    assert "rank correlation" in warnings


def test_a_front_that_jumps_follows_no_law():
    warnings = " ".join(result_of(lambda t: bar(x < 10 + (0.4 * t if t < 18 else 40 + 0.4 * t))).warnings)
    assert "none of the laws" in warnings


def test_a_blurred_band_along_the_front_is_no_phase_in_between():
    def labels(time):
        lead = 8 + 1.8 * time
        return np.where(BAR & (x >= lead) & (x < lead + 3), 2, bar(x < lead))

    (found,) = result_of(labels).transitions
    assert str(found.transition) == "pristine->converted"


def test_patches_of_a_wrong_phase_are_no_step():
    patches = BAR & (abs(y - 24) < 5) & (x % 20 > 10)
    (found,) = result_of(lambda t: np.where(patches & (8 + 1.8 * t <= x), 2, bar(x < 8 + 1.8 * t))).transitions
    assert str(found.transition) == "pristine->converted"


def test_a_phase_that_the_whole_front_passes_through_is_a_step():
    result = result_of(lambda t: np.where(BAR & (x < 1.8 * t - 10), 3, bar(x < 8 + 1.8 * t, phase=2)))
    assert [str(t.transition) for t in result.transitions] == ["pristine->intercalated", "intercalated->converted"]


def test_a_front_that_sweeps_little_is_not_called_disordered():
    assert result_of(lambda t: bar(x < 10 + 0.3 * t)).warnings == ()


def test_a_still_patch_of_a_wrong_phase_is_no_reaction():
    result = result_of(lambda t: bar(x > 55))
    assert not result.reaction_observed


def test_a_shell_that_had_reacted_before_the_movie_does_not_stop_it():
    depth = np.minimum(np.minimum(x - 9, 70 - x), np.minimum(y - 14, 34 - y))
    result = result_of(lambda t: bar(depth <= 3 + 0.2 * t))
    assert result.reaction_observed
    assert any("in the first frame" in warning for warning in result.warnings)


def test_everything_at_once_has_no_rate():
    (found,) = result_of(lambda t: bar(x < (80 if t >= 8 else 0))).transitions
    assert found.rate is None


def test_a_thin_wire_may_react():
    wire = (abs(y - 24) < 2) & (x >= 10) & (x < 70)

    def labels(time):
        return np.where(wire & (x < 8 + 1.8 * time), 3, wire.astype(int))

    assert result_of(labels).reaction_observed
