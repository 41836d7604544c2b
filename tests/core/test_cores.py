"""Core quotas of containers, and work that cores share."""

import pytest

from ionfront.core import core_quota, side_by_side


@pytest.mark.parametrize(
    ("content", "cores"),
    [("200000 100000", 2), ("150000 100000", 2), ("5000 100000", 1), ("max 100000", None), ("", None)],
)
def test_quotas_are_rounded_up(tmp_path, content, cores):
    file = tmp_path / "cpu.max"
    file.write_text(content)
    assert core_quota(file) == cores


def test_no_control_group_no_quota(tmp_path):
    assert core_quota(tmp_path / "absent") is None


def test_results_come_in_the_order_of_the_parts_and_errors_come_through():
    assert side_by_side(lambda part: part**2, range(9)) == [part**2 for part in range(9)]
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda part: 1 // part, range(3))
