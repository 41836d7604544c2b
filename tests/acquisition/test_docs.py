"""The lines of the guide, word for word."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "live.md"


def test_the_lines_of_the_guide_run(grey, capsys):
    lines = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)[0]
    names = {"camera": [(frame, float(number)) for number, frame in enumerate(grey[:8])]}
    exec(compile(lines, str(GUIDE), "exec"), names)
    assert names["kinetics"]["material"] == {"host": "Bi2Te3", "ion": "Na"}
    assert names["state"].frame == 7
