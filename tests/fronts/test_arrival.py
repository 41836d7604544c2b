"""The arrival map finds change times, and is wrong as often as it says."""

import numpy as np
import pytest
from scipy.special import expit

from ionfront.core import PhaseScheme, UsageError
from ionfront.fronts import ArrivalAccumulator

TWO = PhaseScheme(("background", "host", "product"), ("host", "product"))
FOUR = PhaseScheme(("background", "a", "b", "c", "d"), ("a", "b", "c", "d"))


def probabilities(p_product):
    """Of `TWO`, inside a particle, shape (3, y, x)."""
    p = np.asarray(p_product, np.float32)
    return np.stack([np.zeros_like(p), 1 - p, p])


def certain(phase, scheme=TWO, shape=(1, 1)):
    frame = np.zeros((scheme.count, *shape), np.float32)
    frame[phase] = 1
    return frame


def pushed(frames, times=None, scheme=TWO, **kwargs):
    """Accumulator after frames, each a phase id, probabilities, or None."""
    shape = next((f.shape[1:] for f in frames if isinstance(f, np.ndarray)), (1, 1))
    accumulator = ArrivalAccumulator(scheme, shape, **kwargs)
    for time, frame in zip(range(len(frames)) if times is None else times, frames, strict=True):
        accumulator.push(time, certain(frame, scheme) if isinstance(frame, int) else frame)
    return accumulator


def noisy_movie(seed, n_frames=40, shape=(50, 50)):
    """Change times and probabilities whose log-odds are those of unit Gaussian noise, new in every frame."""
    rng = np.random.default_rng(seed)
    changed = rng.uniform(0, n_frames - 1, shape)
    signal = rng.normal(np.where(np.arange(n_frames)[:, None, None] >= changed, 1.0, -1.0), 1.0)
    return changed, [probabilities(p) for p in expit(2 * signal)]


@pytest.mark.parametrize("seed", range(3))
def test_stated_spreads_are_true_where_errors_are_independent(seed):
    changed, frames = noisy_movie(seed)
    result = pushed(frames, tempering=1.0).result()
    inner = (changed > 3) & (changed < 36)
    z = ((result.arrival[0] - changed) / result.spread[0])[inner]
    assert np.mean(np.abs(z) < 2) >= 0.9
    assert 0.7 < z.std() < 1.3
    assert np.abs(z.mean()) < 0.1
    assert (result.reached[0][inner] > 0.5).mean() > 0.97


def test_tempering_widens_the_spread_and_leaves_the_time():
    _, frames = noisy_movie(0)
    tempered, full = (pushed(frames, tempering=t).result() for t in (0.5, 1.0))
    assert np.median(tempered.spread) > 1.2 * np.median(full.spread)
    assert np.median(np.abs(tempered.arrival - full.arrival)) < 1


def test_the_time_lies_between_the_frames_around_the_change():
    result = pushed([1] * 10 + [2] * 10, times=[3.0 * i + 7 for i in range(20)]).result()
    assert result.arrival.item() == pytest.approx(7 + 9.5 * 3, abs=0.05)


def test_blanked_frames_widen_the_interval_but_add_no_evidence():
    seen = [1] * 10 + [2] * 10
    times = [*range(10), *range(14, 24)]
    blanked = [1] * 10 + [None] * 4 + [2] * 10
    with_gap = pushed(blanked, tempering=1.0).result()
    left_out = pushed(seen, times=times, tempering=1.0).result()
    without = pushed(seen, tempering=1.0).result()
    assert with_gap.arrival.item() == pytest.approx(11.5, abs=0.05)
    assert with_gap.spread.item() > 3 * without.spread.item()
    assert with_gap.spread.item() == pytest.approx(left_out.spread.item(), rel=0.1)
    assert with_gap.reached.item() == pytest.approx(left_out.reached.item(), abs=1e-3)


def test_blanked_frames_at_the_end_are_no_reaction():
    result = pushed([1] * 10 + [None] * 10).result()
    assert result.reached.item() == pytest.approx(pushed([1] * 10).result().reached.item())


def test_a_movie_that_shows_nothing_says_nothing():
    result = pushed([None] * 5).result()
    assert result.reached.item() == 0
    assert result.initial.item() == 0


def test_never_reached():
    assert pushed([1] * 20).result().reached.item() < 0.2
    assert pushed([1] * 20, tempering=1.0).result().reached.item() < 0.03


