"""The lines of the guide, word for word."""

from .guide import lines_under


def test_the_lines_of_the_guide_run(grey, capsys):
    names = {"camera": [(frame, float(number)) for number, frame in enumerate(grey[:8])]}
    exec(lines_under("Fronts while the experiment runs"), names)
    assert names["kinetics"]["material"] == {"host": "Bi2Te3", "ion": "Na"}
    assert names["state"].frame == 7
