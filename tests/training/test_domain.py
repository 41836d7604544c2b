"""The domain check looks at what an image is like, not at how it was exposed or stored."""

import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from ionfront.cli.app import app
from ionfront.core import UsageError
from ionfront.datasets import random_outlier, random_scene
from ionfront.models import Domain, ModelInfo, bundled_segmenter, description, load_segmenter
from ionfront.models.info import FORMAT_VERSION
from ionfront.training import domain as module
from ionfront.training.domain import fit_domain


def frames(first_seed, count):
    for seed in range(first_seed, first_seed + count):
        yield random_scene(seed, 96, 4, family="wide").frame(2, 3)[0]


def foreign(first_seed, count, *kinds):
    for seed in range(first_seed, first_seed + count):
        yield random_outlier(kinds[seed % len(kinds)], 96, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def domain():
    return fit_domain(frames(0, 240), foreign(0, 120, "leaves", "rings", "page", "relief"))


def test_foreign_images_stand_out_and_usual_ones_do_not(domain):
    strange = [domain.strangeness(image) for image in foreign(1000, 40, "leaves", "rings", "page", "relief")]
    usual = [domain.strangeness(frame) for frame in frames(1000, 60)]
    assert np.mean(np.array(strange) > 1) > 0.9
    assert np.mean(np.array(usual) > 1) < 0.12


def test_kinds_that_were_not_shown_stand_out_too(domain):
    strange = [domain.strangeness(image) for image in foreign(2000, 40, "pattern", "noise")]
    assert np.mean(np.array(strange) > 1) > 0.7


def test_grey_scale_and_type_do_not_matter():
    frame = next(frames(5, 1)).astype(np.float64)
    described = description(frame)
    np.testing.assert_allclose(description(7.0 * frame + 300), described, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(description(np.float32(frame)), described, rtol=1e-3, atol=1e-3)


def test_pixels_without_data_change_little():
    frame = 1000.0 + next(frames(5, 1)).astype(np.float64)
    gaps = frame.copy()
    gaps[:8] = np.nan
    moved = [np.abs(description(other) - description(frame)).max() for other in (gaps, np.nan_to_num(gaps))]
    assert moved[0] < moved[1] / 2


def test_a_frame_too_small_to_judge_is_refused():
    with pytest.raises(UsageError, match="32 px"):
        description(np.zeros((1, 100)))


def test_one_hot_pixel_changes_little():
    frame = next(frames(5, 1)).astype(np.float64)
    hot = frame.copy()
    hot[40, 40] = 1e6
    assert np.abs(description(hot) - description(frame)).max() < 0.1


@pytest.mark.parametrize("shape", [(40, 50), (300, 300), (700, 520)])
def test_any_size_is_described_by_as_many_numbers(shape):
    image = np.random.default_rng(0).normal(size=shape)
    assert description(image).shape == description(np.zeros((64, 64))).shape
    assert np.isfinite(description(image)).all()
    image[0, 0] = np.nan
    assert np.isfinite(description(image)).all()


def test_it_travels_in_the_metadata(domain):
    info = ModelInfo(name="a", version="1", phases=("a", "b"), domain=domain)
    again = ModelInfo.model_validate_json(info.model_dump_json()).domain
    assert again == domain
    frame = next(frames(7, 1))
    assert again.strangeness(frame) == domain.strangeness(frame)


def test_the_command_writes_the_record_into_a_model_and_leaves_its_weights(monkeypatch, tmp_path):
    model = tmp_path / "model.onnx"
    shutil.copy(bundled_segmenter(), model)
    monkeypatch.setattr(module, "_SIZES_PX", (64, 80))
    monkeypatch.setattr(module, "_LENGTH", 4)
    done = CliRunner().invoke(app, ["train", "domain", str(model), "--frames", "200", "--family", "plain"])
    assert done.exit_code == 0, done.output
    before, after = load_segmenter(), load_segmenter(model)
    assert after.info.domain is not None
    assert after.info.format_version == FORMAT_VERSION
    changed = {"domain", "format_version"}
    assert after.info.model_dump(exclude=changed) == before.info.model_dump(exclude=changed)
    frame = next(frames(3, 1))
    np.testing.assert_array_equal(after.labels(frame), before.labels(frame))


def test_a_handful_of_frames_sets_no_limits():
    with pytest.raises(UsageError, match="200"):
        fit_domain(frames(0, 3), foreign(0, 3, "page"))


def test_the_limit_is_one():
    n = len(description(np.zeros((64, 64))))
    zeros, ones = (0.0,) * n, (1.0,) * n
    known = (tuple(description(np.eye(64)).clip(-5, 5).tolist()),)
    quiet = {"hidden": ((0.0,) * (n + 1),), "output": (0.0,)}
    domain = Domain(mean=zeros, scale=ones, known=known, usual=(-1.0, -1.0), limits=(1.0, 1.0), **quiet)
    assert domain.strangeness(np.eye(64)) == pytest.approx(0.5, abs=0.01)
    assert domain.strangeness(np.random.default_rng(0).normal(size=(64, 64))) > 1
