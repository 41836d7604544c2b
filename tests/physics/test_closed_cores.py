"""Fronts that close in on a core: closed forms against their differential equations, limits, and the stall."""

from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.interpolate import CubicHermiteSpline

from ionfront.physics import Linear, PlasticCore, ShrinkingCore, closed_cores

DIMENSIONS = st.sampled_from([2, 3])
SIZES = st.floats(0.1, 100)
SHRINKING = st.builds(ShrinkingCore, SIZES, SIZES, SIZES, DIMENSIONS)
PLASTIC = st.builds(PlasticCore, SIZES, SIZES, st.floats(1.05, 5), st.floats(0.05, 1.2), DIMENSIONS)
SHARES = np.linspace(0, 0.999, 60)


def depths(law):
    reach = law.stall_nm if isinstance(law, PlasticCore) else law.radius_nm
    return SHARES * reach


@given(st.one_of(SHRINKING, PLASTIC))
def test_time_undoes_position(law):
    position = law.position_nm(law.time_s(depths(law)))
    np.testing.assert_allclose(position, depths(law), rtol=1e-5, atol=1e-6 * law.radius_nm)


@given(st.builds(ShrinkingCore, SIZES, st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), DIMENSIONS))
def test_a_shrinking_core_is_there_on_time(law):
    """However little reaction or diffusion weighs, and at the centre, where diffusion alone has no limit of speed."""
    end = law.time_s(law.radius_nm)
    times = end * np.append(np.linspace(0, 1, 200), [1e-12, 1 - 1e-12])
    np.testing.assert_allclose(law.time_s(law.position_nm(times)), times, rtol=1e-9, atol=1e-13 * end)
    np.testing.assert_array_equal(law.position_nm([2 * end, np.inf]), law.radius_nm)


@given(st.one_of(SHRINKING, PLASTIC))
def test_nothing_moves_before_time_zero(law):
    assert law.position_nm(-1.0) == 0
    assert law.time_s(0.0) == 0


@given(st.one_of(SHRINKING, PLASTIC), SIZES, SIZES)
def test_units_cancel(law, nm, s):
    if isinstance(law, PlasticCore):
        scaled = PlasticCore(law.radius_nm * nm, law.rate_nm_s * nm / s, law.expansion, law.stress, law.dimension)
    else:
        scaled = ShrinkingCore(law.radius_nm * nm, law.rate_nm_s * nm / s, law.D_nm2_s * nm**2 / s, law.dimension)
    np.testing.assert_allclose(scaled.time_s(depths(law) * nm), law.time_s(depths(law)) * s, rtol=1e-6)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize(("rate", "diffusivity"), [(2.0, 1e9), (1e9, 30.0), (2.0, 30.0)])
def test_shrinking_core_obeys_its_differential_equation(dimension, rate, diffusivity):
    """Flux through the product's shells in series with the surface reaction: v = 1/(1/k + r-dependent resistance/D)."""
    R = 10.0
    law = ShrinkingCore(R, rate, diffusivity, dimension)

    def slowness(depth):
        r = R - depth
        resistance = r - r * r / R if dimension == 3 else r * np.log(R / r)
        return 1 / rate + resistance / diffusivity

    for depth in (0.1 * R, 0.9 * R):
        assert law.time_s(depth) == pytest.approx(quad(slowness, 0, depth)[0], rel=1e-9)


@given(SIZES, SIZES, DIMENSIONS)
def test_a_diffusive_core_speeds_up_near_its_centre_and_an_interface_limited_one_is_linear(radius, size, dimension):
    steps = np.diff(ShrinkingCore(radius, 1e12, size, dimension).time_s(np.linspace(0.5, 0.999, 50) * radius))
    assert steps[-1] < steps[0] / 3
    at = SHARES * radius
    np.testing.assert_allclose(
        ShrinkingCore(radius, size, 1e14 * size, dimension).time_s(at), Linear(size).time_s(at), rtol=1e-6
    )


@given(PLASTIC)
def test_a_plastic_core_only_slows_and_stalls(law):
    times = law.time_s(depths(law))
    if law.stall_nm == 0:
        assert law.position_nm(1e9) == 0
        return
    assert (np.diff(law.speed_nm_s(depths(law))) < 0).all()
    assert (np.diff(times) > 0).all()
    assert np.isinf(law.time_s(1.01 * law.stall_nm))
    assert law.position_nm(1e6 * times[-1]) == pytest.approx(law.stall_nm)


@pytest.mark.parametrize(
    ("yield_gpa", "dimension", "core"), [(0.5, 3, 0.55), (0.5, 2, 0.33), (1.0, 3, 0.88), (1.0, 2, 0.79)]
)
def test_silicon_stalls_where_the_closed_form_says(yield_gpa, dimension, core):
    """Expansion 3.7 and a drive of 3.6 GPa: ln(b/a) = (1/n) [dG/((beta - 1) Y) - 2/3]."""
    law = PlasticCore(1.0, 1.0, 3.7, 2.7 * yield_gpa / 3.6, dimension)
    assert 1 - law.stall_nm == pytest.approx(core, abs=0.01)
    assert law.speed_nm_s(0.999 * law.stall_nm) < 0.01 * law.speed_nm_s(0.0)


def test_a_plastic_core_builds_its_splines_once(monkeypatch):
    build = Mock(wraps=CubicHermiteSpline)
    monkeypatch.setattr(closed_cores, "CubicHermiteSpline", build)
    law = PlasticCore(10.0, 1.0, 3.7, 0.5)
    for depth in (1.0, 2.0):
        assert law.position_nm(law.time_s(depth)) == pytest.approx(depth)
    assert build.call_count == 2  # one for depths, one for times
    assert law == PlasticCore(10.0, 1.0, 3.7, 0.5)


@settings(max_examples=20, deadline=None)
@given(PLASTIC.filter(lambda law: law.stall_nm > 0))
def test_plastic_core_obeys_its_differential_equation(law):
    reach = 0.9 * law.stall_nm
    solved = solve_ivp(lambda _t, x: law.speed_nm_s(x), (0, float(law.time_s(reach))), [0.0], rtol=1e-9, atol=1e-12)
    assert solved.y[0, -1] == pytest.approx(reach, rel=1e-4)
    left = 1 - 0.5 * law.stall_nm / law.radius_nm
    ratio = np.log1p(law.expansion * (left**-law.dimension - 1)) / law.dimension
    hoop = {2: 2 / 3**0.5, 3: 2}[law.dimension]
    plain = law.rate_nm_s * (1 - law.stress * (2 / 3 + hoop * ratio))
    assert law.speed_nm_s(0.5 * law.stall_nm) == pytest.approx(plain, rel=1e-6)
