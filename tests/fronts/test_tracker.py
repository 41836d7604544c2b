"""From exact labels of small synthetic movies to kinetics, and what is said where there are none."""

from dataclasses import replace

import numpy as np
import pytest

from ionfront.core import DEFAULT_SCHEME, Calibration, FrontFitError, PhaseScheme, UsageError
from ionfront.datasets import random_scene
from ionfront.fronts import FrontTracker, LabelErrors

EYE = np.eye(DEFAULT_SCHEME.count, dtype=np.float32)
SCHEME = PhaseScheme(("background", "host", "product"), ("host", "product"))


def still_scene(seed, **kwargs):
    """A scene without drift and swelling, so that its truth is the truth of every pixel."""
    scene = random_scene(seed, 96, 30, **kwargs)
    camera = replace(scene.camera, drift_px=np.zeros_like(scene.camera.drift_px))
    return replace(scene, camera=camera, swelling=0.0)


def one_hot(labels):
    return np.ascontiguousarray(EYE[labels].transpose(2, 0, 1))


def result_of(scene, calibration=None, blanked=(), **kwargs):
    tracker = FrontTracker(DEFAULT_SCHEME, scene.shape.inside.shape, **kwargs)
    for index, time in enumerate(scene.time_s):
        tracker.push(float(time), None if index in blanked else one_hot(scene.frame(index)[1]))
    known = Calibration(scene.pixel_size_nm, float(scene.time_s[1]), "made", "made")
    return tracker.result(known if calibration is None else calibration)


def bar_tracker(front_of, n_frames=20, **kwargs):
    """A bar of `SCHEME` reacted left of `front_of(frame)`."""
    tracker = FrontTracker(SCHEME, (48, 80), **kwargs)
    y, x = np.mgrid[:48, :80]
    bar = (abs(y - 24) < 10) & (x >= 10) & (x < 70)
    for index in range(n_frames):
        labels = bar.astype(int) + (bar & (x < front_of(index)))
        tracker.push(float(index), np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1))
    return tracker


def test_the_velocity_of_one_front():
    errors = []
    for seed, shape, law in [
        (1, "wire", "linear"),
        (1, "flake", "mixed"),
        (1, "sphere", "linear"),
        (2, "wire", "mixed"),
    ]:
        scene = still_scene(seed, shape=shape, law=law, n_fronts=1)
        result = result_of(scene, register=False)
        (truth,) = scene.truth()["fronts"]
        (found,) = result.transitions
        assert result.reaction_observed
        assert (found.transition.before, found.transition.after) == (truth["from"], truth["to"])
        assert found.rate is not None
        assert found.rate.velocity.low <= found.rate.velocity.value <= found.rate.velocity.high
        errors.append(found.rate.velocity.value / truth["velocity_nm_s"] - 1)
    assert np.median(np.abs(errors)) < 0.05
    assert np.max(np.abs(errors)) < 0.12  # rough fronts in particles some tens of pixels long


def test_two_fronts_are_told_apart():
    scene = still_scene(4, shape="wire", law="linear", n_fronts=2)
    result = result_of(scene, register=False)
    truths = scene.truth()["fronts"]
    assert [(t.transition.before, t.transition.after) for t in result.transitions] == [
        (t["from"], t["to"]) for t in truths
    ]
    for found, truth in zip(result.transitions, truths, strict=True):
        assert found.rate is not None
        assert found.rate.velocity.value == pytest.approx(truth["velocity_nm_s"], rel=0.12)
    first, second = result.particles[0].first.arrival
    both = np.isfinite(second)
    assert np.isfinite(first[both]).all()
    assert (second[both] >= first[both] - 0.5 * scene.time_s[1]).all()


def test_arrival_times_are_those_of_the_scene():
    scene = still_scene(1, shape="wire", law="linear", n_fronts=1)
    result = result_of(scene, register=False)
    truth, found = scene.fronts[0].arrival_s, result.maps[0].arrival
    seen = np.isfinite(found) & (truth < scene.time_s[-1])
    assert seen.sum() > 0.9 * (result.particle & (truth < scene.time_s[-2])).sum()
    assert np.abs(found - truth)[seen].mean() < 0.5 * scene.time_s[1]
    assert np.isnan(result.maps[0].arrival_std[~np.isfinite(found)]).all()
    assert (result.maps[0].arrival_std[seen] > 0).all()


def test_what_labels_have_wrong_widens_what_is_said():
    scene = still_scene(1, shape="wire", law="linear", n_fronts=1)
    result, worse = result_of(scene), result_of(scene, errors=LabelErrors(scale=0.1, spread=2.0))
    np.testing.assert_allclose(worse.maps[0].arrival_std, 2 * result.maps[0].arrival_std)
    before, after = (item.transitions[0].rate.velocity for item in (result, worse))
    assert after.value == before.value
    assert after.high - after.low > 3 * (before.high - before.low)


