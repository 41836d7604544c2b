"""The materials table: reactions balance, what follows from phases agrees with what is known, sources are named."""

import pytest

from ionfront.core import MaterialError
from ionfront.datasets import IONS, composition, hosts, material_steps

PATHS = [(host, ion) for host in hosts() for ion in IONS if material_steps(host, ion)]


def _atoms(state: dict[str, float], ion: str) -> dict[str, float]:
    atoms: dict[str, float] = {}
    for phase, number in state.items():
        for element, count in composition(phase).items():
            atoms[element] = atoms.get(element, 0.0) + number * count
    return {element: count for element, count in atoms.items() if element != ion}


@pytest.mark.parametrize(("host", "ion"), PATHS)
def test_every_step_balances_and_takes_up_ions(host, ion):
    for step in material_steps(host, ion):
        assert _atoms(step.before, ion) == pytest.approx(_atoms(step.after, ion))
        assert step.ions > 0
        assert 1.0 < step.expansion.value < 6
        assert 0 < step.potential_v.value < 4
        assert all(value.source for value in (step.expansion, step.potential_v, step.bulk_modulus_gpa))


def test_all_nineteen_hosts_are_there():
    named = "NiO P Bi2Te3 Si Ge Sn Sb Bi SnO2 Fe3O4 FeF2 FeS2 MoS2 Sb2S3 Sb2Se3 graphite LiFePO4 TiO2 Al"
    assert set(hosts()) == set(named.split())


def test_bismuth_telluride_as_it_was_seen_and_computed():
    assert [len(material_steps("Bi2Te3", ion)) for ion in IONS] == [2, 2, 3]
    lithium, sodium = (material_steps("Bi2Te3", ion)[0] for ion in ("Li", "Na"))
    assert (lithium.potential_v.value, sodium.potential_v.value) == pytest.approx((1.32, 1.17), abs=0.01)
    assert (lithium.expansion.value, sodium.expansion.value) == pytest.approx((1.64, 2.15), abs=0.01)
    potassium = material_steps("Bi2Te3", "K")
    whole = sum(step.ions * step.potential_v.value for step in potassium[:2])
    assert whole / 6 == pytest.approx(1.35, abs=0.01)


def test_a_value_is_as_weak_as_the_weakest_that_it_is_worked_out_of():
    assert material_steps("Bi2Te3", "Li")[0].potential_v.kind == "computed"
    assert material_steps("NiO", "Li")[0].potential_v.kind == "measured"
    assert material_steps("Bi2Te3", "K")[0].expansion.status == "estimated"
    assert material_steps("Si", "Li")[0].yield_gpa.kind == "estimated"


def test_what_does_not_react_has_no_path_and_what_is_not_known_is_refused():
    assert material_steps("Al", "Na") == ()
    with pytest.raises(MaterialError, match="unobtainium"):
        material_steps("unobtainium", "Li")
    with pytest.raises(MaterialError, match="not a formula"):
        composition("bi2te3")
