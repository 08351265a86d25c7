"""Random variations in a pipeline."""

import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose

from medclf.dicom.instance import Kind
from medclf.pixels.transforms.augment import AugmentConfig, augment_batch
from medclf.pixels.transforms.monai.augmentd import Augmentd


@pytest.mark.parametrize("kind", Kind)
def test_augmentation_repeats_with_its_random_state(kind):
    picture = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))
    one, two = (Compose([Augmentd("image", kind=kind)]).set_random_state(seed=5) for _ in range(2))
    first, second = one({"image": picture})["image"], one({"image": picture})["image"]
    assert torch.equal(first, two({"image": picture})["image"])
    assert not torch.equal(first, second)


@pytest.mark.parametrize(("dtype", "white"), [(torch.uint8, 255), (torch.uint16, 65535)])
def test_augmentation_is_the_batch_function_and_keeps_its_type(dtype, white):
    whole = (torch.rand(3, 32, 32) * white).to(dtype)
    config = AugmentConfig(blur=1)
    form = Augmentd("image", kind=Kind.FUNDUS, config=config).set_random_state(seed=2)
    varied = form({"image": whole})["image"]
    unit = augment_batch(
        whole.float().unsqueeze(0) / white,
        Kind.FUNDUS,
        torch.Generator().manual_seed(form.seed),
        config,
    )
    assert varied.dtype == dtype
    assert torch.equal(varied, (unit[0] * white).round().to(dtype))


def test_all_keys_vary_alike_and_metadata_stay():
    picture = torch.rand(1, 32, 32)
    form = Augmentd(["a", "b"], kind=Kind.XRAY).set_random_state(seed=2)
    found = form({"a": picture, "b": MetaTensor(picture, meta={"note": "kept"})})
    assert torch.equal(found["a"], found["b"].as_tensor())
    assert found["b"].meta["note"] == "kept"


def test_chance_of_nought_leaves_everything():
    picture = torch.rand(1, 32, 32)
    form = Augmentd("image", kind=Kind.XRAY, prob=0).set_random_state(seed=2)
    assert torch.equal(form({"image": picture})["image"], picture)
