"""Skipping: the same answer as without where all is inferred, the old answer where nothing changed."""

import numpy as np
import pytest
from scipy import ndimage

from ionfront.core import UsageError
from ionfront.models import Architecture, ModelInfo, Segmenter, SkippingSegmenter, SkipSettings, load_segmenter
from ionfront.models.change import ChangeSettings

SETTINGS = SkipSettings(window_px=96, margin_px=16, tile_px=16)


class Brightness:
    """A network without surroundings, which counts the pixels that it was shown."""

    def __init__(self):
        self.pixels = 0

    def logits(self, tile):
        self.pixels += tile[0].size
        return np.stack([np.zeros_like(tile[0]), 8 * (tile[0] - 0.5)])


def pair(reduction=1, settings=SETTINGS):
    """A network, a segmenter and the same one that skips."""
    info = ModelInfo(name="", version="", phases=("a", "b"), reduction=reduction, architecture=Architecture())
    network = Brightness()
    segmenter = Segmenter(network, info, "abc")
    return network, segmenter, SkippingSegmenter(segmenter, settings)


def movie(n, shape=(200, 330), seed=0):
    rng = np.random.default_rng(seed)
    levels = np.where(np.arange(shape[1]) < shape[1] // 2, 100.0, 50.0) * np.ones(shape)
    return [rng.poisson(levels).astype(np.float32) for _ in range(n)]


@pytest.mark.parametrize("reduction", [1, 2, 3])
def test_all_changed_is_all_inferred(reduction):
    _, segmenter, skipping = pair(reduction)
    for frame in (*movie(1), movie(1)[0][::-1, ::-1]):
        assert np.array_equal(skipping.probabilities(frame), segmenter.probabilities(frame))


@pytest.mark.parametrize("reduction", [1, 2])
@pytest.mark.parametrize("corner", [(0, 0), (100, 150), (180, 310)])
def test_what_changed_is_inferred_and_nothing_else(reduction, corner):
    network, segmenter, skipping = pair(reduction)
    frames = movie(4)
    for frame in frames:
        before = skipping.probabilities(frame)
    network.pixels = 0
    changed = frames[-1].copy()
    changed[corner[0] : corner[0] + 20, corner[1] : corner[1] + 20] = 10
    after = skipping.probabilities(changed)
    assert 0 < network.pixels <= 2 * 96**2
    spot = np.s_[:, corner[0] + 4 : corner[0] + 16, corner[1] + 4 : corner[1] + 16]
    assert np.allclose(after[spot], segmenter.probabilities(changed)[spot], atol=1e-5)
    assert (after == before).all(axis=0).mean() > 0.4


def test_noise_is_not_inferred_and_the_answer_stays():
    network, _, skipping = pair()
    frames = movie(30)
    for frame in frames[:2]:
        first = skipping.probabilities(frame)
    network.pixels = 0
    for frame in frames[2:]:
        last = skipping.probabilities(frame)
    assert network.pixels < 0.05 * 28 * frames[0].size
    assert (first == last).mean() > 0.5
    assert skipping.inferred_share < 0.15


def test_windows_agree_with_whole_frames_of_a_real_network(tiny_onnx):
    """Its 31 px of surroundings are inside the margin: a window says what the whole frame says."""
    segmenter = load_segmenter(tiny_onnx, device="cpu")
    settings = SkipSettings(
        window_px=192, margin_px=48, tile_px=16, change=ChangeSettings(tolerance=0.5, false_alarms=0.001)
    )
    skipping = SkippingSegmenter(segmenter, settings)
    frame = movie(1, (330, 330))[0]
    for _ in range(3):
        skipping.probabilities(frame)
    changed = frame.copy()
    changed[150:170, 150:170] = 300
    after = skipping.probabilities(changed)
    assert 4 * skipping.inferred_share - 2 < 0.5  # the first two frames are inferred as a whole
    around = np.s_[:, 144:176, 144:176]
    assert np.allclose(after[around], segmenter.probabilities(changed)[around], atol=1e-4)


def test_no_tile_grows_older_than_the_limit():
    network, _, skipping = pair(settings=SkipSettings(window_px=96, margin_px=16, tile_px=16, refresh_frames=40))
    frame = movie(1, (192, 192))[0]
    for _ in range(3):
        skipping.probabilities(frame)
    seen, network.pixels = [], 0
    for _ in range(80):
        skipping.probabilities(frame)
        seen.append(network.pixels)
        assert skipping._held[0]._age.max() < 40
    assert max(np.diff(seen)) < frame.size  # a few tiles at a time


@pytest.mark.parametrize("reduction", [1, 2])
def test_what_was_answered_stays_as_it_was(reduction):
    _, _, skipping = pair(reduction)
    frames = movie(4)
    answers = [skipping.probabilities(frame) for frame in frames]
    kept = [answer.copy() for answer in answers]
    changed = frames[-1].copy()
    changed[100:120, 150:170] = 10
    assert (skipping.probabilities(changed) != answers[-1]).any()
    assert all(np.array_equal(before, after) for before, after in zip(kept, answers, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        answers[0][0, 0, 0] = 1


def test_another_size_or_a_reference_begins_anew():
    network, segmenter, skipping = pair()
    frame = movie(1)[0]
    for other in (frame, frame[:100], np.stack([frame[:100], frame[:100]])):
        network.pixels = 0
        assert np.array_equal(skipping.probabilities(other), segmenter.probabilities(other))
        assert network.pixels >= 2 * other.shape[-1] * other.shape[-2]


def test_it_stands_in_for_a_segmenter():
    _, segmenter, skipping = pair()
    frame = movie(1)[0]
    assert (skipping.info, skipping.sha256, skipping.compares) == (segmenter.info, "abc", False)
    assert np.array_equal(skipping.labels(frame), segmenter.labels(frame))


def test_windows_without_room_are_refused():
    with pytest.raises(UsageError, match="larger"):
        SkipSettings(window_px=128, margin_px=64)
    with pytest.raises(UsageError, match="multiple of a block"):
        SkipSettings(change=ChangeSettings(block_px=5))


class Smooth(Brightness):
    """A network that hardly minds noise, so that what differs from its answer was left behind."""

    def logits(self, tile):
        return super().logits(ndimage.gaussian_filter(tile, (0, 3, 3)))


@pytest.mark.parametrize("drift_px", [0.3, 1.0])
def test_a_drifting_particle_is_not_left_behind(drift_px):
    """Texture that moves looks like noise to the change test; the drift is noticed all the same."""
    y, x = np.mgrid[:200, :256]
    grains = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(200, 400)), 2)
    segmenter = Segmenter(Smooth(), ModelInfo(name="", version="", phases=("a", "b")), "abc")
    rng, skipping, agreement = np.random.default_rng(0), SkippingSegmenter(segmenter, SETTINGS), []
    for k in range(40):
        moved = ndimage.shift(grains / grains.std(), (0, drift_px * k), mode="nearest")[:, :256]
        particle = np.hypot(y - 100, x - 100 - drift_px * k) < 60
        frame = rng.poisson(60 * (0.5 + 0.12 * moved + 0.4 * particle)).astype(np.float32)
        held, true = skipping.labels(frame) == 1, segmenter.labels(frame) == 1
        agreement.append((held & true).sum() / (held | true).sum())
    assert np.mean(agreement[10:]) > 0.98


def test_a_large_frame_is_skipped_at_every_size():
    info = ModelInfo(name="", version="", phases=("a", "b"), architecture=Architecture(), field_px=64)
    network = Brightness()
    segmenter, skipping = Segmenter(network, info, ""), SkippingSegmenter(Segmenter(network, info, ""), SETTINGS)
    frames = movie(4, (256, 256))
    assert segmenter.scales((256, 256)) == (1, 2, 4)
    for frame in frames:
        answer = skipping.probabilities(frame)
    changed = frames[-1].copy()
    changed[:20, :20] = 10
    network.pixels = 0
    after = skipping.probabilities(changed)
    assert 0 < network.pixels < 256**2 / 2
    assert np.allclose(after[:, 4:16, 4:16], segmenter.probabilities(changed)[:, 4:16, 4:16], atol=1e-5)
    assert answer.shape == after.shape == (2, 256, 256)
