"""Wide families of scenes keep the promises of plain ones, and hold what they say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ionfront.core import DEFAULT_SCHEME
from ionfront.datasets import SHAPE_NAMES, open_movie, random_scene, write_synthetic
from ionfront.datasets.synth.camera import random_wide_camera
from ionfront.datasets.synth.crystals import random_pattern
from ionfront.datasets.synth.detectors import DETECTOR_NAMES, random_detector
from ionfront.datasets.synth.families import FAMILIES
from ionfront.datasets.synth.looks import CONTRAST_NAMES, random_wide_looks
from ionfront.datasets.synth.neighbours import with_neighbours
from ionfront.datasets.synth.reaction import random_course
from ionfront.datasets.synth.shapes import Shape, distorted, random_shape


def wide(seed, n_frames=8, **kwargs):
    return random_scene(seed, 96, n_frames, family="wide", **kwargs)


def held_still(scene):
    camera = replace(scene.camera, drift_px=np.zeros((len(scene), 2)))
    return replace(scene, camera=camera, swelling=0.0, shown=None)


def test_the_held_out_family_shares_no_geometry_contrast_or_detector_with_the_wide_one():
    trained, held_out = FAMILIES["wide"], FAMILIES["held_out"]
    for what in ("shapes", "contrasts", "detectors"):
        assert getattr(held_out, what)
        assert not set(getattr(trained, what)) & set(getattr(held_out, what))


def test_the_same_seed_gives_the_same_frames_in_any_order():
    one, two = wide(7), wide(7)
    forwards = {index: one.frame(index) for index in (0, 4, 7)}
    for index in (7, 0, 4):
        for a, b in zip(forwards[index], two.frame(index), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(6))
def test_labels_follow_the_arrival_maps(seed):
    scene = held_still(wide(seed))
    for index in (0, 4, 7):
        expected = np.where(scene.inside, DEFAULT_SCHEME.names.index("pristine"), 0)
        for front in scene.fronts:
            there = scene.inside & (front.arrival_s <= scene.time_s[index])
            expected[there] = DEFAULT_SCHEME.names.index(front.transition.after)
        np.testing.assert_array_equal(scene.frame(index)[1], expected)


@pytest.mark.parametrize("family", ["wide", "held_out"])
def test_frames_are_finite_and_what_was_drawn_is_in_them(family):
    dtypes = set()
    for seed in range(12):
        scene = random_scene(seed, 64, 6, family=family)
        image, label = scene.frame(3)
        assert np.isfinite(image).all()
        assert label.max() < len(DEFAULT_SCHEME.names)
        assert scene.shape.kind in FAMILIES[family].shapes
        dtypes.add(str(image.dtype))
    assert dtypes == ({"uint8", "uint16", "float32"} if family == "wide" else {"float32"})


@pytest.mark.parametrize("shape", SHAPE_NAMES)
def test_the_mean_front_stands_where_its_course_says(shape):
    rng = np.random.default_rng(5)
    particle = distorted(random_shape(shape, 128, rng), rng)
    place = random_course(particle, rng).place_px
    for share in (0.3, 0.5, 0.7):
        wanted = share * particle.depth_px
        front = np.abs(place - wanted) < 0.05 * particle.depth_px
        assert particle.distance_px[front].mean() == pytest.approx(wanted, abs=0.03 * particle.depth_px + 0.5)


def test_a_surface_that_leads_makes_a_concave_front():
    ahead = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        particle = random_shape("flake", 128, rng)
        place = random_course(particle, rng).place_px
        rim = particle.inside & ~ndimage.binary_erosion(particle.inside, iterations=3)
        middle = ndimage.binary_erosion(particle.inside, iterations=10)
        lag = place - particle.distance_px
        ahead.append(lag[middle].mean() - lag[rim & (particle.distance_px > 15)].mean())
    assert max(ahead) > 2  # px by which the middle is reached later: concave
    assert min(ahead) < 0.5


@pytest.mark.parametrize("closeness", [1.0, 1.7])
def test_a_close_view_shows_the_middle_of_a_larger_particle(closeness):
    for kind in SHAPE_NAMES:
        particle = random_shape(kind, 96, np.random.default_rng(3), closeness)
        assert particle.distance_px.shape == (96, 96)
        assert 0 <= np.nanmin(particle.distance_px) <= 1
        assert particle.inside.any()


def test_neighbours_react_in_their_own_time_and_never_cover_the_measured_particle():
    delays = set()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        particle = random_shape("wire", 96, rng)
        own = random_course(particle, rng)
        inside, course = with_neighbours(particle, own, ("flake",), rng)
        assert inside[particle.inside].all()
        np.testing.assert_array_equal(course.place_px[particle.inside], own.place_px[particle.inside])
        assert (course.delay[particle.inside] == 0).all()
        assert np.isfinite(course.place_px[inside]).all()
        delays |= {bool(np.isfinite(d)) for d in np.unique(course.delay[inside & ~particle.inside])}
    assert delays == {True, False}


def test_a_sliver_at_the_edge_of_a_frame_is_all_entry():
    distance_px = np.full((32, 32), np.nan)
    distance_px[0, 10:20] = 0.5
    sliver = Shape("sphere", distance_px, (-10.0, 15.0))
    np.testing.assert_array_equal(random_course(sliver, np.random.default_rng(0)).place_px, distance_px)


@pytest.mark.parametrize("phase", DEFAULT_SCHEME.reaction_order)
@pytest.mark.parametrize("pixel_size_nm", [0.05, 5.0])
def test_patterns_are_fields_of_small_deviations_about_zero(phase, pixel_size_nm):
    for seed in range(4):
        pattern = random_pattern(phase, 96, pixel_size_nm, np.random.default_rng(seed)).at(0.4)
        assert pattern.shape == (96, 96)
        assert abs(pattern.mean()) < 0.3
        assert 0 < pattern.std() < 0.6


def test_metal_grains_flicker_and_bend_contours_move():
    for phase in ("pristine", "converted"):
        drawn = [random_pattern(phase, 96, 1.0, np.random.default_rng(seed)) for seed in range(5)]
        assert max(float(np.abs(pattern.at(0.0) - pattern.at(0.3)).max()) for pattern in drawn) > 0.1


@pytest.mark.parametrize("contrast", CONTRAST_NAMES)
def test_mass_darkens_bright_field_and_lightens_the_others(contrast):
    inside = np.zeros((64, 64), bool)
    inside[16:48, 16:48] = True
    phases = inside.astype(np.uint8)
    for seed in range(5):
        looks = random_wide_looks(contrast, ("pristine",), inside, False, 1.0, np.random.default_rng(seed))
        looks = replace(looks, surroundings=np.zeros((64, 64)), shell=np.zeros((64, 64)))
        signal = looks.signal(phases, 0.0, lambda: np.full((64, 64), np.inf))
        assert (signal[inside].mean() < signal[~inside].mean()) == (contrast == "bright_field")


def test_a_strain_band_lies_at_the_front():
    scene = held_still(wide(3, law="linear", n_fronts=1))
    looks = replace(scene.looks, band=(0.0, 1.5, 0.5), damage=0.0)
    ahead = scene._ahead_px(5)
    phases = scene.frame(5)[1]
    ratio = looks.signal(phases, 0.5, lambda: ahead) / replace(looks, band=(0.0, 1.5, 0.0)).signal(
        phases, 0.5, lambda: ahead
    )
    near, far = scene.inside & (np.abs(ahead) < 1), scene.inside & (np.abs(ahead) > 8)
    assert np.abs(ratio[near] - 1).mean() > 0.1
    np.testing.assert_allclose(ratio[far], 1, atol=1e-3)


@pytest.mark.parametrize("name", DETECTOR_NAMES)
def test_detectors_record_what_they_can_hold(name):
    top = {"ccd": 65535, "cmos": 4095, "video": 255}.get(name, np.inf)
    dtype = {"ccd": np.uint16, "cmos": np.uint16, "video": np.uint8}.get(name, np.float32)
    electrons = np.random.default_rng(0).poisson(20.0, (64, 64)).astype(float)
    electrons[0, 0] = 1e6
    for seed in range(6):
        detector = random_detector(name, 64, 20.0, np.random.default_rng(seed))
        recorded = detector.record(electrons, 1)
        assert recorded.dtype == dtype
        assert recorded.max() <= top
        assert recorded.std() > 0


def test_faults_of_detectors_are_drawn():
    drawn = [random_detector("ccd", 64, 20.0, np.random.default_rng(seed)) for seed in range(20)]
    assert any(detector.stuck is None for detector in drawn)
    assert any(detector.stuck is not None and (detector.stuck == 0).any() for detector in drawn)
    films = [random_detector("video", 128, 20.0, np.random.default_rng(seed)).video for seed in range(20)]
    assert any(film.bar is None for film in films)
    film = next(film for film in films if film.bar is not None and film.white)
    grey = film.film(np.full((128, 128), 100, np.uint8))
    left, top, right, bottom = film.bar
    assert grey[top : bottom + 1, left + 2 : right - 1].mean() > 200
    assert abs(float(grey[:60].mean()) - 100) < 5


def test_a_blanked_beam_shows_nothing_and_says_so():
    cameras = (random_wide_camera(20, 32, "counting", np.random.default_rng(seed)) for seed in range(40))
    camera = next(camera for camera in cameras if any(camera.blanked(index) for index in range(20)))
    dark = next(index for index in range(20) if camera.blanked(index))
    signal = np.full((32, 32), 1.0)
    lit = camera.expose(signal, 0, np.random.default_rng(0))
    assert camera.expose(signal, dark, np.random.default_rng(0)).mean() < 0.05 * lit.mean()


def test_a_dropped_frame_is_the_one_before_it():
    scene = replace(wide(2), shown=(0, 1, 1, 3, 4, 4, 4, 7))
    for again, before in ((2, 1), (5, 4), (6, 4)):
        for a, b in zip(scene.frame(again), scene.frame(before), strict=True):
            np.testing.assert_array_equal(a, b)
    assert (scene.frame(3)[0] != scene.frame(2)[0]).any()


def test_a_wide_movie_on_disk_keeps_its_type(tmp_path):
    scenes = {str(scene.frame(0)[0].dtype): scene for scene in map(wide, range(12))}
    assert len(scenes) == 3
    for dtype, scene in scenes.items():
        movie = open_movie(write_synthetic(scene, tmp_path, dtype))
        assert str(movie.dtype) == dtype
        np.testing.assert_array_equal(movie[3], scene.frame(3)[0])
