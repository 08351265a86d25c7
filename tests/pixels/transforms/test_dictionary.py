"""The MONAI forms do what the plain functions do."""

import numpy as np
import pytest
import torch
from monai.transforms.compose import Compose

from medclf.dicom.instance import Kind
from medclf.pixels.picture import Picture
from medclf.pixels.transforms.augment import augment_batch
from medclf.pixels.transforms.dictionary import (
    FundusDiscCropd,
    Normalised,
    StainNormalised,
    Xrayd,
    augmentation,
)
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry, normalise
from medclf.pixels.transforms.stain import Stain, normalise_stain

RNG = np.random.default_rng(10)


@pytest.mark.parametrize(
    ("kind", "transform"),
    [(Kind.XRAY, Xrayd), (Kind.FUNDUS, FundusDiscCropd)],
)
def test_pipeline_equals_geometry_and_normalise(kind, transform):
    config = Preprocessing(kind=kind, size=64)
    picture = Picture(RNG.integers(0, 256, (90, 120, 3), dtype=np.uint8), "test")
    pipeline = Compose([transform("image", size=64), Normalised("image", config=config)])
    found = pipeline({"image": picture, "label": 1})
    wanted = normalise(geometry(config)(picture)[np.newaxis], config)[0]
    assert torch.equal(found["image"], wanted)
    assert found["label"] == 1


def test_stain_transform_equals_the_function():
    field = RNG.integers(40, 220, (32, 32, 3), dtype=np.uint8)
    found = StainNormalised("image", method=Stain.MACENKO)({"image": field})["image"]
    assert np.array_equal(found, normalise_stain(field, Stain.MACENKO))


def test_missing_keys_are_refused_unless_allowed():
    with pytest.raises(KeyError):
        Xrayd("image", size=64)({"other": 1})
    assert Xrayd("image", size=64, allow_missing_keys=True)({"other": 1}) == {"other": 1}


@pytest.mark.parametrize("kind", Kind)
def test_augmentation_repeats_with_its_random_state(kind):
    picture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))
    one, two = (augmentation(kind).set_random_state(seed=5) for _ in range(2))
    first, second = one({"image": picture})["image"], one({"image": picture})["image"]
    assert torch.equal(first, two({"image": picture})["image"])
    assert not torch.equal(first, second)


def test_augmentation_is_the_batch_function_and_keeps_eight_bits():
    eight = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)
    pipeline = augmentation(Kind.FUNDUS).set_random_state(seed=2)
    varied = pipeline({"image": eight})["image"]
    seed = pipeline.transforms[0].seed
    unit = augment_batch(
        eight.float().unsqueeze(0) / 255, Kind.FUNDUS, torch.Generator().manual_seed(seed)
    )
    assert varied.dtype == torch.uint8
    assert torch.equal(varied, (unit[0] * 255).round().to(torch.uint8))
