"""Where the ion enters, and how far everything lies from there along the particle."""

import numpy as np
import pytest
from scipy import ndimage

from ionfront.core import FrontFitError
from ionfront.fronts.geometry import entry_boundary, front_normal, geodesic_distance_px, particles_of

SIZE = 80
Y, X = np.mgrid[:SIZE, :SIZE].astype(float)
BAR = (np.abs(Y - 40) < 8) & (X >= 10) & (X < 70)
DISC = np.hypot(Y - 40, X - 40) < 28


def arrival_of(distance, particle, seed=0):
    """Arrival times of a front that follows a distance, with the noise of a segmenter."""
    noise = np.random.default_rng(seed).normal(0, 0.5, distance.shape)
    return np.where(particle, distance + noise, np.inf)


def entry_of(distance, particle, done=0.8):
    arrival = arrival_of(distance, particle)
    reached = particle & (arrival < done * distance[particle].max())
    return entry_boundary(np.where(reached, arrival, np.inf), particle)


def test_distance_along_a_bar_is_axial():
    distance = geodesic_distance_px(BAR, BAR & (X == 10))
    assert np.abs(distance - (X - 9.5))[BAR].max() < 0.5
    assert np.isnan(distance[~BAR]).all()


def test_distance_around_a_corner_is_longer_than_straight():
    bend = ((X < 20) & (Y > 10) & (X > 5)) | ((Y > 60) & (X > 5) & (X < 75) & (Y < 75))
    bend &= Y < 75
    distance = geodesic_distance_px(bend, bend & (Y == 11))
    straight = np.hypot(np.maximum(5 - X, np.maximum(X - 19, 0)), Y - 10.5)
    assert (distance[bend] >= straight[bend] - 0.7).all()
    tip = bend & (X > 70)
    around = np.hypot(X - 19, Y - 60) + 50  # by way of the inner corner
    assert (distance[tip] > 1.2 * straight[tip]).all()
    assert distance[tip] == pytest.approx(around[tip], abs=1.5)


def test_an_island_that_the_ion_cannot_reach_has_no_distance():
    two = BAR & (np.abs(X - 40) > 3)
    distance = geodesic_distance_px(two, two & (X == 10))
    assert np.isnan(distance[two & (X > 40)]).all()
    assert np.isfinite(distance[two & (X < 40)]).all()


def test_a_wire_is_entered_at_its_end():
    entry = entry_of(X - 9.5, BAR)
    assert entry.any()
    assert (X[entry] < 16).all()
    distance = geodesic_distance_px(BAR, entry)
    assert np.abs(distance - (X - 9.5))[BAR].mean() < 0.5  # none of the sides taken for an entry


def test_a_patch_that_was_wrong_from_the_start_is_no_entry():
    distance = X - 9.5
    arrival = np.where(BAR & (distance < 50), distance, np.inf)
    wrong = BAR & (X > 60)
    arrival[wrong] = 0.0
    misled = geodesic_distance_px(BAR, entry_boundary(arrival, BAR))
    right = geodesic_distance_px(BAR, entry_boundary(arrival, BAR, BAR & ~wrong))
    assert np.abs(right - distance)[BAR].mean() < 0.5
    assert np.abs(misled - distance)[BAR].mean() > 2


def test_a_shrinking_core_is_entered_all_around():
    depth = ndimage.distance_transform_edt(DISC)
    entry = entry_of(depth, DISC)
    rim = DISC & ~ndimage.binary_erosion(DISC)
    assert (entry & rim).sum() > 0.9 * rim.sum()


def test_a_corner_contact_is_found():
    square = (np.abs(Y - 40) < 26) & (np.abs(X - 40) < 26)
    entry = entry_of(np.hypot(Y - 15, X - 15), square)
    assert entry.any()
    assert np.hypot(Y - 15, X - 15)[entry].max() < 12


def test_the_entry_lies_on_the_boundary():
    for particle, distance in ((BAR, X - 9.5), (DISC, ndimage.distance_transform_edt(DISC))):
        entry = entry_of(distance, particle)
        assert not (entry & ndimage.binary_erosion(particle)).any()
        assert not (entry & ~particle).any()


def test_the_normal_points_where_the_front_goes():
    for angle in (0.0, 1.0, 2.5):
        towards = np.array([np.sin(angle), np.cos(angle)])
        normal = front_normal(Y * towards[0] + X * towards[1] + 50, DISC)
        assert normal[0][DISC] == pytest.approx(towards[0], abs=1e-6)  # up to the outline
        assert normal[1][DISC] == pytest.approx(towards[1], abs=1e-6)
        assert np.isnan(normal[0][~DISC]).all()


def test_a_line_of_pixels_has_no_normal():
    line = (Y == 40) & (np.abs(X - 40) < 20)
    assert np.isnan(front_normal(X.astype(float), line)[0]).all()
    assert np.isnan(front_normal(X.astype(float), np.zeros_like(line))[0]).all()


def test_a_front_that_takes_a_stretch_in_one_frame_entered_at_its_end():
    """The flanks of the first stretch react in the same frame as the end face does."""
    distance = X - 9.5
    entry = entry_boundary(np.where(BAR & (distance < 48), np.floor(distance / 16), np.inf), BAR)
    assert distance[entry].max() < 2
    assert entry.sum() > 10


def test_particles_are_taken_whole_the_largest_first_and_specks_are_none():
    initial = np.where(DISC, 0.9, 0.1).astype(np.float32)
    initial[38:42, 38:42] = 0.1  # a hole that a segmenter left
    initial[2:10, 2:10] = 0.9  # another particle, of 64 px
    initial[70, 70] = 0.9  # a speck
    (alone,), share = particles_of(initial)
    assert (alone & DISC).sum() > 0.98 * DISC.sum()
    assert alone[38:42, 38:42].all()
    assert not alone[:12, :12].any()
    assert share == pytest.approx(DISC.sum() / (DISC.sum() + 64), abs=0.01)
    (first, second), share = particles_of(initial, smallest_px=16, smallest_share=0.01)
    np.testing.assert_array_equal(first, alone)
    assert second[:12, :12].sum() == second.sum() > 50
    assert share == pytest.approx(1.0)


@pytest.mark.parametrize("edge", [0, 5])
def test_no_particle_is_an_error_with_its_size(edge):
    initial = np.zeros((40, 40), np.float32)
    initial[:edge, :edge] = 1
    with pytest.raises(FrontFitError, match=r"64 are needed"):
        particles_of(initial)
