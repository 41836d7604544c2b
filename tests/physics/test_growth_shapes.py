"""Speeds by direction: on the axes they are what was given, and a front is nowhere faster than its shape allows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.physics import lattice_speed, two_axes_speed

FORMS = ("ellipse", "rectangle", "diamond")


@given(st.sampled_from(FORMS), st.floats(0.1, 10), st.floats(0.1, 10))
def test_along_the_axes(form, along, across):
    assert two_axes_speed(form, [0.0, np.pi / 2, np.pi], along, across) == pytest.approx([along, across, along])


@given(st.floats(0, 2 * np.pi), st.floats(0.1, 10), st.floats(0.1, 10))
def test_shapes_lie_inside_each_other(angle, along, across):
    """A diamond fits into the ellipse on its axes, and that into the rectangle around it."""
    speeds = [two_axes_speed(form, angle, along, across) for form in ("diamond", "ellipse", "rectangle")]
    assert speeds[0] <= speeds[1] * (1 + 1e-12)
    assert speeds[1] <= speeds[2] * (1 + 1e-12)


def test_a_lattice_is_alike_after_its_turn():
    angle = np.linspace(0, 2 * np.pi, 50)
    assert lattice_speed(6, angle + np.pi / 3, 0.03) == pytest.approx(lattice_speed(6, angle, 0.03))
    assert lattice_speed(4, 0.0, 0.05) == pytest.approx(1.05)
