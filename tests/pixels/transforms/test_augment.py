"""Random variations."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medclf.dicom.instance import Kind
from medclf.errors import PixelsMisuse
from medclf.pixels.transforms import augment
from medclf.pixels.transforms.augment import RANGES, augment_batch


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _pictures(count: int = 8, channels: int = 3) -> torch.Tensor:
    return torch.rand((count, channels, 40, 40), generator=_generator(99))


@pytest.mark.parametrize("kind", Kind)
def test_one_seed_gives_one_result(kind):
    batch = _pictures()
    one = augment_batch(batch, kind, _generator(3))
    assert torch.equal(one, augment_batch(batch, kind, _generator(3)))
    assert not torch.equal(one, augment_batch(batch, kind, _generator(4)))
    assert one.shape == batch.shape
    assert one.dtype == batch.dtype
    assert float(one.min()) >= 0
    assert float(one.max()) <= 1


@pytest.mark.parametrize("kind", Kind)
def test_batch_is_left_alone_and_seeds_nothing_global(kind):
    batch = _pictures()
    before, state = batch.clone(), torch.get_rng_state()
    augment_batch(batch, kind, _generator())
    assert torch.equal(batch, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_radiographs_are_never_mirrored():
    half = torch.zeros((64, 1, 40, 40))
    half[..., :20] = 1
    varied = augment_batch(half, Kind.XRAY, _generator())
    assert (varied[..., :14].mean(dim=(1, 2, 3)) > varied[..., 26:].mean(dim=(1, 2, 3))).all()


def test_retinas_are_mirrored_about_half_the_time():
    still = replace(RANGES[Kind.FUNDUS], rotation_deg=0, zoom=1, shift=0, gain=0, colour=0)
    half = torch.zeros((400, 1, 16, 16))
    half[..., :8] = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(augment.RANGES, Kind.FUNDUS, still)
        varied = augment_batch(half, Kind.FUNDUS, _generator())
    left = varied[..., :8].mean(dim=(1, 2, 3))
    assert set(left.round().tolist()) == {0.0, 1.0}
    assert 0.4 < float(left.mean()) < 0.6


def test_right_angles_and_flips_are_exact():
    still = replace(RANGES[Kind.PATHOLOGY], zoom=1, gain=0, colour=0)
    picture = _pictures(1, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(augment.RANGES, Kind.PATHOLOGY, still)
        varied = augment_batch(picture.expand(64, -1, -1, -1), Kind.PATHOLOGY, _generator())
    twins = [torch.rot90(p, k, (2, 3)) for p in (picture, picture.flip(3)) for k in range(4)]
    nearest = [
        int(np.argmin([float((one - twin[0]).abs().max()) for twin in twins])) for one in varied
    ]
    assert set(nearest) == set(range(8))
    assert all(
        torch.allclose(one, twins[at][0], atol=1e-4)
        for one, at in zip(varied, nearest, strict=True)
    )


def test_black_ground_of_a_retina_stays_black():
    assert (augment_batch(torch.zeros(8, 3, 20, 20), Kind.FUNDUS, _generator()) == 0).all()


def test_glass_stays_white():
    varied = augment_batch(torch.ones(8, 3, 20, 20), Kind.PATHOLOGY, _generator())
    assert torch.allclose(varied, torch.ones_like(varied), atol=1e-5)


def test_grey_in_three_channels_stays_grey():
    grey = _pictures(8, 1).expand(-1, 3, -1, -1)
    varied = augment_batch(grey, Kind.XRAY, _generator())
    assert torch.allclose(varied[:, :1].expand_as(varied), varied, atol=1e-6)


def test_oblong_pictures_are_not_sheared():
    disc = torch.zeros((32, 1, 40, 80))
    rows, columns = torch.meshgrid(torch.arange(40), torch.arange(80), indexing="ij")
    disc[:, 0][:, ((rows - 19.5) ** 2 + (columns - 39.5) ** 2) < 100] = 1
    still = replace(RANGES[Kind.FUNDUS], zoom=1, shift=0, gain=0, colour=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(augment.RANGES, Kind.FUNDUS, still)
        varied = augment_batch(disc, Kind.FUNDUS, _generator())
    assert float((varied - disc).abs().mean()) < 0.01


def test_other_batches_are_refused():
    with pytest.raises(PixelsMisuse):
        augment_batch(torch.zeros(3, 20, 20), Kind.XRAY, _generator())
    with pytest.raises(PixelsMisuse):
        augment_batch(torch.zeros(1, 3, 20, 20, dtype=torch.uint8), Kind.XRAY, _generator())
