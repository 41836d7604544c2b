"""Batches: the right shapes, held-out specimens never seen, and the same crops for the same seed."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ionfront.core import UsageError
from ionfront.models import Normalisation
from ionfront.training.augment import Augmentation, Augmenter
from ionfront.training.augment_torch import BatchAugmenter
from ionfront.training.crops import grid_crops, random_crop, shrunk
from ionfront.training.data import SegmentationData
from ionfront.training.frames import IGNORE
from ionfront.training.synthetic import SceneFrames, Synthetic, draw_scene, draw_with_reference, scene_turn

SCENES = Synthetic(scenes=2, size_px=64, n_frames=4, validation_scenes=2, validation_frames=2)
SMALL = {"crop_size": 32, "validation_crop": 32, "samples_per_epoch": 8, "batch_size": 4, "num_workers": 0}
STILL = Augmentation(flip_x=0, flip_y=0, rotate90=0, affine=0, tone=0, blur=0, noise=0)


def batches(data):
    return [torch.cat([images.flatten(), labels.flatten()]) for images, labels in data.train_dataloader()]


def test_batches_of_a_labelled_set(discs):
    data = SegmentationData([str(discs)], held_out_groups=["C"], validation_groups=["B"], **SMALL)
    images, labels = next(iter(data.train_dataloader()))
    assert images.shape == (4, 1, 32, 32)
    assert images.dtype == torch.float32
    assert labels.shape == (4, 32, 32)
    assert set(labels.unique().tolist()) <= {0, 1, 2, IGNORE}
    assert data.phases == ["background", "shell", "core"]


def test_groups_stay_apart(discs):
    data = SegmentationData([str(discs)], held_out_groups=["C"], validation_groups=["B"], **SMALL)
    assert {frame.group for frame, _ in data.sources.train} == {"A"}
    assert {frame.group for frame, _ in data.sources.validation} == {"B"}


def test_a_few_named_frames(discs):
    data = SegmentationData([str(discs)], validation_groups=["B"], train_frames=["disc5"], **SMALL)
    assert [frame.name for frame, _ in data.sources.train] == ["disc5"]


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"held_out_groups": ["Z"]}, "no group"),
        ({"train_frames": ["disc99"]}, "no frame"),
        ({"held_out_groups": ["A"], "validation_groups": ["A"]}, "both held out"),
        ({"held_out_groups": ["A", "B", "C"]}, "none is left"),
        ({"synthetic": SCENES}, "both together need the same"),
    ],
)
def test_impossible_splits_are_refused(discs, knobs, message):
    with pytest.raises(UsageError, match=message):
        SegmentationData([str(discs)], **SMALL, **knobs)


def test_nothing_to_train_on_is_said():
    with pytest.raises(UsageError, match="nothing to train on"):
        SegmentationData()


def test_the_same_seed_gives_the_same_crops_and_each_epoch_new_ones(discs):
    def crops(seed, epoch):
        data = SegmentationData([str(discs)], seed=seed, **SMALL)
        data.trainer = SimpleNamespace(global_rank=0, world_size=1, current_epoch=epoch)
        return torch.stack(batches(data))

    assert torch.equal(crops(0, 3), crops(0, 3))
    assert not torch.equal(crops(0, 3), crops(0, 4))
    assert not torch.equal(crops(0, 3), crops(1, 3))


def test_synthetic_batches():
    data = SegmentationData(synthetic=SCENES, **SMALL)
    images, labels = next(iter(data.train_dataloader()))
    assert images.shape == (4, 1, 32, 32)
    assert labels.max() < 5
    assert len(data.validation_frames) == 4
    assert len(data.val_dataloader().dataset) == 16


def test_synthetic_frames_may_stand_for_means_of_several():
    single, mean = (draw_scene(replace(SCENES, averaged=(n,)), 3, 1) for n in (1, 25))
    assert np.array_equal(single[1], mean[1])
    corner = np.s_[:8, :8]
    assert mean[0][corner].std() < 0.5 * single[0][corner].std()
    with pytest.raises(UsageError, match="averaged"):
        Synthetic(averaged=(0, 3))


def test_scenes_come_with_a_reference_as_often_as_asked():
    def references(**shares):
        settings = replace(SCENES, **shares)
        rng = np.random.default_rng(0)
        return [image[1] for image, _ in (draw_with_reference(settings, 3, rng) for _ in range(40)) if image.ndim == 3]

    assert references(reference_first=0, reference_other=0) == []
    assert len(references(reference_first=1, reference_other=0)) == 40
    assert 10 < len(references(reference_first=0.3, reference_other=0.2)) < 30
    with pytest.raises(UsageError, match="reference_first"):
        Synthetic(reference_first=0.8, reference_other=0.3)


def test_two_channels_hold_the_reference_or_the_frame_itself(discs):
    images, _ = next(iter(SegmentationData(synthetic=SCENES, channels=2, **SMALL).train_dataloader()))
    assert images.shape == (4, 2, 32, 32)
    images, _ = next(iter(SegmentationData([str(discs)], channels=2, **SMALL).train_dataloader()))
    assert torch.equal(images[:, 0], images[:, 1])


def test_reduced_frames_come_with_labels_of_their_size(discs):
    data = SegmentationData([str(discs)], validation_groups=["B"], reduction=2, **SMALL)
    whole = SegmentationData([str(discs)], validation_groups=["B"], **SMALL)
    assert 2 * len(data.val_dataloader().dataset) < len(whole.val_dataloader().dataset)
    images, labels = next(iter(data.train_dataloader()))
    assert images.shape == (4, 1, 32, 32)
    assert set(labels.unique().tolist()) <= {0, 1, 2, IGNORE}
    with pytest.raises(UsageError, match="reduction"):
        SegmentationData([str(discs)], reduction=0)


def test_labels_stay_under_their_pixels_when_frames_are_reduced():
    label = np.zeros((40, 70), np.uint8)
    label[:, 33:] = 1
    image, ids = shrunk(label[None].astype(np.float32), label, 4)
    assert image.shape == (1, 10, 18)
    assert np.abs(image[0] - ids).max() <= 0.75
    assert np.abs(image[0].mean(axis=0)[:16] - ids.mean(axis=0)[:16]).sum() <= 0.75


def test_validation_crops_are_the_same_every_time(discs):
    data = SegmentationData([str(discs)], validation_groups=["B"], **SMALL)
    first, again = next(iter(data.val_dataloader())), next(iter(data.val_dataloader()))
    assert torch.equal(first[0], again[0])


def test_digest_names_the_data(discs):
    held = SegmentationData([str(discs)], held_out_groups=["C"], **SMALL)
    assert held.digest() == SegmentationData([str(discs)], held_out_groups=["C"], **SMALL).digest()
    assert held.digest() != SegmentationData([str(discs)], **SMALL).digest()


def test_validation_scenes_are_never_trained_on():
    assert min(frame.scene_seed for frame in SceneFrames(SCENES).frames) >= 1_000_000_000


@given(st.integers(1, 40), st.integers(1, 8), st.integers(1, 3))
def test_every_scene_gives_its_share_of_crops(per_scene, batch, lanes):
    drawn = [scene_turn(sample, per_scene, batch, lanes) for sample in range(4 * per_scene * batch * lanes)]
    assert len(set(drawn)) == len(drawn)
    assert max(turn for _, turn in drawn) < per_scene


def pooled_crops(repeats, batches):
    """Unchanged training crops, flattened: how often each was used."""
    sizes = SMALL | {"crop_size": 64, "samples_per_epoch": 4 * batches}
    scenes = replace(SCENES, repeats=repeats, n_frames=500)  # so that hardly a frame is drawn twice
    data = SegmentationData(synthetic=scenes, augmentation=STILL, **sizes)
    images = torch.cat([images for _ in range(2) for images, _ in data.train_dataloader()])
    assert len(images) == 2 * 4 * batches
    return torch.unique(images, dim=0, return_counts=True)[1]


def test_a_crop_is_used_again():
    used = pooled_crops(repeats=4, batches=40)
    assert used.float().mean() > 2  # of 320, 112 were drawn
    assert used.max() < 20


def test_new_crops_come_at_the_pace_of_their_use():
    assert len(pooled_crops(repeats=2, batches=40)) > 1.3 * len(pooled_crops(repeats=8, batches=40))


def test_pooled_batches_are_the_same_for_the_same_seed():
    runs = [SegmentationData(synthetic=replace(SCENES, repeats=3), channels=2, **SMALL) for _ in range(2)]
    for one, other in zip(*map(batches, runs), strict=True):
        assert torch.equal(one, other)


def test_each_process_draws_all_families_and_scenes_of_its_own(monkeypatch):
    drawn = {0: set(), 1: set()}
    scenes = replace(SCENES, families=("plain", "wide"), scenes=8)
    for rank, seeds in drawn.items():
        monkeypatch.setattr("ionfront.training.data._place_in_run", lambda data, rank=rank: (rank, 2, 0))
        monkeypatch.setattr(
            "ionfront.training.data.draw_scene",
            lambda settings, seed, index, seeds=seeds: seeds.add(seed) or draw_scene(settings, seed, index),
        )
        batches(SegmentationData(synthetic=scenes, **SMALL | {"samples_per_epoch": 32}))
    assert drawn[0].isdisjoint(drawn[1])
    assert [{seed % 2 for seed in seeds} for seeds in drawn.values()] == [{0, 1}, {0, 1}]


def test_frames_used_no_time_are_refused():
    with pytest.raises(UsageError, match="repeats"):
        Synthetic(repeats=0)


@pytest.mark.parametrize("turns", [{"flip_x": 1}, {"flip_y": 1}, {"rotate90": 1}, {"affine": 1}, {"elastic": 1}])
def test_whole_batches_are_varied_with_their_labels(turns):
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.integers(0, 4, (16, 1, 6, 6)).astype(np.float32))
    labels = torch.nn.functional.interpolate(coarse, 96)[:, 0]
    images = torch.stack([labels / 3, 1 - labels / 3], dim=1)
    changed, ids = BatchAugmenter(replace(STILL, **turns), Normalisation(), torch.Generator().manual_seed(1))(
        images, labels.byte()
    )
    assert not torch.equal(ids, labels.byte())
    assert ids.dtype == torch.uint8
    for channel, expected in ((changed[:, 0], ids / 3), (changed[:, 1], 1 - ids / 3)):
        apart = (channel - expected).abs()  # they may differ where both are interpolated, at edges
        assert apart.median() < 1e-5
        assert apart.mean() < 0.02


def test_grey_values_of_whole_batches_stay_in_range():
    images = torch.rand(8, 2, 32, 32, generator=torch.Generator().manual_seed(0)) * 3 - 1
    labels = torch.zeros(8, 32, 32, dtype=torch.uint8)
    unsteady = replace(STILL, tone=1, noise=1, blur=1, invert=1)
    changed, _ = BatchAugmenter(unsteady, Normalisation(), torch.Generator().manual_seed(1))(images, labels)
    assert changed.shape == images.shape
    assert changed.min() >= -1
    assert changed.max() <= 2
    still, _ = BatchAugmenter(STILL, Normalisation(), torch.Generator().manual_seed(1))(images, labels)
    assert torch.allclose(still, images, atol=1e-6)


def test_dark_becomes_bright():
    image, label = np.linspace(-1, 2, 64, dtype=np.float32).reshape(1, 8, 8), np.zeros((8, 8), np.uint8)
    dark = replace(STILL, invert=1)
    one, _ = Augmenter(dark, Normalisation())(image, label, 0)
    batch = BatchAugmenter(dark, Normalisation(), torch.Generator())
    many, _ = batch(torch.from_numpy(image)[None], torch.from_numpy(label)[None])
    np.testing.assert_allclose(one, 1 - image, atol=1e-5)
    np.testing.assert_allclose(many[0].numpy(), 1 - image, atol=1e-5)


@given(st.integers(5, 90), st.integers(5, 90), st.integers(0, 99))
def test_random_crops_have_one_size(rows, columns, seed):
    image, label = np.ones((2, rows, columns), np.float32), np.ones((rows, columns), np.uint8)
    crop, ids = random_crop(image, label, 32, np.random.default_rng(seed), 0.5)
    assert crop.shape == (2, 32, 32)
    assert ids.shape == (32, 32)
    assert (ids == 1).sum() == min(rows, 32) * min(columns, 32)


def test_a_rare_phase_is_found():
    label = np.zeros((256, 256), np.uint8)
    label[200:208, 40:48] = 2
    rng = np.random.default_rng(0)
    hits = [(random_crop(label[None].astype(np.float32), label, 32, rng, 1.0)[1] == 2).any() for _ in range(60)]
    assert np.mean(hits) > 0.3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 199), st.integers(0, 199), st.integers(1, 4), st.floats(0, 1))
def test_crops_hold_what_little_is_labelled(row, column, factor, bias):
    label = np.full((200, 200), IGNORE, np.uint8)
    label[row, column] = 1
    image, ids = shrunk(np.zeros((1, 200, 200), np.float32), label, factor)
    assert (ids == 1).sum() == 1
    assert (random_crop(image, ids, 32, np.random.default_rng(0), bias)[1] == 1).any()
    assert len(list(grid_crops(image, ids, 32))) == 1


def test_grid_crops_cover_a_frame_once():
    label = np.arange(50 * 70, dtype=np.int64).reshape(50, 70) % 200
    crops = list(grid_crops(label[None].astype(np.float32), label.astype(np.uint8), 32))
    assert len(crops) == 6
    assert sum((ids != IGNORE).sum() for _, ids in crops) == 50 * 70


def test_augmentation_is_seeded_and_keeps_labels_whole(discs):
    augment = Augmenter(Augmentation(), Normalisation())
    rng = np.random.default_rng(0)
    image, label = rng.normal(0.5, 0.3, (2, 32, 32)).astype(np.float32), rng.integers(0, 3, (32, 32)).astype(np.uint8)
    for seed in range(20):
        first, again = augment(image, label, seed), augment(image, label, seed)
        assert np.array_equal(first[0], again[0])
        assert first[0].dtype == np.float32
        assert set(np.unique(first[1])) <= {0, 1, 2}


def test_augmentation_can_be_turned_off():
    image = np.random.default_rng(0).uniform(-1, 2, (2, 16, 16)).astype(np.float32)
    varied, _ = Augmenter(STILL, Normalisation())(image, np.zeros((16, 16), np.uint8), 3)
    assert np.allclose(varied, image, atol=1e-5)
