"""A front's position, read off an arrival map as a trimmed mean over its breadth."""

import numpy as np
import pytest
from scipy import ndimage

from ionfront.fronts.position import completed_fraction, track_front
from ionfront.physics import Linear, Mixed, Parabolic, SelfLimiting

SIZE = 80
Y, X = np.mgrid[:SIZE, :SIZE].astype(float)
BAR = np.where((np.abs(Y - 40) < 10) & (X >= 8) & (X < 72), X - 7.5, np.nan)
DISC = np.where(np.hypot(Y - 40, X - 40) < 30, ndimage.distance_transform_edt(np.hypot(Y - 40, X - 40) < 30), np.nan)
CORNER = np.where(np.hypot(Y - 9.5, X - 9.5) < 60, np.hypot(Y - 9.5, X - 9.5), np.nan)
SHAPES = {"bar": BAR, "disc": DISC, "corner": CORNER}
TIME = np.linspace(0, 30, 31)
LAWS = [Linear(1.5), Parabolic(50.0), Mixed(3.0, 80.0), SelfLimiting(25.0, 10.0)]


def arrival_at(distance, law, onset=0.0):
    return np.where(np.isfinite(distance), onset + law.time_s(np.nan_to_num(distance)), np.inf)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_front_that_follows_the_distance_is_tracked_exactly(shape, law):
    distance = SHAPES[shape]
    track = track_front(arrival_at(distance, law, onset=3.0), distance, TIME, n_replicates=20)
    truth = np.minimum(law.position_nm(TIME - 3.0), track.depth)
    # Half a pixel, since a pixel has reacted or has not, and the grid; a disc's first ring is a pixel thick.
    assert np.abs(track.position - truth).max() <= (1.0 if shape == "disc" else 0.6)
    assert np.abs(np.mean((track.position - truth)[(truth > 2) & (truth < 0.9 * track.depth)])) < 0.35
    assert track.position[0] <= 0.5
    assert (np.diff(track.position) >= 0).all()


def test_a_rough_front_is_tracked_at_its_mean():
    rough = 3 * np.sin(Y)
    track = track_front(arrival_at(BAR + rough - rough[np.isfinite(BAR)].mean(), Linear(1.5)), BAR, TIME)
    middle = (track.position > 6) & (track.position < 40)
    assert np.abs(track.position - 1.5 * TIME)[middle].max() < 0.7


def test_wrong_pixels_move_it_little():
    arrival = arrival_at(BAR, Linear(1.5))
    rng = np.random.default_rng(0)
    wrong = np.isfinite(BAR) & (rng.random(BAR.shape) < 0.05)
    arrival[wrong] = rng.uniform(0, 60, wrong.sum())
    track = track_front(arrival, BAR, TIME)
    assert np.abs(track.position - 1.5 * TIME).max() < 0.05 * track.depth


def test_a_fifth_that_is_wrong_all_along_moves_it_no_further_than_it_reaches():
    arrival = arrival_at(BAR, Linear(1.5))
    early, never = arrival.copy(), arrival.copy()
    early[30:33] = np.where(np.isfinite(BAR[30:33]), 0.0, np.inf)  # 3 of 19 rows
    never[30:33] = np.inf
    middle = slice(3, 20)
    for wrong in (early, never):
        track = track_front(wrong, BAR, TIME)
        assert np.abs(track.position - 1.5 * TIME)[middle].max() < 1.0


def test_replicates_spread_as_much_as_new_movies_do():
    def measured(seed):
        noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=BAR.shape), 1)
        return track_front(arrival_at(BAR + 3 * noise / noise.std(), Linear(1.5)), BAR, TIME, n_replicates=60)

    tracks = [measured(seed) for seed in range(12)]
    between = np.std([track.position[15] for track in tracks])
    stated = np.mean([track.replicates[:, 15].std() for track in tracks])
    assert 0.5 < stated / between < 2


def test_how_much_reacted():
    half = np.where(BAR <= 32, arrival_at(BAR, Linear(1.0)), np.inf)
    done = completed_fraction(half, np.isfinite(BAR))
    assert done.value == pytest.approx(0.5, abs=0.01)
    assert done.low < 0.5 < done.high
    assert track_front(half, BAR, np.linspace(0, 32, 33)).swept == pytest.approx(32, abs=0.5)


def test_units_cancel_and_seeds_repeat():
    arrival = arrival_at(BAR, Linear(1.5))
    px, again, nm = (track_front(arrival, BAR * scale, TIME, pixel=scale, seed=1) for scale in (1.0, 1.0, 0.4))
    np.testing.assert_array_equal(px.replicates, again.replicates)
    np.testing.assert_allclose(nm.position, px.position * 0.4, atol=0.1)


def test_nothing_reached_nothing_swept():
    track = track_front(np.full_like(BAR, np.inf), BAR, TIME, n_replicates=5)
    assert track.swept == pytest.approx(0, abs=0.5)
    assert completed_fraction(np.full_like(BAR, np.inf), np.isfinite(BAR)).value == 0
