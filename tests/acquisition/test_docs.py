"""The lines of the guide, word for word; those of an adapter are run in its own tests."""


def test_the_lines_of_the_guide_run(grey, guide_lines):
    names = {"camera": [(frame, float(number)) for number, frame in enumerate(grey[:8])]}
    exec(guide_lines("Fronts while the experiment runs"), names)
    assert names["kinetics"]["material"] == {"host": "Bi2Te3", "ion": "Na"}
    assert names["state"].frame == 7
