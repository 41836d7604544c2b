"""A front's course by depth against closed forms, and against the simulator in the plane."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.physics import (
    GEOMETRIES,
    Body,
    FrontCases,
    ShrinkingCore,
    Step,
    front_course,
    marcus_hush_chidsey,
    simulate,
    speed_in_series_nm_s,
    stall_core,
    tabulated_marcus_hush_chidsey,
)
from ionfront.physics.units import BOLTZMANN_EV_K, EV_PER_GPA_NM3

KT = BOLTZMANN_EV_K * 298.15
FLAT = FrontCases(
    exchange_nm_s=1.0,
    overpotential_v=0.2,
    host_volume_nm3=0.018,
    ions=2.0,
    expansion=1.0,
    yield_gpa=0.0,
    layer=1 / 3,
    hoop=0.0,
    dimension=1,
    depth_nm=100.0,
    strain_share=0.0,
    reorganisation_ev=0.5,
    contact_ohm_m2=0.0,
    conductivity_s_m=np.inf,
    temperature_k=298.15,
)


@given(st.floats(0, 240), st.floats(4.5, 75))
@settings(deadline=None)  # the first makes the table
def test_the_table_of_rates_is_exact_to_a_thousandth(drive, reorganisation):
    truth = marcus_hush_chidsey(drive * KT, reorganisation * KT)
    assert tabulated_marcus_hush_chidsey(drive, reorganisation) == pytest.approx(truth, rel=2e-3, abs=1e-12)


def test_a_flat_front_meets_contact_and_product_in_series():
    course = front_course(replace(FLAT, contact_ohm_m2=1e-3, conductivity_s_m=1e-5))
    cost = 2 * 1.602176634e-19 / (0.018e-27) * 1e-9 * (1e-3 + course.depth_nm[0] * 1e-9 / 1e-5)
    truth = speed_in_series_nm_s(lambda psi: marcus_hush_chidsey(psi, 0.5), 1.0, 0.2, cost)
    assert course.speed_nm_s[0] == pytest.approx(truth, rel=3e-3)


@pytest.mark.parametrize("dimension", [2, 3])
def test_small_drives_give_the_shrinking_core(dimension):
    """In proportion to the drive, interface and product in series are Levenspiel's shrinking core."""
    sigma = 2e-7
    course = front_course(replace(FLAT, overpotential_v=1e-4, dimension=dimension, conductivity_s_m=sigma), depths=400)
    rate = float(marcus_hush_chidsey(1e-4, 0.5))
    charge = 2 * 1.602176634e-19 / 0.018e-27
    law = ShrinkingCore(100.0, rate, 1e-4 * sigma / charge * 1e18, dimension)
    assert course.time_s[0, 4:] == pytest.approx(law.time_s(course.depth_nm[0, 4:]), rel=0.02)
    assert law.time_s(100.0) > 3 * 100 / rate


@pytest.mark.parametrize("name", ["sphere", "wire_radial"])
def test_a_pressed_core_stops_where_it_should(name):
    geometry = GEOMETRIES[name]
    pressed = replace(
        FLAT,
        overpotential_v=0.1,
        host_volume_nm3=0.02,
        ions=3.75,
        expansion=3.7,
        yield_gpa=1.0,
        layer=geometry.layer,
        hoop=geometry.hoop,
        dimension=geometry.dimension,
    )
    course = front_course(pressed, depths=500)
    reached = course.depth_nm[0][np.isfinite(course.time_s[0])].max() / 100
    drive_gpa = 3.75 * 0.1 / (0.02 * EV_PER_GPA_NM3)
    assert 1 - reached == pytest.approx(stall_core(geometry, 3.7, 1.0, drive_gpa), abs=0.01)


def test_depth_and_plane_agree_for_a_disc_with_everything_in_its_way():
    """A wire seen from its end: stress, contact and product at once, within what a grid of 140 pixels allows."""
    size = 140
    y, x = np.mgrid[: size + 8, : size + 8] - (size + 7) / 2
    away = np.hypot(y, x)
    inside = away <= size / 2
    step = Step(
        exchange_nm_s=1.0,
        overpotential_v=0.3,
        host_volume_nm3=0.018,
        ions=2,
        expansion=1.8,
        yield_gpa=0.5,
        core_geometry="wire_radial",
        strain_share=0.3,
        conductivity_s_m=np.inf,
    )
    run = simulate(Body(inside, (away <= size / 2 + 2) & ~inside, 200 / size), [step], contact_ohm_m2=3e-4)
    geometry = GEOMETRIES["wire_radial"]
    course = front_course(
        replace(
            FLAT,
            overpotential_v=0.3,
            expansion=1.8,
            yield_gpa=0.5,
            layer=geometry.layer,
            hoop=geometry.hoop,
            dimension=2,
            strain_share=0.3,
            contact_ohm_m2=3e-4,
        )
    )
    depth = 100 - away[inside] * 200 / size
    middle = (depth > 15) & (depth < 85)
    truth = np.interp(depth[middle], course.depth_nm[0], course.time_s[0])
    assert np.median(run.arrival_s[0][inside][middle] / truth) == pytest.approx(1, abs=0.04)


def test_cases_side_by_side_are_as_each_alone():
    together = front_course(replace(FLAT, overpotential_v=np.array([0.1, 0.4]), dimension=np.array([1, 3])))
    alone = front_course(replace(FLAT, overpotential_v=0.4, dimension=3))
    assert together.time_s[1] == pytest.approx(alone.time_s[0])
