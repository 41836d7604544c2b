"""The literature table: validated, and what was recalled never passes for what was read."""

import pytest

from ionfront.core import MaterialError
from ionfront.datasets import literature, orderings, read_literature

HEAD = (
    "host,ion,mechanism,morphology,size_nm,orientation,regime,velocity_nm_s_low,velocity_nm_s_best,"
    "velocity_nm_s_high,exponent,volume_expansion_percent,temperature_K,bias_V,source_citation,doi,"
    "verified_or_recalled,confidence_note\n"
)


def test_the_table_is_whole():
    rows = literature()
    assert len(rows) == 89
    assert sum(row.verified_or_recalled == "kinetic_number" for row in rows) == 9
    assert sum(row.verified_or_recalled == "in_words" for row in rows) == 55


def test_only_a_verified_number_is_a_velocity():
    known = {(row.host, row.ion): row.velocity_verified_nm_s for row in literature() if row.velocity_verified_nm_s}
    assert known == {("Sb2S3 (C-coated)", "Na"): 146}
    recalled = [row for row in literature() if row.host == "SnO2" and row.velocity_nm_s_best]
    assert recalled
    assert all(row.velocity_verified_nm_s is None for row in recalled)


def test_shapes_and_regimes_can_be_asked_for():
    assert {(row.host, row.ion) for row in literature() if row.concave} == {("Bi2Te3", "Na"), ("Sb2Se3", "Na")}
    assert {row.host for row in literature() if row.self_limiting} == {"c-Si"}


def test_orderings_are_all_verified():
    assert all(ordering.status == "verified" for ordering in orderings())
    assert {("Bi2Te3", "Na", "Li"), ("NiO", "Li", "Na")} <= {(o.host, o.faster, o.slower) for o in orderings()}


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("NiO,Mg,,,,,,,,,,,,,A,,RECALLED(x),", "ion"),
        ("NiO,Li,,,,,,-3,,,,,,,A,,RECALLED(x),", "velocity_nm_s_low"),
        ("NiO,Li,,,,,,9,3,,,,,,A,,RECALLED(x),", "order"),
        ("NiO,Li,,,nan,,,,,,,,,,A,,RECALLED(x),", "size_nm"),
        ("NiO,Li,,,,,,,,,,,,,A,,perhaps,", "verified_or_recalled"),
        ("NiO,Li,,,,,,,,,,,,,,,RECALLED(x),", "source_citation"),
    ],
)
def test_a_broken_row_is_named(row, what):
    with pytest.raises(MaterialError, match=f"line 2.*{what}"):
        read_literature(HEAD + row + "\n")
