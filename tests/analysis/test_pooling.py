"""Pooled repeats: intervals that hold the truth, and the spread between particles among them."""

import numpy as np
import pytest

from ionfront.analysis.pooling import difference, pooled


def drawn(rng, count, mean=0.0, spread=0.3):
    """Values of `count` particles as they are measured, with their standard errors."""
    stds = rng.uniform(0.05, 0.2, count)
    values = mean + spread * rng.standard_normal(count) + stds * rng.standard_normal(count)
    return list(zip(values, stds, strict=True))


@pytest.mark.parametrize("counts", [(2, 2), (3, 3), (5, 4), (10, 3), (4, 1)])
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_the_interval_of_a_difference_holds_the_truth(counts, spread):
    rng = np.random.default_rng(sum(counts))
    held = 0
    for _ in range(400):
        sides = pooled({"a": drawn(rng, counts[0], 1.0, spread), "b": drawn(rng, counts[1], 0.4, spread)})
        found = difference(sides["a"], sides["b"])
        held += found.low <= 0.6 <= found.high
    assert held / 400 >= 0.92


def test_repeats_that_differ_by_more_than_their_errors_widen_the_interval():
    sides = pooled({"alike": [(v, 0.01) for v in (1.0, 1.01, 0.99)], "scattered": [(v, 0.01) for v in (1.0, 1.4, 0.6)]})
    assert sides["scattered"].mean == pytest.approx(1.0)
    assert sides["scattered"].spread == pytest.approx(0.4, rel=0.05)
    assert sides["scattered"].std > 10 * sides["alike"].std
    assert sides["alike"].std >= 0.01 / 3**0.5  # never below what the errors alone make it


def test_single_repeats_have_their_own_error_and_show_no_spread():
    sides = pooled({"a": [(2.0, 0.1)], "b": [(1.0, 0.1)]})
    assert np.isnan(sides["a"].spread)
    assert sides["a"].quantity.high - 2 == pytest.approx(0.196, rel=1e-3)
    both = difference(sides["a"], sides["b"])
    assert both.value == pytest.approx(1.0)
    assert both.high - both.value == pytest.approx(0.196 * 2**0.5, rel=1e-3)


def test_a_single_repeat_borrows_the_spread_of_the_other_side():
    sides = pooled({"a": [(2.0, 0.01)], "b": [(v, 0.01) for v in (1.0, 1.4, 0.6)]})
    assert sides["a"].std == pytest.approx(sides["b"].spread, rel=0.01)
    assert sides["a"].freedom == 2
