"""What is known of a material, beside what was computed anew."""

import pytest

from ionfront.analysis.describe import describe, description_record
from ionfront.core import MaterialError, UsageError
from ionfront.datasets import Value


def computed(**values):
    units = {"volume": "nm^3", "energy": "eV", "bulk_modulus": "GPa"}
    return {
        (phase, quantity): Value(number, units[quantity], "computed", "verified", "a test")
        for phase, numbers in values.items()
        for quantity, number in zip(units, numbers, strict=True)
    }


def test_every_number_has_a_unit_and_a_source():
    for one in describe("Bi2Te3", "Na"):
        assert {number.quantity for number in one.numbers} >= {"expansion", "potential", "volume before"}
        for number in one.numbers:
            assert number.known.unit
            assert number.known.source
            assert number.computed is None


def test_computed_phases_give_expansion_modulus_and_potential():
    phases = computed(NiO=(0.02, -13.0, 150.0), Ni=(0.01, -5.0, 200.0), Li2O=(0.03, -15.0, 60.0), Li=(0.02, -2.0, 12.0))
    (step,) = describe("NiO", "Li", phases)
    anew = {number.quantity: number.computed for number in step.numbers}
    assert anew["expansion"].value == pytest.approx(2.0)
    assert anew["volume before"].value == 0.02
    assert anew["bulk modulus of the product"].value == pytest.approx(0.04 / (0.01 / 200 + 0.03 / 60))
    assert anew["potential"].value == pytest.approx(1.5)  # (13 - 5 - 15 - 2 * -2)/-2
    assert anew["potential"].kind == "computed"


def test_what_lacks_a_phase_is_not_mixed_with_the_table():
    (step,) = describe("NiO", "Li", computed(NiO=(0.02, -13.0, 150.0), Ni=(0.01, -5.0, 200.0)))
    anew = {number.quantity: number.computed for number in step.numbers}
    assert anew["expansion"] is None
    assert anew["potential"] is None
    assert anew["volume before"].value == 0.02


def test_a_hop_belongs_to_the_first_step():
    barrier, potential = (Value(0.2, unit, "computed", "verified", "a test") for unit in ("eV", "V"))
    first, second = describe("Bi2Te3", "Na", {}, barrier, potential)
    assert {number.quantity for number in first.numbers if number.computed} == {
        "hop barrier",
        "potential of the first ions",
    }
    assert not any(number.computed for number in second.numbers)
    record = description_record([first, second])
    assert record[0]["numbers"]["hop barrier"]["computed"]["value"] == 0.2
    assert record[0]["numbers"]["potential of the first ions"]["known"] is None


def test_unknown_hosts_and_reactions_are_refused():
    with pytest.raises(MaterialError, match="unobtainium"):
        describe("unobtainium", "Li")
    with pytest.raises(UsageError, match="not known to react"):
        describe("Al", "K")
