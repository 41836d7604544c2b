"""Features of a composition."""

import pytest

from ionfront.core import MaterialError
from ionfront.datasets import composition, composition_features, hosts, material_steps


def test_an_element_has_itself_as_mean_and_no_spread():
    features = composition_features({"Si": 3.0})
    assert features["mean_electronegativity"] == pytest.approx(1.9)
    assert features["spread_electronegativity"] == 0


def test_a_compound_lies_between_its_elements_whatever_its_size():
    once, twice = composition_features(composition("NiO")), composition_features(composition("Ni2O2"))
    assert once == pytest.approx(twice)
    assert once["mean_electronegativity"] == pytest.approx((1.91 + 3.44) / 2)
    assert once["spread_electronegativity"] == pytest.approx((3.44 - 1.91) / 2)


def test_every_host_of_the_table_has_features():
    for host in hosts():
        for phase in material_steps(host, "Li")[0].before:
            composition_features(composition(phase))


@pytest.mark.parametrize("atoms", [{}, {"Xx": 1.0}, {"Ar": 1.0}])
def test_what_has_no_features_is_refused(atoms):
    with pytest.raises(MaterialError):
        composition_features(atoms)
