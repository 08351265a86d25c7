"""Every line of the list is held against the network itself and its publishers' own word."""

import pytest
import timm
import torch
import torchvision

from medclf.model.backbone import build_backbone
from medclf.model.listed import LISTED, find_listed

ASKED_FOR = {
    "medclf/lenet5",
    "torchvision/alexnet",
    "torchvision/vgg16",
    "torchvision/googlenet",
    "timm/resnet18",
    "timm/resnet50",
    "timm/resnet152",
    "timm/densenet121",
    "torchvision/mobilenet_v2",
    "timm/mobilenetv3_large_100",
    "torchvision/squeezenet1_1",
    "timm/efficientnet_b0",
    "timm/efficientnet_b4",
    "timm/convnext_tiny",
    "timm/vit_small_patch16_224",
    "timm/vit_base_patch16_224",
    "timm/swin_tiny_patch4_window7_224",
    "foundation/retfound",
    "foundation/uni",
    "foundation/rad_dino",
}
OF_TIMM = [item for item in LISTED if item.provider == "timm"]
OF_TORCHVISION = [item for item in LISTED if item.provider == "torchvision"]


def test_every_backbone_that_was_promised_is_listed_once():
    names = [item.name for item in LISTED]
    assert set(names) >= ASKED_FOR
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("item", LISTED, ids=lambda item: item.name)
def test_the_number_of_parameters_is_that_of_the_network(item):
    with torch.device("meta"):  # shapes alone: nothing is computed or kept
        network = build_backbone(item.name, channels=3, size=item.size)
    counted = sum(p.numel() for p in network.parameters()) / 1e6
    assert counted == pytest.approx(item.parameters_millions, abs=0.006)


@pytest.mark.parametrize("item", OF_TIMM, ids=lambda item: item.name)
def test_size_licence_repository_and_normalisation_are_those_that_timm_tells(item):
    told = timm.get_pretrained_cfg(item.name.removeprefix("timm/"))
    assert told.hf_hub_id == item.source
    assert told.license == item.licence.lower()
    assert told.input_size == (3, item.size, item.size)
    assert (tuple(told.mean), tuple(told.std)) == (item.mean, item.std)


@pytest.mark.parametrize("item", OF_TORCHVISION, ids=lambda item: item.name)
def test_size_and_file_are_those_that_torchvision_tells(item):
    told = torchvision.models.get_model_weights(item.name.removeprefix("torchvision/")).DEFAULT
    assert told.url == f"https://{item.source}"
    assert told.transforms().crop_size == [item.size]


def test_googlenet_expects_values_from_minus_one_to_one():
    """torchvision's own transform turns ImageNet's normalisation into that one; ours has none."""
    item = find_listed("torchvision/googlenet")
    network = torchvision.models.googlenet(
        weights=None, transform_input=True, aux_logits=False, init_weights=False
    )
    told = torchvision.models.GoogLeNet_Weights.DEFAULT.transforms()
    picture = torch.rand(1, 3, 8, 8)

    def normalised(mean, std):
        return (picture - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]

    theirs = network._transform_input(normalised(told.mean, told.std))
    assert torch.allclose(theirs, normalised(item.mean, item.std), atol=1e-6)


def test_a_name_that_is_not_listed_is_not_found():
    assert find_listed("timm/resnet34") is None