def test_reacted_from_the_start():
    result = pushed([2] * 20, times=[5.0 + i for i in range(20)], tempering=1.0).result()
    assert result.reached.item() > 0.999
    assert result.arrival.item() == pytest.approx(5.0, abs=0.1)


def test_steps_in_order_with_one_phase_absent():
    result = pushed([1] * 8 + [2] * 8 + [4] * 8, scheme=FOUR).result()
    a_left, b_left, c_left = result.arrival.ravel()
    assert a_left == pytest.approx(7.5, abs=0.1)
    assert b_left == c_left == pytest.approx(15.5, abs=0.1)
    assert (result.reached > 0.99).all()
    stayed = pushed([1] * 12 + [2] * 12, scheme=FOUR).result()
    assert stayed.reached[0].item() > 0.99
    assert (stayed.reached[1:] < 0.2).all()


@pytest.mark.parametrize("value", [0.0, 1.0], ids=["not judged", "background"])
def test_pixels_outside_the_reaction_are_no_evidence(value):
    silent = np.zeros((FOUR.count, 1, 1), np.float32)
    silent[0] = value
    one, two = (pushed([1] * 10 + [silent] * n + [3] * 10, scheme=FOUR).result() for n in (0, 1))
    np.testing.assert_allclose(one.reached, two.reached, atol=0.02)
    assert two.arrival[0].item() == pytest.approx(10.0, abs=0.05)


def test_the_first_frames_tell_where_the_particle_is():
    particle = np.zeros((1, 4), np.float32)
    particle[0, :2] = 1
    frame = np.stack([1 - particle, particle, 0 * particle])
    gone = np.stack([np.ones_like(particle), 0 * particle, 0 * particle])
    result = pushed([None, *[frame] * 5, *[gone] * 10]).result()
    np.testing.assert_array_equal(result.initial, particle)


@pytest.mark.parametrize("late", [1e3, 1e5])
def test_a_long_movie_is_as_sharp_at_its_end_as_at_its_start(late):
    frames = [1] * 15 + [2] * 15
    early = pushed(frames).result()
    result = pushed(frames, times=[0, *(late + i for i in range(1, 30))]).result()
    assert result.spread.item() == pytest.approx(early.spread.item(), rel=0.02)
    assert result.arrival.item() - late == pytest.approx(early.arrival.item(), abs=0.02)


def test_memory_does_not_grow_and_stays_single_precision():
    def arrays(accumulator):
        return {name: (a.shape, a.dtype) for name, a in vars(accumulator).items() if isinstance(a, np.ndarray)}

    accumulator = ArrivalAccumulator(FOUR, (6, 7))
    before = arrays(accumulator)
    for time in np.linspace(0, 1, 30):
        accumulator.push(time, np.full((5, 6, 7), 0.2, np.float64) if time > 0.5 else certain(1, FOUR, (6, 7)))
    assert arrays(accumulator) == before
    assert {dtype for _, dtype in before.values()} == {np.dtype(np.float32)}
    assert {a.dtype for a in vars(accumulator.result()).values()} == {np.dtype(np.float32)}
    assert accumulator.frames == 30
    assert accumulator.shape == (6, 7)


def test_looking_in_between_and_cutting_the_picture_change_nothing():
    _, frames = noisy_movie(1, n_frames=15, shape=(8, 10))
    whole = pushed(frames).result()
    watched = ArrivalAccumulator(TWO, (8, 10))
    for time, frame in enumerate(frames):
        watched.push(time, frame)
        watched.result()
    halves = [pushed([f[..., part] for f in frames]).result() for part in (slice(0, 4), slice(4, 10))]
    for name, expected in vars(whole).items():
        np.testing.assert_array_equal(getattr(watched.result(), name), expected)
        np.testing.assert_array_equal(np.concatenate([getattr(h, name) for h in halves], axis=-1), expected)


@pytest.mark.parametrize("time", [1.0, 0.5])
def test_time_must_advance(time):
    accumulator = pushed([1, 1])
    with pytest.raises(UsageError, match="increase"):
        accumulator.push(time, certain(1))


def test_what_cannot_be_followed_is_refused():
    with pytest.raises(UsageError, match="reaction order"):
        ArrivalAccumulator(PhaseScheme(("background", "a", "b")), (4, 4))
    for tempering in (0.0, 1.1):
        with pytest.raises(UsageError, match="tempering"):
            ArrivalAccumulator(TWO, (4, 4), tempering=tempering)
    with pytest.raises(UsageError, match="no frame"):
        ArrivalAccumulator(TWO, (4, 4)).result()