def test_a_start_that_is_hard_to_see_widens_the_onset_above_all():
    scene = still_scene(1, shape="wire", law="linear", n_fronts=1)
    results = (result_of(scene), result_of(scene, errors=LabelErrors(start_px=7.0)))
    sure, unsure = (result.transitions[0].rate for result in results)
    assert unsure.onset.value == sure.onset.value

    def widened(name: str) -> float:
        after, before = (getattr(rate, name) for rate in (unsure, sure))
        return (after.high - after.low) / (before.high - before.low)

    assert widened("onset") > 1.5
    assert widened("onset") > widened("velocity")


def test_drift_does_not_change_the_speed():
    still = still_scene(1, shape="flake", law="linear", n_fronts=1)
    drift = np.outer(np.linspace(0, 1, 30), [2.4, -1.8])
    moving = replace(still, camera=replace(still.camera, drift_px=drift))
    result = result_of(moving)
    assert np.abs(result.drift_px - drift).max() < 0.6
    truth = still.truth()["fronts"][0]["velocity_nm_s"]
    assert result.transitions[0].rate.velocity.value == pytest.approx(truth, rel=0.08)


def test_blanked_frames_change_little():
    scene = still_scene(1, shape="wire", law="linear", n_fronts=1)
    blanked = {0, 9, 10, 29}
    result = result_of(scene, blanked=blanked, register=False)
    truth = scene.truth()["fronts"][0]["velocity_nm_s"]
    assert result.transitions[0].rate.velocity.value == pytest.approx(truth, rel=0.07)
    assert {int(i) for i in np.nonzero(np.isnan(result.areas_px).all(axis=1))[0]} == blanked


def test_without_calibration_lengths_are_pixels():
    scene = still_scene(1, shape="wire", law="linear", n_fronts=1)
    in_nm, in_px = result_of(scene, register=False), result_of(scene, Calibration(), register=False)
    ratio = in_nm.transitions[0].rate.velocity.value / in_px.transitions[0].rate.velocity.value
    assert ratio == pytest.approx(scene.pixel_size_nm, rel=0.01)


def test_no_reaction_is_no_reaction():
    scene = still_scene(3, n_fronts=0)
    result = result_of(scene, register=False)
    assert not result.reaction_observed
    assert result.transitions == ()
    assert result.maps == ()
    assert result.particle.any()


def test_a_still_movie_that_ends_blanked_shows_no_reaction():
    result = result_of(still_scene(3, n_fronts=0), blanked=range(20, 30), register=False)
    assert not result.reaction_observed


def test_a_single_flash_is_no_step():
    tracker = bar_tracker(lambda i: 70 if i == 9 else 0)
    assert not tracker.result(Calibration()).reaction_observed


def test_too_fast_a_front_has_a_track_but_no_rate_and_says_why():
    result = bar_tracker(lambda i: 0 if i < 8 else 30 if i == 8 else 70).result(Calibration())
    (found,) = result.transitions
    assert found.rate is None
    assert "frames" in found.why
    assert any(found.why in warning for warning in result.warnings)
    assert found.completed_fraction.value > 0.95


def two_bars(second_height, speeds=(1.0, 2.0), n_frames=24):
    """Two bars of `SCHEME` beside each other, of fronts with speeds of their own."""
    tracker = FrontTracker(SCHEME, (80, 80), register=False)
    y, x = np.mgrid[:80, :80]
    bars = [(abs(y - 20) < 12) & (x >= 10) & (x < 70), (abs(y - 60) < second_height) & (x >= 10) & (x < 70)]
    for time in range(n_frames):
        labels = sum(bar.astype(int) + (bar & (x < 10 + v * (time - 2))) for bar, v in zip(bars, speeds, strict=True))
        tracker.push(time, np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1))
    return tracker.result(Calibration())


def test_every_particle_has_a_result_of_its_own():
    result = two_bars(10)
    first, second = result.particles
    assert first.area_px > second.area_px
    assert first.centre_px == pytest.approx((20, 39.5), abs=1)
    assert first.transitions[0].rate.velocity.value == pytest.approx(1.0, rel=0.05)
    assert second.transitions[0].rate.velocity.value == pytest.approx(2.0, rel=0.05)
    assert result.transitions == first.transitions
    (found,) = result.maps
    both = np.isfinite(found.arrival)
    assert (both & first.mask).any()
    assert (both & second.mask).any()
    assert not (both & ~result.particle).any()


def test_one_particle_may_react_where_another_does_not():
    result = two_bars(10, speeds=(0.0, 2.0))
    assert [len(particle.transitions) for particle in result.particles] == [0, 1]
    assert result.transitions == result.particles[1].transitions
    assert result.reaction_observed


def test_particles_too_small_to_be_measured_are_warned_of():
    tracker = FrontTracker(SCHEME, (48, 80))
    labels = np.zeros((48, 80), int)
    labels[5:40, 5:30] = 1
    for y in range(4, 44, 8):
        for x in range(36, 76, 8):
            labels[y : y + 5, x : x + 5] = 1
    for time in range(5):
        tracker.push(time, np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1))
    result = tracker.result(Calibration())
    assert len(result.particles) == 1
    (warning,) = result.warnings
    assert "too small" in warning


