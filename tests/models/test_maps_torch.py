"""Maps that a network is given: grains, stripes and noise leave different ones, and no change leaves none."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from ionfront.models.maps_torch import Changes, MapSeeingUnet, Textures

SIZE = 128
INNER = slice(6, -6)


def textures_of(image):
    image = (image - image.mean()) / (4 * image.std())
    maps = Textures()(torch.from_numpy(image.astype(np.float32))[None, None])[0]
    assert maps.shape == (Textures.COUNT, SIZE // 4, SIZE // 4)
    return maps[:, INNER, INNER].mean(dim=(1, 2)).numpy()


@pytest.fixture
def noise():
    return np.random.default_rng(0).standard_normal((SIZE, SIZE))


def test_the_band_of_a_texture_is_its_grain_size(noise):
    strongest = [
        int(textures_of(image)[:4].argmax())
        for image in (noise, *(ndimage.gaussian_filter(noise, s) for s in (1.2, 5)))
    ]
    assert strongest == sorted(strongest)
    assert len(set(strongest)) == 3


def test_stripes_have_a_direction_and_grains_none(noise):
    y, x = np.mgrid[:SIZE, :SIZE]
    stripes = [textures_of(np.sin(2 * np.pi * (x * np.cos(a) + y * np.sin(a)) / 8)) for a in (0.0, 0.7, 1.57)]
    grains = textures_of(ndimage.gaussian_filter(noise, 2))
    assert min(stripe[4] for stripe in stripes) > 1.9
    assert grains[4] < 1.2


def test_stripes_under_noise_still_have_one(noise):
    x = np.mgrid[:SIZE, :SIZE][1]
    assert textures_of(np.sin(2 * np.pi * x / 8) + noise)[4] > textures_of(noise)[4] + 0.3


def test_maps_of_changes_are_zero_where_nothing_changed():
    frame, other = torch.rand(2, 1, 1, SIZE, SIZE)
    assert Changes()(torch.cat([frame, frame], dim=1)).abs().max() == 0
    assert (Changes()(torch.cat([frame, other], dim=1)).abs().amax(dim=(0, 2, 3)) > 0.01).all()


def test_a_flat_frame_has_finite_maps_and_gradients():
    frame = torch.zeros(1, 2, 32, 32, requires_grad=True)
    (Textures()(frame[:, :1]).sum() + Changes()(frame).sum()).backward()
    assert torch.isfinite(frame.grad).all()


def test_channels_are_counted():
    assert [MapSeeingUnet.seen(*sight) for sight in ((False, False), (True, False), (False, True), (True, True))] == [
        1,
        1 + Textures.COUNT,
        1 + Changes.COUNT,
        1 + Textures.COUNT + Changes.COUNT,
    ]
