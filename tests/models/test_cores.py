"""Core quotas of containers."""

import pytest

from ionfront.models.cores import core_quota


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