def test_no_particle_is_an_error_and_what_is_left_can_be_had():
    tracker = FrontTracker(SCHEME, (48, 80))
    nothing = np.zeros((3, 48, 80), np.float32)
    nothing[0] = 1
    for time in range(4):
        tracker.push(float(time), None if time == 2 else nothing)
    with pytest.raises(FrontFitError, match="particle"):
        tracker.result(Calibration())
    empty = tracker.empty_result()
    assert not empty.reaction_observed
    assert empty.time.tolist() == [0, 1, 2, 3]
    assert empty.areas_px[0].tolist() == [48 * 80, 0, 0]
    assert np.isnan(empty.areas_px[2]).all()
    assert empty.drift_px.shape == (4, 2)
    assert not empty.particle.any()


def test_without_a_frame_there_is_no_result():
    with pytest.raises(UsageError, match="no frame"):
        FrontTracker(SCHEME, (48, 80)).result(Calibration())


def test_the_same_frames_give_the_same_result():
    first, second = (bar_tracker(lambda i: 10 + 2.5 * i).result(Calibration(), seed=1) for _ in range(2))
    assert first.transitions[0].rate.velocity == second.transitions[0].rate.velocity
    np.testing.assert_array_equal(first.maps[0].arrival, second.maps[0].arrival)


def there_and_back(length=20, half_cycles=3, way=60):
    """Where the front of `bar_tracker` is in each frame: in, out by the way it came, in again."""
    return lambda index: (
        10 + way * abs((index / length) % 2 if (index / length) % 2 <= 1 else 2 - (index / length) % 2)
        if index < length * half_cycles
        else 10 + way * (half_cycles % 2)
    )


@pytest.mark.parametrize(("half_cycles", "way"), [(1, 60), (2, 60), (3, 60), (6, 60), (4, 40)])
def test_every_half_cycle_is_measured_by_itself(half_cycles, way):
    tracker = bar_tracker(there_and_back(half_cycles=half_cycles, way=way), 20 * half_cycles + 6)
    result = tracker.result(Calibration())
    (particle,) = result.particles
    assert [cycle.direction for cycle in particle.cycles] == ["insertion", "extraction"] * (half_cycles // 2) + [
        "insertion"
    ] * (half_cycles % 2)
    for number, cycle in enumerate(particle.cycles):
        (found,) = cycle.transitions
        assert str(found.transition) == ("product->host" if number % 2 else "host->product")
        assert cycle.start == 20 * number
        assert found.rate is not None
        assert found.rate.velocity.value == pytest.approx(way / 20, rel=0.03)
        assert found.rate.onset.value == pytest.approx(20 * number, abs=4.5)
    assert result.half_cycles == half_cycles
    assert [found.half_cycle for found in result.maps] == list(range(1, half_cycles + 1))


def test_a_movie_that_begins_with_extraction():
    result = bar_tracker(lambda index: 70 - 2.5 * max(0, index - 4), 30).result(Calibration())
    (cycle,) = result.particles[0].cycles
    assert cycle.direction == "extraction"
    assert cycle.start == 0
    assert str(cycle.transitions[0].transition) == "product->host"
    assert cycle.transitions[0].rate.velocity.value == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize(("wrong", "alike", "told"), [(2, 1, False), (4, 5, True)])
def test_first_frames_that_are_taken_for_reacted_are_no_extraction(wrong, alike, told):
    errors = LabelErrors(alike_frames=alike)
    result = bar_tracker(lambda index: 70 if index < wrong else 10, 40, errors=errors).result(Calibration())
    assert not result.reaction_observed
    assert any("not for an extraction" in warning for warning in result.warnings) == told


@pytest.mark.parametrize(("alike", "observed"), [(1, True), (5, False)])
def test_frames_that_share_their_data_are_one_look(alike, observed):
    errors = LabelErrors(alike_frames=alike)
    tracker = bar_tracker(lambda index: 10 if index < 37 else 30, 40, errors=errors)
    assert tracker.result(Calibration()).reaction_observed is observed


def test_flicker_is_no_turn():
    rng = np.random.default_rng(0)
    flicker = rng.normal(0, 1.5, 60)
    result = bar_tracker(lambda index: 10 + index + flicker[index], 60).result(Calibration())
    (cycle,) = result.particles[0].cycles
    assert cycle.direction == "insertion"


def test_blanked_frames_at_a_turn_cost_no_half_cycle():
    tracker = FrontTracker(SCHEME, (48, 80))
    y, x = np.mgrid[:48, :80]
    bar = (abs(y - 24) < 10) & (x >= 10) & (x < 70)
    front = there_and_back(half_cycles=2)
    for index in range(46):
        labels = bar.astype(int) + (bar & (x < front(index)))
        seen = None if 18 <= index < 24 else np.eye(3, dtype=np.float32)[labels].transpose(2, 0, 1)
        tracker.push(float(index), seen)
    (particle,) = tracker.result(Calibration()).particles
    assert [cycle.direction for cycle in particle.cycles] == ["insertion", "extraction"]
    assert particle.cycles[1].transitions[0].rate.velocity.value == pytest.approx(3.0, rel=0.1)
