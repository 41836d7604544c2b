"""The guide to live measurements, and the lines of Python in it."""

import re
from pathlib import Path

__all__ = ["GUIDE", "lines_under"]

GUIDE = Path(__file__).parents[2] / "docs" / "live.md"


def lines_under(heading):
    """The first block of Python under a heading."""
    _, found, rest = GUIDE.read_text(encoding="utf-8").partition(f"# {heading}\n")
    assert found
    return compile(re.search(r"```python\n(.*?)```", rest, re.S)[1], str(GUIDE), "exec")
