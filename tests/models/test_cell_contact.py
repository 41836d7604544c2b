"""What one front of a cell tells of its others."""

from dataclasses import replace

import numpy as np
import pytest

from ionfront.datasets import IONS, hosts, material_steps
from ionfront.models.cell_contact import cell_contact, predict_in_cell
from ionfront.models.kinetics_head import load_kinetics_head
from ionfront.models.measured_runs import MeasuredFront
from ionfront.models.physical_mean import mean_log_speed
from ionfront.models.reaction import CONTACT_SPREAD, Experiment, Unknowns, drawn, front_cases, reactions
from ionfront.physics import front_course


@pytest.fixture(scope="module")
def head():
    return load_kinetics_head()


def front(log_speed, error=0.05, **more):
    return MeasuredFront(material_steps("NiO", "Li")[0], Experiment(**more), log_speed, error, np.nan, "a cell")


def test_without_fronts_it_is_cells_at_large(head):
    cell = cell_contact([], head)
    assert cell.weight.sum() == pytest.approx(1.0)
    assert cell.mean == pytest.approx(Unknowns().contact)
    assert cell.spread == pytest.approx(CONTACT_SPREAD, rel=0.05)


def test_a_slow_front_means_a_bad_contact_and_the_surer_the_more(head):
    slow, fast = (cell_contact([front(speed)], head).mean for speed in (-1.0, 2.5))
    assert slow > Unknowns().contact > fast
    sure, unsure = (cell_contact([front(-1.0, error)], head) for error in (0.05, 2.0))
    assert sure.mean > unsure.mean
    assert cell_contact([front(-1.0)] * 3, head).spread < sure.spread


def test_parts_still_add_up_in_a_known_cell(head):
    told = reactions([material_steps("NiO", ion)[0] for ion in IONS], [Experiment()] * 3)
    said = predict_in_cell(head, told, cell_contact([front(0.5)], head))
    assert said.contributions.sum(axis=1) == pytest.approx(said.log_speed[:, 0])
    assert (np.diff(said.quantiles, axis=1) >= 0).all()
    assert (said.log_speed[:, 1] < said.log_speed[:, 0]).all()
    assert (said.log_speed[:, 0] < said.log_speed[:, 2]).all()


def test_cells_at_large_are_predicted_as_by_the_head_itself(head):
    told = reactions([material_steps("NiO", ion)[0] for ion in IONS], [Experiment()] * 3)
    mixed = predict_in_cell(head, told, cell_contact([], head)).log_speed
    assert mixed == pytest.approx(head.predict(told).log_speed, abs=0.35)


def test_another_front_of_the_same_cell_is_foretold_better(head):
    """Fronts of simulated cells: all unknowns but the contact differ between a cell's two fronts."""
    rng = np.random.default_rng(4)
    steps = [material_steps(host, ion)[0] for host in hosts() for ion in IONS if material_steps(host, ion)]
    pairs = [rng.choice(len(steps), 2, replace=False) for _ in range(60)]
    alone, off, held = [], [], []
    for first, second in pairs:
        known, other = ([steps[k]] for k in (first, second))
        contact = Unknowns().contact + CONTACT_SPREAD * rng.standard_normal()
        speeds = []
        for of in (known, other):
            unknowns = replace(drawn(1, rng), contact=contact)
            speeds.append(float(mean_log_speed(front_course(front_cases(reactions(of, [Experiment()]), unknowns)))[0]))
        cell = cell_contact([MeasuredFront(known[0], Experiment(), speeds[0], 0.05, np.nan, "")], head)
        told = reactions(other, [Experiment()])
        before, after = head.predict(told).log_speed[0], predict_in_cell(head, told, cell).log_speed[0]
        alone.append(abs(before[0] - speeds[1]))
        off.append(abs(after[0] - speeds[1]))
        held.append(after[1] <= speeds[1] <= after[2])
    assert np.mean(off) < 0.95 * np.mean(alone)
    assert np.mean(held) > 0.85
