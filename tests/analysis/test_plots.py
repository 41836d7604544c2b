"""Figures say what they show: units on every axis, small files, nothing drawn where nothing is known."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from ionfront.analysis.plots import (
    area_plot,
    arrival_map,
    drift_plot,
    front_overlay,
    position_plot,
    spread_map,
    svg_data_uri,
)
from ionfront.analysis.plots_style import new_figure, number_axis
from ionfront.core import Calibration, PhaseScheme
from ionfront.fronts import FrontResult, FrontTracker

SCHEME = PhaseScheme(("background", "pristine", "converted"), ("pristine", "converted"))
CALIBRATED = Calibration(0.5, 2.0, "file", "user")
FRAME = np.random.default_rng(0).poisson(50, (48, 96)).astype(np.uint16)


def bar_result(calibration: Calibration, speed_px: float = 2.0) -> FrontResult:
    """A bar that a flat front crosses from the left."""
    tracker = FrontTracker(SCHEME, (48, 96), register=False)
    y, x = np.mgrid[:48, :96]
    bar = (abs(y - 24) < 12) & (x > 8) & (x < 88)
    for index in range(36):
        label = np.where(bar & (x - 8 < speed_px * (index - 3)), 2, bar.astype(int))
        tracker.push(index * (calibration.frame_time_s or 1.0), np.eye(3, dtype=np.float32)[label].transpose(2, 0, 1))
    return tracker.result(calibration)


@pytest.fixture(scope="module")
def calibrated() -> FrontResult:
    return bar_result(CALIBRATED)


@pytest.fixture(scope="module")
def uncalibrated() -> FrontResult:
    return bar_result(Calibration())


def all_figures(result: FrontResult, calibration: Calibration) -> list[Figure]:
    return [
        front_overlay(result, FRAME, calibration),
        arrival_map(result, result.maps[0], calibration),
        spread_map(result, result.maps[0], calibration),
        position_plot(result, calibration),
        area_plot(result, SCHEME, calibration),
        drift_plot(result, calibration),
    ]


def axis_labels(figure: Figure) -> list[str]:
    return [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel()) if label]


def test_every_axis_names_its_unit(calibrated):
    for figure in all_figures(calibrated, CALIBRATED):
        labels = axis_labels(figure)
        assert len(labels) >= 2
        assert all(label.endswith(("(nm)", "(s)", "(nm²)")) for label in labels), labels


def test_without_calibration_axes_are_in_pixels_and_frames(uncalibrated):
    for figure in all_figures(uncalibrated, Calibration()):
        labels = axis_labels(figure)
        assert all(label.endswith(("(px)", "(frames)", "(px²)")) for label in labels), labels


def test_overlay_draws_front_entry_and_scale_bar(calibrated):
    axes = front_overlay(calibrated, FRAME, CALIBRATED).axes[0]
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["entry of the ion", "pristine → converted"]
    assert [text.get_text() for text in axes.texts] == ["10 nm"]  # of a field of view 48 nm wide


def test_fitted_law_ends_where_the_particle_ends(calibrated):
    axes = position_plot(calibrated, CALIBRATED).axes[0]
    depth = calibrated.transitions[0].track.depth
    assert all(np.max(line.get_ydata()) <= depth + 1e-9 for line in axes.get_lines())


def test_a_front_without_a_rate_is_still_drawn():
    fast = bar_result(CALIBRATED, speed_px=40.0)
    assert fast.transitions[0].rate is None
    figure = position_plot(fast, CALIBRATED)
    assert "pristine → converted" in figure.axes[0].get_legend_handles_labels()[1]


def test_absent_phases_are_not_drawn(calibrated):
    only_pristine = replace(calibrated, areas_px=calibrated.areas_px * [1, 1, 0])
    axes = area_plot(only_pristine, SCHEME, CALIBRATED).axes[0]
    assert axes.get_legend_handles_labels()[1] == ["pristine"]


def test_areas_are_in_square_nanometres(calibrated):
    line = area_plot(calibrated, SCHEME, CALIBRATED).axes[0].get_lines()[0]
    assert line.get_ydata()[0] == pytest.approx(calibrated.areas_px[0, 1] * 0.25)


def test_a_large_frame_of_noise_stays_small(calibrated):
    side = 2048
    noise = np.random.default_rng(1).normal(size=(side, side)).astype(np.float32)
    cycle = replace(
        calibrated.particles[0].first,
        entry=np.eye(side, dtype=bool),
        arrival=np.where(noise < 2, np.arange(side) + noise, np.inf)[None],
        arrival_std=np.abs(noise)[None],
    )
    particle = replace(calibrated.particles[0], mask=np.ones((side, side), bool), cycles=(cycle,))
    large = replace(calibrated, particles=(particle,), shape=(side, side))
    figures = (
        front_overlay(large, noise, CALIBRATED),
        arrival_map(large, large.maps[0], CALIBRATED),
        spread_map(large, large.maps[0], CALIBRATED),
    )
    assert sum(len(svg_data_uri(figure)) for figure in figures) < 2.8e6


@pytest.mark.parametrize("frame", [np.zeros((48, 96)), np.full((48, 96), np.nan), np.ones((48, 96), bool)])
def test_a_frame_without_contrast_is_drawn(calibrated, frame):
    assert svg_data_uri(front_overlay(calibrated, frame, CALIBRATED)).startswith("data:image/svg+xml;base64,")


def test_several_particles_are_numbered_and_have_tracks_of_their_own(calibrated):
    (one,) = calibrated.particles
    two = replace(calibrated, particles=(one, one))
    assert [text.get_text() for text in front_overlay(two, FRAME, CALIBRATED).axes[0].texts][:2] == ["1", "2"]
    labels = position_plot(two, CALIBRATED).axes[0].get_legend_handles_labels()[1]
    assert [label[0] for label in labels] == ["1", "2"]


@pytest.mark.parametrize(
    ("ends", "numbers"), [((101, 153), {"120", "135"}), ((3, 70), {"5", "10", "20", "50"}), ((1, 1e6), set())]
)
def test_a_logarithmic_axis_has_plain_numbers_as_far_as_there_is_room(ends, numbers):
    figure, axes = new_figure(6, 4)
    axes.set(xscale="log", xlim=ends)
    number_axis(axes.xaxis)
    figure.canvas.draw()
    shown = {label.get_text() for label in axes.get_xticklabels() if label.get_text()}
    assert numbers <= shown
    assert bool(numbers) == all(text.replace(".", "").isdigit() for text in shown)
    assert not any(label.get_text() for label in axes.get_xticklabels(minor=True))
