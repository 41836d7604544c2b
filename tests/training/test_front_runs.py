"""Simulated runs: the same again for the same seed, and in the plane what the physics says along one depth."""

from dataclasses import replace

import numpy as np
import pytest

from ionfront.datasets import all_steps, material_steps
from ionfront.models.physical_mean import mean_log_speed
from ionfront.models.reaction import Experiment, front_cases, reactions
from ionfront.physics import LAW_NAMES, front_course
from ionfront.training.front_runs import course_runs, simulated_runs, stranger_runs, track_of


@pytest.fixture(scope="module")
def runs():
    return simulated_runs(all_steps()[::6], seed=3)


def test_runs_agree_with_the_physics_that_was_drawn(runs):
    told = replace(runs.reactions, contact=np.full(len(runs.reactions), np.nan))
    known = mean_log_speed(front_course(front_cases(told, runs.unknowns)))
    off = runs.log_speed - known
    assert np.isfinite(runs.log_speed).mean() > 0.7
    assert np.nanmedian(np.abs(off)) < 0.1
    assert np.nansum(runs.laws, axis=1)[np.isfinite(runs.log_speed)] == pytest.approx(1.0)


def test_the_same_seed_gives_the_same_runs():
    steps = list(material_steps("NiO", "Li")) * 3
    first, again, other = (simulated_runs(steps, seed).log_speed for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_track_is_measured_in_nanometres_and_seconds():
    depth = np.linspace(5, 95, 24)
    flat = track_of(depth / 2.0, depth)
    assert flat.log_speed == pytest.approx(np.log10(2.0), abs=0.03)
    assert flat.exponent == pytest.approx(1.0, abs=0.05)
    assert LAW_NAMES[int(flat.laws.argmax())] == "linear"
    slowing = track_of(depth**2 / 50.0, depth)
    assert slowing.exponent == pytest.approx(0.5, abs=0.05)


def test_a_front_that_stops_has_reacted_a_part():
    depth = np.linspace(5, 95, 24)
    time = np.where(depth < 50, depth / 2.0, np.inf)
    assert track_of(time, depth).fraction == pytest.approx(0.5, abs=0.05)
    nothing = track_of(np.full(24, np.inf), depth)
    assert nothing.fraction == 0
    assert np.isnan(nothing.log_speed)


def test_courses_are_runs_without_flaws():
    runs = course_runs(all_steps() * 3, seed=5)
    known = mean_log_speed(front_course(front_cases(runs.reactions, runs.unknowns)))
    assert np.isfinite(runs.log_speed).all()
    assert runs.log_speed == pytest.approx(known, abs=0.15)
    assert 0.3 < np.isnan(runs.reactions.contact).mean() < 0.7
    assert np.isnan(runs.exponent).all()


def test_strangers_fill_the_ranges_that_hosts_lie_in():
    runs, table = stranger_runs(400, seed=1), reactions(all_steps(), [Experiment()] * len(all_steps()))
    assert set(runs.host) == {""}
    assert np.isfinite(runs.log_speed).all()
    strange = runs.reactions
    for name in ("expansion", "potential_v", "bulk_modulus_gpa", "barrier_ev", "crowding"):
        low, high = np.quantile(getattr(table, name), [0.05, 0.95])
        assert getattr(strange, name).min() <= low + 0.05
        assert getattr(strange, name).max() >= high - 0.05
    together = np.corrcoef([np.log(strange.expansion), strange.potential_v, np.log(strange.bulk_modulus_gpa)])
    assert np.abs(together - np.eye(3)).max() < 0.2
