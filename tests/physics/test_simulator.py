"""Simulated fronts against closed forms, conservation of charge, and each other on finer grids."""

from dataclasses import replace

import numpy as np
import pytest

from ionfront.physics import (
    GEOMETRIES,
    Body,
    Growth,
    Step,
    cost_v_s_nm,
    expansion_work_ev,
    front_current_a_m2,
    front_stress_gpa,
    log_swelling,
    marcus_hush_chidsey,
    simulate,
    stall_core,
)

STEP = Step(exchange_nm_s=1.0, overpotential_v=0.2, host_volume_nm3=0.018, ions=2)
SPEED = float(marcus_hush_chidsey(0.2, 0.5))


def strip(pixels: int, length_nm: float = 100.0) -> Body:
    """A strip that ions enter at its left end."""
    inside = np.zeros((12, pixels + 4), bool)
    inside[2:10, 2:-2] = True
    contact = np.zeros_like(inside)
    contact[2:10, 1] = True
    return Body(inside, contact, length_nm / pixels)


def led_by_its_edges(lead: float) -> Body:
    """A wider strip whose edges conduct better, so that the front's middle lags."""
    thin = strip(100)
    body = Body(np.repeat(thin.inside, 4, 0), np.repeat(thin.contact, 4, 0), 1.0, np.ones((48, 104)))
    body.pace[8:11] = body.pace[37:40] = lead
    return body


def disc(pixels: int, radius_nm: float = 100.0) -> Body:
    """A disc that ions enter all around; `pixels` across."""
    away = distance(pixels)
    inside = away <= pixels / 2
    return Body(inside, (away <= pixels / 2 + 2) & ~inside, 2 * radius_nm / pixels)


def distance(pixels: int) -> np.ndarray:
    y, x = np.mgrid[: pixels + 8, : pixels + 8] - (pixels + 7) / 2
    return np.hypot(y, x)


def test_a_flat_front_goes_at_its_speed_and_draws_its_charge():
    run = simulate(strip(100), [STEP])
    across = run.arrival_s[0, 6, 2:-2]
    assert across == pytest.approx((np.arange(100) + 0.5) / SPEED, rel=1e-3)
    assert run.reacted_nm2[-1, 0] == pytest.approx(800)
    charge = np.trapezoid(run.current_a_m, run.time_s)
    assert charge == pytest.approx(float(front_current_a_m2(1.0, 0.018, 2)) * 800e-9, rel=0.01)


def test_a_core_shrinks_in_proportion_and_better_so_on_finer_grids():
    off = []
    for pixels in (40, 80, 160):
        run = simulate(disc(pixels), [STEP])
        inside = distance(pixels) < 0.45 * pixels  # the outline is a staircase
        truth = (100 - distance(pixels) * 200 / pixels) / SPEED
        off.append(float(np.abs(run.arrival_s[0] - truth)[inside].mean()) * SPEED)
        charge = np.trapezoid(run.current_a_m, run.time_s) / float(front_current_a_m2(1.0, 0.018, 2)) * 1e9
        assert charge == pytest.approx(run.reacted_nm2[-1, 0], rel=0.05)
    assert 1.0 > off[0] > off[1] > off[2]
    assert off[2] < 0.5 * off[0]


def test_resistance_of_the_product_makes_the_front_deal_and_grove_s():
    """With a drive of some kT in proportion, x^2/B + x/k = t."""
    sigma = 2e-6
    step = replace(STEP, overpotential_v=0.005, conductivity_s_m=sigma)
    run = simulate(strip(100), [step])
    drives = np.linspace(1e-6, 0.005, 4000)
    cost = float(cost_v_s_nm(0.018, 2, path_nm=1.0, conductivity_s_m=sigma))
    speeds = marcus_hush_chidsey(drives, 0.5)
    depth = np.array([20.5, 50.5, 99.5])
    fine = np.linspace(0, 100, 4001)
    pace = [np.interp(0.0, drives + cost * x * speeds - 0.005, speeds) for x in fine]
    time = np.concatenate([[0], np.cumsum(np.diff(fine) / np.sqrt(np.multiply(pace[1:], pace[:-1])))])
    assert run.arrival_s[0, 6, 2 + depth.astype(int)] == pytest.approx(np.interp(depth, fine, time), rel=0.02)
    assert pace[-1] < 0.3 * pace[0]


