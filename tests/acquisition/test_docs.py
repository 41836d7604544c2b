"""The lines of the guide, word for word; those of an adapter are run in its own tests."""

import numpy as np

from ionfront.datasets import open_movie


def test_the_lines_of_the_guide_run(grey, guide_lines):
    names = {"camera": [(frame, float(number)) for number, frame in enumerate(grey[:8])]}
    exec(guide_lines("Fronts while the experiment runs"), names)
    assert names["kinetics"]["material"] == {"host": "Bi2Te3", "ion": "Na"}
    assert names["state"].frame == 7


def test_the_lines_on_recording_run(grey, guide_lines, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(guide_lines("Recording"), {"camera": [(frame, 0.5 * number, 2.0) for number, frame in enumerate(grey[:6])]})
    movie = open_movie("movie.ome.zarr")
    np.testing.assert_array_equal(movie, grey[:6])
    np.testing.assert_array_equal(movie["time"], 0.5 * np.arange(6))
    assert "Recorded(kept=6, lost=0" in capsys.readouterr().out
