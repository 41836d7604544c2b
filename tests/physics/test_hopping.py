"""Hop diffusivities against random walks and known prefactors."""

import numpy as np
import pytest

from ionfront.physics import SITE_LATTICES, hop_diffusivity_nm2_s, stress_factor

KT = 8.617333262e-5 * 298.15


@pytest.mark.parametrize("lattice", ["chain", "square", "triangular", "simple_cubic"])
def test_a_random_walk_spreads_as_the_diffusivity_says(lattice):
    neighbours, dimensions = SITE_LATTICES[lattice]
    if lattice == "triangular":
        angles = np.arange(6) * np.pi / 3
        steps = np.column_stack([np.cos(angles), np.sin(angles)])
    else:
        steps = np.vstack([np.eye(dimensions), -np.eye(dimensions)])
    assert len(steps) == neighbours
    rng = np.random.default_rng(0)
    walks = steps[rng.integers(0, neighbours, (4000, 100))].sum(axis=1)
    time = 100 / neighbours  # each neighbour is tried at rate 1
    measured = (walks**2).sum(axis=1).mean() / (2 * dimensions * time)
    stated = hop_diffusivity_nm2_s(0.0, 1.0, lattice=lattice, attempt_hz=1.0)
    assert measured == pytest.approx(float(stated), rel=0.05)


def test_the_gap_of_bismuth_telluride():
    found = hop_diffusivity_nm2_s(0.19, 0.4395, lattice="triangular", attempt_hz=1e13)
    assert found * 1e-18 == pytest.approx(2e-9, rel=0.25)  # m2/s


def test_a_barrier_of_one_kt_costs_a_factor_e():
    one, two = hop_diffusivity_nm2_s(np.array([0.3, 0.3 + KT]), 0.3, lattice="chain")
    assert one / two == pytest.approx(np.e)


def test_a_gigapascal_on_four_cubic_angstrom():
    assert stress_factor(1.0, 4e-3) == pytest.approx(2.6, abs=0.1)
    assert stress_factor(-1.0, 4e-3) == pytest.approx(1 / stress_factor(1.0, 4e-3))
