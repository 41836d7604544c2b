"""The guide to live use, whose examples are tests."""

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "live.md"


@pytest.fixture
def guide_lines():
    """The Python lines below a heading of the guide, compiled."""

    def lines(heading):
        sections = re.split(r"^#+ (.*)\n", GUIDE.read_text(encoding="utf-8"), flags=re.M)
        text = dict(zip(sections[1::2], sections[2::2], strict=True))[heading]
        (block,) = re.findall(r"```python\n(.*?)```", text, re.S)
        return compile(block, str(GUIDE), "exec")

    return lines
