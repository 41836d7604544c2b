"""The lines of the guide, word for word."""

import re
from pathlib import Path

import numpy as np

from ionfront.datasets import open_movie

GUIDE = Path(__file__).parents[2] / "docs" / "live.md"


def lines_of(heading):
    """The Python under a heading; None for what comes before the first."""
    head, *sections = re.split(r"^## (.*)\n", GUIDE.read_text(encoding="utf-8"), flags=re.M)
    text = head if heading is None else dict(zip(sections[::2], sections[1::2], strict=True))[heading]
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.S)
    return compile(lines, f"{GUIDE}: {heading}", "exec")


def test_the_lines_of_the_guide_run(grey, capsys):
    names = {"camera": [(frame, float(number)) for number, frame in enumerate(grey[:8])]}
    exec(lines_of(None), names)
    assert names["kinetics"]["material"] == {"host": "Bi2Te3", "ion": "Na"}
    assert names["state"].frame == 7


def test_the_lines_on_recording_run(grey, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(lines_of("Recording"), {"camera": [(frame, 0.5 * number, 2.0) for number, frame in enumerate(grey[:6])]})
    movie = open_movie("movie.ome.zarr")
    np.testing.assert_array_equal(movie, grey[:6])
    np.testing.assert_array_equal(movie["time"], 0.5 * np.arange(6))
    assert "Recorded(kept=6, lost=0" in capsys.readouterr().out
