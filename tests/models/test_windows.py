"""Windows: every tile has one that shows it with its margin, and a set of tiles is covered by few."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ionfront.models.windows import covering, plan_windows

WINDOW, MARGIN, TILE = 96, 16, 16
lengths = st.integers(1, 25).map(lambda strides: 8 * strides)


@given(length=lengths)
def test_every_tile_has_a_window_with_room_around_it(length):
    axis = plan_windows(length, WINDOW, MARGIN, TILE)
    assert axis.covers.any(axis=0).all()
    for place, start in enumerate(axis.starts_px):
        core = axis.core(place)
        assert start % 8 == 0
        assert 0 <= start <= length - axis.window_px
        assert core.start - start >= MARGIN or core.start == start == 0
        assert start + axis.window_px - core.stop >= MARGIN or core.stop == length


@given(rows=lengths, columns=lengths, seed=st.integers(0, 99), share=st.floats(0, 1))
def test_all_tiles_asked_for_are_covered(rows, columns, seed, share):
    axes = [plan_windows(length, WINDOW, MARGIN, TILE) for length in (rows, columns)]
    tiles = np.random.default_rng(seed).random([axis.covers.shape[1] for axis in axes]) < share
    covered = np.zeros_like(tiles)
    for row, column in covering(tiles, *axes):
        covered |= np.outer(axes[0].covers[row], axes[1].covers[column])
    assert (covered | ~tiles).all()


def test_neighbours_share_a_window():
    axis = plan_windows(960, WINDOW, MARGIN, TILE)
    tiles = np.zeros((60, 60), bool)
    tiles[20:23, 30:34] = True
    assert len(covering(tiles, axis, axis)) == 1
    assert covering(np.zeros((60, 60), bool), axis, axis) == []
