"""Tiles: they cover the frame, their shares add up to one, and blending equals the whole away from nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.models.tiling import Tiling, apply_tiled, plan_axis

TILING = Tiling(largest_px=64, overlap_px=16, stride_px=8)


@given(length=st.integers(1, 700))
def test_tiles_cover_an_axis_on_the_stride(length):
    axis = plan_axis(length, TILING)
    covered = np.zeros(axis.padded_px, int)
    for start in axis.starts_px:
        assert start % 8 == 0
        assert axis.tile_px % 8 == 0
        covered[start : start + axis.tile_px] += 1
    assert covered.min() >= 1
    assert axis.tile_px <= 64
    assert length <= axis.padded_px < length + 8


@given(length=st.integers(65, 700))
def test_neighbours_share_the_overlap(length):
    axis = plan_axis(length, TILING)
    steps = np.diff(axis.starts_px)
    assert (axis.tile_px - steps >= 16 - 8).all()


@given(length=st.integers(1, 700))
def test_shares_add_up_to_one(length):
    axis = plan_axis(length, TILING)
    total = np.zeros(axis.padded_px)
    for start, share in zip(axis.starts_px, axis.weights(), strict=True):
        total[start : start + axis.tile_px] += share
    assert total == pytest.approx(1, abs=1e-5)


@given(rows=st.integers(1, 150), columns=st.integers(1, 150))
def test_a_pointwise_network_does_not_see_the_tiles(rows, columns):
    frame = np.random.default_rng(rows).normal(size=(2, rows, columns)).astype(np.float32)
    out = apply_tiled(frame, lambda tile: np.stack([tile[0], 1 - tile[1], tile[1]]), TILING)
    assert out.shape == (3, rows, columns)
    assert np.allclose(out, [frame[0], 1 - frame[1], frame[1]], atol=1e-5)


def test_long_frames_take_the_fewest_tiles():
    assert len(plan_axis(2048, Tiling()).starts_px) == 2
    assert len(plan_axis(1152, Tiling()).starts_px) == 1
