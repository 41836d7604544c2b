"""Stress by geometry: who stalls and who does not, and elastic forms against textbook cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from ionfront.physics import (
    GEOMETRIES,
    PlasticCore,
    cavity_limit_gpa,
    film_curvature_per_nm,
    film_stress_gpa,
    front_stress_gpa,
    inclusion_pressure_gpa,
    log_swelling,
    stall_core,
)


@pytest.mark.parametrize(("yield_gpa", "sphere", "wire"), [(0.25, 0.15, 0.03), (0.5, 0.55, 0.33), (1.0, 0.88, 0.79)])
def test_silicon_stalls_in_spheres_and_wires_and_never_in_films(yield_gpa, sphere, wire):
    drive = 3.6  # 0.45 eV an atom of 0.02 nm3
    assert stall_core(GEOMETRIES["sphere"], 3.7, yield_gpa, drive) == pytest.approx(sphere, abs=0.01)
    assert stall_core(GEOMETRIES["wire_radial"], 3.7, yield_gpa, drive) == pytest.approx(wire, abs=0.01)
    assert stall_core(GEOMETRIES["film"], 3.7, yield_gpa, drive) == 0
    assert stall_core(GEOMETRIES["film"], 3.7, 4.0, drive) == 1


@given(st.floats(1.05, 4), st.floats(0.05, 2), st.floats(0.2, 6), st.sampled_from(["sphere", "wire_radial"]))
def test_a_front_stalls_where_stress_uses_up_the_drive(expansion, yield_gpa, drive, name):
    geometry = GEOMETRIES[name]
    core = stall_core(geometry, expansion, yield_gpa, drive)
    if 1e-3 < core < 1:
        there = log_swelling(expansion, core**geometry.dimension, geometry.dimension)
        work = (expansion - 1) * front_stress_gpa(geometry, yield_gpa, there)
        assert work == pytest.approx(drive, rel=1e-6)


@pytest.mark.parametrize("name", ["sphere", "wire_radial"])
def test_the_speed_of_the_rate_law_ends_at_the_stall(name):
    geometry, drive = GEOMETRIES[name], 3.6
    law = PlasticCore(100.0, 1.0, 3.7, (3.7 - 1) * 0.5 / drive, geometry.dimension)
    core = np.linspace(0.5 * (1 + stall_core(geometry, 3.7, 0.5, drive)), 1.0, 7)
    stress = front_stress_gpa(geometry, 0.5, log_swelling(3.7, core**geometry.dimension, geometry.dimension))
    np.testing.assert_allclose(law.speed_nm_s(100 * (1 - core)), 1 - (3.7 - 1) * stress / drive, rtol=1e-6)


def test_the_hoop_terms_are_those_of_yielding_shells():
    for name, difference in (("sphere", 1.0), ("wire_radial", 2 / np.sqrt(3))):
        geometry = GEOMETRIES[name]
        inner = integrate.quad(lambda r, g=geometry, d=difference: (g.dimension - 1) * d / r, 1.0, 2.5)[0]
        assert geometry.hoop * np.log(2.5) == pytest.approx(inner)


def test_only_open_concave_fronts_are_assisted():
    for name, geometry in GEOMETRIES.items():
        gained = front_stress_gpa(geometry, 0.5) - front_stress_gpa(geometry, 0.5, assistance=1.0)
        assert gained == (0.5 if name == "open_concave" else 0)
    assert front_stress_gpa(GEOMETRIES["open_concave"], 0.5, assistance=1.0) < 0
    assert stall_core(GEOMETRIES["open_concave"], 2.0, 1.0, 0.1) == 1
    assert stall_core(GEOMETRIES["open_concave"], 2.0, 1.0, 0.1, assistance=1.0) == 0


def test_an_unreacted_body_is_not_swollen():
    assert log_swelling(2.0, 1.0, 3) == 0
    assert log_swelling(2.0, 0.5, 0) == 0
    assert log_swelling(2.0, 1e-9, 2) == pytest.approx(np.log(2e9) / 2)


def test_elastic_forms():
    assert film_stress_gpa(100.0, 0.25, 0.01) == pytest.approx(-4 / 3)
    # equal moduli, nu = 1/3: K = E, mu = 3 E/8, and p = 2 E e/(3 (1 - nu))
    assert inclusion_pressure_gpa(100.0, 37.5, 0.01) == pytest.approx(2 * 100 * 0.01 / (3 * 2 / 3))
    # 100 nm at 1 GPa on 0.5 mm of silicon bends it to a radius of some 98 m
    assert 1 / film_curvature_per_nm(1.0, 100.0, 170.0, 0.28, 5e5) == pytest.approx(98e9, rel=0.02)
    assert cavity_limit_gpa(1.0, 80.0) == pytest.approx(2 / 3 * (1 + np.log(80 / 2.1)))
