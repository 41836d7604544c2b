"""Laws beyond the four are found where they hold, and only where the geometry allows them."""

import numpy as np
import pytest

from ionfront.fronts.further_laws import weigh_further_laws
from ionfront.fronts.rate_fit import fit_law
from ionfront.physics import LAW_NAMES, Exponential, Linear, Parabolic, PlasticCore, SelfLimiting, ShrinkingCore

TIME = np.linspace(1, 60, 60)
R = 100.0


def weighed(law, radius=R, seed=0):
    rng = np.random.default_rng(seed)
    position = np.maximum(law.position_nm(TIME - 1) + rng.normal(0, 0.2, 60), 1e-3)
    use = (position > 2) & (position < 0.97 * R)
    time, position = TIME[use], position[use]
    fits = {name: fit_law(name, time, position) for name in LAW_NAMES}
    curves = [position + rng.normal(0, 0.2, position.size) for _ in range(20)]
    return weigh_further_laws(fits, time, position, curves, 1.0, radius)


@pytest.mark.parametrize(
    ("law", "name"),
    [
        (Exponential(6.0, 25.0), "exponential"),
        (ShrinkingCore(R, 6.0, 90.0, 2), "shrinking_cylinder"),
        (ShrinkingCore(R, 6.0, 60.0, 3), "shrinking_sphere"),
    ],
)
def test_each_is_found_with_its_parameters(law, name):
    found = weighed(law)
    assert max(found.probabilities, key=found.probabilities.get) == found.law == name
    assert sum(found.probabilities.values()) == pytest.approx(1)
    for parameter, quantity in found.parameters.items():
        assert quantity.value == pytest.approx(getattr(law, parameter), rel=0.15)
        assert quantity.low < quantity.value < quantity.high


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_core_that_stalls_is_no_shrinking_one(dimension):
    found = weighed(PlasticCore(R, 5.0, 2.0, 0.5, dimension))
    stalls = ("plastic_cylinder", "plastic_sphere", "self_limiting", "exponential")
    assert sum(found.probabilities[name] for name in stalls) > 0.99


@pytest.mark.parametrize("law", [Linear(1.4), Parabolic(120.0), SelfLimiting(80.0, 18.0)])
def test_the_four_keep_what_is_theirs(law):
    found = weighed(law)
    assert max(found.probabilities, key=found.probabilities.get) == law.name
    assert not found.parameters


def test_a_front_that_crosses_a_particle_closes_in_on_nothing():
    assert set(weighed(Linear(1.4), radius=None).probabilities) == {*LAW_NAMES, "exponential"}
