import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionfront.core import MovieError
from ionfront.datasets.recording import clock_from_interval, clock_from_stamps, lazy_frames, pixel_scale

STACK = np.arange(5 * 4 * 3).reshape(5, 4, 3)


@pytest.mark.parametrize(
    ("size", "unit", "nm"),
    [
        (0.25, "nm", 0.25),
        (2.5, "Å", 0.25),
        (2.5, "\N{ANGSTROM SIGN}", 0.25),
        (250.0, "pm", 0.25),
        (0.5, "µm", 500.0),
        (0.5, "\N{GREEK SMALL LETTER MU}m", 500.0),
        (0.5, "micron", 500.0),
        (3e-9, "m", 3.0),
        (0.1, "1/nm", None),
        (0.1, "1 / nm", None),
        (0.1, "mrad", None),
        (0.0, "nm", None),
        (float("nan"), "nm", None),
        (1.0, "", None),
    ],
)
def test_a_pixel_size_is_a_length_in_real_space_or_unknown(size, unit, nm):
    scale = pixel_scale([size, size], [unit, unit], "the file")
    assert scale.nm == (None if nm is None else pytest.approx(nm))
    assert scale.source.startswith("file: the file" if nm else "unknown")


def test_pixels_that_are_not_square_have_no_one_size():
    scale = pixel_scale([2.0, 1.0], ["nm", "nm"], "the file")
    assert scale.nm is None
    assert "not square" in scale.source
    assert pixel_scale([1.0, 1e-3], ["nm", "µm"], "the file").nm == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("interval", "unit", "seconds"),
    [(40.0, "ms", 0.04), (2.0, "s", 2.0), (1.0, "min", 60.0), (1.0, "nm", None), (1.0, "", None), (0.0, "s", None)],
)
def test_a_frame_time_is_a_positive_time_or_unknown(interval, unit, seconds):
    assert clock_from_interval(interval, unit, "the file").interval_s == seconds


@pytest.mark.parametrize(
    "stamps",
    [
        [0, 1, 1, 2],
        [3, 2, 1, 0],
        [0, 1, 2, 0.1, 1.1, 2.1],
        [0, 1, 2, 0.5, 1.5, 2.5],
        [0, 1, 2, 3, 0.7, 1.7, 2.7, 3.7],
        [0, 1, np.nan, 3],
    ],
)
def test_stamps_that_do_not_increase_are_not_used(stamps):
    clock = clock_from_stamps(stamps, "the file", clock_from_interval(0.5, "s", "the file"))
    assert clock.stamps_s is None
    assert clock.interval_s == 0.5
    assert "not used" in clock.source


@pytest.mark.parametrize("stamps", [[4, 5, 6, 0, 1, 2, 3], [3, 0, 4, 1, 5, 2, 7, 6]])
def test_stamps_of_shuffled_frames_are_used(stamps):
    np.testing.assert_array_equal(clock_from_stamps(stamps, "the file").stamps_s, stamps)


def index(size):
    return st.one_of(st.integers(-size, size - 1), st.slices(size))


@given(index(5), index(4), index(3))
def test_any_part_of_a_lazy_movie_is_that_part_of_its_frames(time, y, x):
    frames = lazy_frames(STACK.__getitem__, 5, (4, 3), STACK.dtype)
    np.testing.assert_array_equal(frames[time, y, x].compute(scheduler="synchronous"), STACK[time, y, x])


def test_a_frame_of_another_size_is_refused():
    frames = lazy_frames(lambda i: np.zeros((4, 3 + i)), 2, (4, 3), np.dtype(float))
    with pytest.raises(MovieError, match="frame 1 has shape"):
        frames.compute(scheduler="synchronous")


def test_a_header_that_promises_the_impossible_is_refused():
    with pytest.raises(MovieError, match="damaged header"):
        lazy_frames(STACK.__getitem__, 5, (4, 3_000_000_000), STACK.dtype)
