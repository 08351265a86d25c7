import pytest
import torch

from medclf.errors import ModelMisuse
from medclf.model.backbone import build_backbone, count_features
from medclf.model.listed import LISTED
from medclf.model.network import Architecture, Network

SMALL = ["medclf/lenet5", "medclf/spotnet", "torchvision/squeezenet1_1", "timm/resnet10t"]
HEAVY = [item for item in LISTED if item.name not in SMALL and item.provider != "foundation"]


def check(item) -> None:
    backbone = build_backbone(item.name, channels=3, size=item.size).eval()
    features = backbone(torch.zeros(2, 3, item.size, item.size))
    assert features.shape == (2, count_features(backbone, channels=3, size=item.size))


@pytest.mark.parametrize("item", [i for i in LISTED if i.name in SMALL], ids=lambda i: i.name)
def test_a_small_backbone_gives_one_vector_a_picture(item):
    check(item)


@pytest.mark.slow
@pytest.mark.parametrize("item", HEAVY, ids=lambda i: i.name)
def test_a_large_backbone_gives_one_vector_a_picture(item):
    check(item)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize(
    "name",
    [
        "medclf/spotnet",
        "torchvision/squeezenet1_1",
        "torchvision/mobilenet_v2",
        "torchvision/googlenet",
        "timm/resnet10t",
        "timm/vit_tiny_patch16_224",
    ],
)
def test_every_provider_takes_any_number_of_channels(name, channels):
    backbone = build_backbone(name, channels=channels, size=64).eval()
    assert count_features(backbone, channels=channels, size=64) > 0


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("item", HEAVY, ids=lambda i: i.name)
def test_every_listed_backbone_takes_any_number_of_channels(item, channels):
    backbone = build_backbone(item.name, channels=channels, size=item.size).eval()
    assert count_features(backbone, channels=channels, size=item.size) > 0


def test_a_grey_picture_gives_torchvision_what_it_gave_when_repeated():
    torch.manual_seed(0)
    colour = build_backbone("torchvision/squeezenet1_1", channels=3, size=64).eval()
    torch.manual_seed(0)
    grey = build_backbone("torchvision/squeezenet1_1", channels=1, size=64).eval()
    picture = torch.rand(2, 1, 64, 64)
    assert torch.allclose(grey(picture), colour(picture.expand(-1, 3, -1, -1)), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("timm/vit_tiny_patch16_224", 96),
        ("timm/vit_tiny_patch16_224", 256),
        ("timm/swin_tiny_patch4_window7_224", 64),
        ("timm/swin_tiny_patch4_window7_224", 100),
        ("torchvision/googlenet", 96),
        ("medclf/lenet5", 100),
    ],
)
def test_sizes_other_than_that_of_the_weights_are_taken(name, size):
    backbone = build_backbone(name, channels=3, size=size).eval()
    assert backbone(torch.zeros(1, 3, size, size)).shape[0] == 1


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("resnet18", 3),
        ("keras/resnet18", 3),
        ("timm/no_such_net", 3),
        ("torchvision/no_such_net", 3),
        ("medclf/lenet6", 3),
        ("foundation/no_such_net", 3),
    ],
)
def test_an_impossible_backbone_is_refused_with_advice(name, channels):
    with pytest.raises(ModelMisuse) as caught:
        build_backbone(name, channels=channels, size=64)
    assert caught.value.advice


def test_a_size_that_the_backbone_cannot_take_is_refused_with_one_that_it_can():
    wanted = Architecture(backbone="torchvision/alexnet", channels=3, size=32, classes=2)
    with pytest.raises(ModelMisuse, match="32 × 32") as caught:
        Network(wanted)
    assert "size: 224" in caught.value.advice


@pytest.mark.parametrize(
    ("name", "size", "advised"),
    [
        ("timm/vit_tiny_patch16_224", 100, "`size: 112` or `size: 96`"),
        ("timm/vit_tiny_patch16_224", 40, "`size: 48` or `size: 32`"),
        ("timm/swin_tiny_patch4_window7_224", 90, "`size: 92` or `size: 88`"),
    ],
)
def test_a_size_whose_edge_would_be_lost_is_refused(name, size, advised):
    with pytest.raises(ModelMisuse, match="edge would be lost") as caught:
        build_backbone(name, channels=3, size=size)
    assert advised in caught.value.advice


def test_counting_features_leaves_the_mode_as_it_was():
    backbone = build_backbone("medclf/lenet5", channels=1, size=32).train()
    with pytest.raises(ModelMisuse):
        count_features(backbone, channels=2, size=32)
    assert backbone.training


def test_lenet_takes_one_channel_and_any_size():
    backbone = build_backbone("medclf/lenet5", channels=1, size=96)
    assert backbone(torch.zeros(1, 1, 96, 96)).shape == (1, 84)
