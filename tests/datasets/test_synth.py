"""Synthetic movies are what they say they are: the same every time, and true to their truth."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from ionfront.core import DEFAULT_SCHEME, OutputExistsError
from ionfront.datasets import SHAPE_NAMES, calibration_of, open_labels, open_movie, random_scene, write_synthetic
from ionfront.datasets.synth.families import FAMILIES
from ionfront.physics import LAW_NAMES


def small(seed, n_frames=12, **kwargs):
    return random_scene(seed, 72, n_frames, **kwargs)


def held_still(scene, drift_px=(0.0, 0.0)):
    drift = np.tile(np.asarray(drift_px, float), (len(scene), 1))
    return replace(scene, camera=replace(scene.camera, drift_px=drift), swelling=0.0)


def expected_labels(scene, index):
    """What the arrival maps say a frame of a scene without drift and swelling shows."""
    labels = np.where(scene.inside, DEFAULT_SCHEME.names.index("pristine"), 0)
    for front in scene.fronts:
        there = scene.inside & (front.arrival_s <= scene.time_s[index])
        labels[there] = DEFAULT_SCHEME.names.index(front.transition.after)
    return labels


def test_the_same_seed_gives_the_same_frames_in_any_order():
    one, two = small(7), small(7)
    forwards = {index: one.frame(index) for index in (0, 5, 11)}
    backwards = {index: two.frame(index) for index in (11, 0, 5, 5)}
    for index, (image, label) in forwards.items():
        np.testing.assert_array_equal(image, backwards[index][0])
        np.testing.assert_array_equal(label, backwards[index][1])
    assert (image.dtype, label.dtype) == (np.uint16, np.uint8)
    assert one.truth() == two.truth()


def test_another_seed_gives_another_movie_and_every_frame_its_own_noise():
    assert (small(7).frame(0)[0] != small(8).frame(0)[0]).mean() > 0.5
    scene = held_still(small(7, n_fronts=0))
    assert (scene.frame(0)[0] != scene.frame(1)[0]).mean() > 0.3


@pytest.mark.parametrize("shape", SHAPE_NAMES)
@pytest.mark.parametrize("n_fronts", [0, 1, 2])
def test_labels_follow_the_arrival_maps(shape, n_fronts):
    scene = held_still(small(3, shape=shape, n_fronts=n_fronts))
    assert len(scene.fronts) == n_fronts
    for index in (0, 6, 11):
        np.testing.assert_array_equal(scene.frame(index)[1], expected_labels(scene, index))


def test_drift_moves_the_labels_with_the_stage():
    scene = small(3, shape="sphere", n_fronts=1)
    moved = held_still(scene, (3.0, -2.0)).frame(6)[1]
    np.testing.assert_array_equal(moved, np.roll(expected_labels(scene, 6), (3, -2), (0, 1)))


@pytest.mark.parametrize("shape", SHAPE_NAMES)
def test_a_particle_swells_as_it_reacts(shape):
    scene = held_still(small(5, shape=shape, law="linear", n_fronts=1))
    swollen = replace(scene, swelling=0.15)
    areas = [int((s.frame(11)[1] > 0).sum()) for s in (scene, swollen)]
    assert areas[1] > 1.02 * areas[0]
    assert (swollen.frame(0)[1] > 0).sum() == pytest.approx((scene.frame(0)[1] > 0).sum(), rel=0.01)


@pytest.mark.parametrize("law", LAW_NAMES)
def test_the_true_velocity_is_that_of_the_position_curve(law):
    scene = small(11, law=law, n_fronts=2)
    time = np.linspace(0, scene.time_s[-1], 20_001)
    for front, truth in zip(scene.fronts, scene.truth()["fronts"], strict=True):
        position = front.position_nm(time, scene.depth_nm)
        t10, t90 = (time[np.searchsorted(position, share * position[-1])] for share in (0.1, 0.9))
        assert truth["velocity_nm_s"] == pytest.approx(0.8 * position[-1] / (t90 - t10), rel=2e-3)
        assert truth["swept_nm"] == pytest.approx(position[-1])
        assert 0 < truth["swept_nm"] <= scene.depth_nm


def test_the_mean_front_stands_where_its_law_says():
    scene = held_still(random_scene(1, 96, 12, shape="wire", law="linear", n_fronts=1))
    (front,) = scene.fronts
    for index in (5, 8, 11):
        share = np.mean(front.arrival_s[scene.shape.inside] <= scene.time_s[index])
        position = float(front.position_nm(scene.time_s[index : index + 1], scene.depth_nm)[0])
        assert share == pytest.approx(position / scene.depth_nm, abs=0.04)


def test_the_second_front_never_overtakes_the_first():
    for seed in range(6):
        first, second = small(seed, n_fronts=2).fronts
        inside = np.isfinite(first.arrival_s)
        assert (second.arrival_s[inside] >= first.arrival_s[inside]).all()
        assert first.transition.after == second.transition.before
        assert second.onset_s > first.onset_s


def test_what_is_asked_for_is_drawn():
    scene = small(2, shape="flake", law="self_limiting", n_fronts=1)
    truth = scene.truth()
    assert (truth["shape"], truth["fronts"][0]["law"], truth["n_frames"]) == ("flake", "self_limiting", 12)
    drawn = [small(seed, n_frames=2).truth() for seed in range(30)]
    assert {t["shape"] for t in drawn} == set(FAMILIES["plain"].shapes)
    assert {t["fronts"][0]["law"] for t in drawn} == set(LAW_NAMES)
    assert {len(t["fronts"]) for t in drawn} == {1, 2}


def test_noise_falls_with_dose():
    scene = held_still(small(4, n_fronts=0))

    def relative_noise(dose):
        camera = replace(scene.camera, dose_e_px=dose, flicker=0.0)
        frames = np.stack([replace(scene, camera=camera).frame(i)[0] for i in range(8)]).astype(float) - 100
        return float(np.median(frames.std(axis=0, ddof=1) / np.maximum(frames.mean(axis=0), 1)))

    assert relative_noise(10.0) / relative_noise(160.0) == pytest.approx(4, rel=0.25)


def test_what_is_written_is_read_back(tmp_path):
    scene = small(9, n_fronts=2)
    path = write_synthetic(scene, tmp_path, "a")
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "arrival.tif",
        "labels.zarr",
        "movie.ome.tif",
        "truth.json",
    ]
    movie, labels = open_movie(path), open_labels(path.parent / "labels.zarr")
    assert (movie.shape, movie.dtype, labels.dtype) == ((12, 72, 72), np.uint16, np.uint8)
    for index in (0, 11):
        np.testing.assert_array_equal(movie[index], scene.frame(index)[0])
        np.testing.assert_array_equal(labels[index], scene.frame(index)[1])
    for array in (movie, labels):
        calibration = calibration_of(array)
        assert calibration.pixel_size_nm == pytest.approx(scene.pixel_size_nm, rel=1e-6)
        assert calibration.frame_time_s == pytest.approx(scene.time_s[1], rel=1e-6)
        np.testing.assert_allclose(array["time"], scene.time_s, rtol=1e-6)
    assert labels.attrs["phases"] == dict(enumerate(DEFAULT_SCHEME.names))
    truth = json.loads((path.parent / "truth.json").read_text())
    assert truth == json.loads(json.dumps(scene.truth()))
    arrival = tifffile.imread(path.parent / "arrival.tif")
    expected = np.stack([f.arrival_s for f in scene.fronts])
    np.testing.assert_allclose(arrival, np.where(np.isfinite(expected), expected, np.nan), rtol=1e-6)


def test_a_movie_without_a_reaction_has_no_arrival_times(tmp_path):
    path = write_synthetic(small(9, n_frames=2, n_fronts=0), tmp_path, "a")
    assert not (path.parent / "arrival.tif").exists()
    assert json.loads((path.parent / "truth.json").read_text())["fronts"] == []


def test_a_finished_movie_is_not_overwritten_unasked(tmp_path):
    path = write_synthetic(small(1, n_frames=2), tmp_path, "a")
    before = path.read_bytes()
    with pytest.raises(OutputExistsError):
        write_synthetic(small(2, n_frames=2), tmp_path, "a")
    assert path.read_bytes() == before
    write_synthetic(small(2, n_frames=2), tmp_path, "a", overwrite=True)
    assert path.read_bytes() != before
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_mean_of_exposures_has_less_noise_and_the_same_signal():
    scene = random_scene(3, 96, 4)
    single, mean = (scene.frame(1, averaged)[0].astype(float) for averaged in (1, 16))
    support = np.s_[:12, :12]
    assert mean[support].mean() == pytest.approx(single[support].mean(), rel=0.05)
    assert mean[support].std() < 0.4 * single[support].std()