@pytest.mark.parametrize("name", ["sphere", "wire_radial"])
def test_a_core_that_its_shell_presses_stops_where_it_should(name):
    step = replace(
        STEP, overpotential_v=0.1, expansion=3.7, yield_gpa=1.0, host_volume_nm3=0.02, ions=3.75, core_geometry=name
    )
    run = simulate(disc(120), [step])
    left = distance(120)[np.isnan(run.arrival_s[0]) & (distance(120) < 60)].max() / 60
    drive_gpa = 3.75 * 0.1 / float(expansion_work_ev(2.0, 0.02, 1.0, 1.0))
    assert left == pytest.approx(stall_core(GEOMETRIES[name], 3.7, 1.0, drive_gpa), abs=0.03)
    assert np.isfinite(simulate(disc(120), [replace(step, core_geometry=None)]).arrival_s[0][distance(120) < 59]).all()


def test_stress_and_drive_are_those_of_the_core():
    step = replace(STEP, expansion=1.6, yield_gpa=0.5, core_geometry="sphere")
    run = simulate(disc(120), [step])
    half = int(np.argmin(np.abs(run.reacted_nm2[:, 0] / run.reacted_nm2[-1, 0] - 0.5)))
    pressed = front_stress_gpa(GEOMETRIES["sphere"], 0.5, log_swelling(1.6, 0.5**1.5, 3))
    assert run.stress_gpa[half, 0] == pytest.approx(float(pressed), rel=0.03)
    work = expansion_work_ev(1.6, 0.018, 2, run.stress_gpa[half, 0])
    assert run.drive_ev[half, 0] == pytest.approx(0.2 - float(work), rel=1e-3)


def test_one_contact_feeds_both_fronts():
    """What the contact loses is what all fronts draw together; the second front slows the first."""
    first = replace(STEP, overpotential_v=0.3)
    second = replace(STEP, exchange_nm_s=0.3, delay_s=1.0)
    ohm_m2 = 3e-4
    alone, both = (simulate(strip(60), steps, contact_ohm_m2=ohm_m2) for steps in ([first], [first, second]))
    lost = both.current_a_m / 60e-9 * (60 / 8) * ohm_m2 * 60 / 100
    assert both.drive_ev[:, 0][20] == pytest.approx(0.3 - lost[20], rel=0.01)
    behind = (both.arrival_s[1] > both.arrival_s[0])[2:10, 3:-2]
    assert behind.all()
    assert np.nanmin(both.arrival_s[1]) > 1.0
    assert np.nanmax(both.arrival_s[0]) > 1.02 * np.nanmax(alone.arrival_s[0])


def test_a_front_grows_into_the_shape_of_its_speeds():
    body = Body(np.ones((121, 121), bool), np.zeros((121, 121), bool), 1.0)
    body.contact[60, 60] = True
    run = simulate(body, [replace(STEP, growth=Growth("ellipse", 2.5, 30.0))], until_s=30 / SPEED)
    rows, columns = np.nonzero(np.isfinite(run.arrival_s[0]))
    axes, directions = np.linalg.eigh(np.cov(columns, rows))
    assert np.sqrt(axes[1] / axes[0]) == pytest.approx(2.5, rel=0.08)
    assert np.degrees(np.arctan2(directions[1, 1], directions[0, 1])) % 180 == pytest.approx(30, abs=2)


def test_a_lagging_middle_is_helped_where_that_is_assumed():
    """Edges that conduct better make the front concave; tension ahead of it then speeds it up."""
    body = led_by_its_edges(3.0)
    step = replace(STEP, host_volume_nm3=0.169, ions=6, expansion=2.2, yield_gpa=0.5, strain_share=1.0)

    def time_of(assistance: float) -> float:
        assisted = replace(step, geometry="open_concave", assistance=assistance)
        return float(np.nanmax(simulate(body, [assisted]).arrival_s))

    assert time_of(1.0) < time_of(0.3) < time_of(0.0)


def test_no_contact_is_refused():
    body = strip(20)
    with pytest.raises(ValueError, match="contact"):
        simulate(Body(body.inside, np.zeros_like(body.contact), 1.0), [STEP])
