import pytest
import torch

from medclf.errors import ModelMisuse
from medclf.model.backbone import LISTED, build_backbone, count_features

SMALL = ["medclf/lenet5", "medclf/spotnet", "torchvision/squeezenet1_1", "timm/resnet10t"]
HEAVY = [item.name for item in LISTED if item.name not in SMALL]


def check(name: str, size: int, parameters_millions: float) -> None:
    backbone = build_backbone(name, channels=3, size=size).eval()
    features = backbone(torch.zeros(2, 3, size, size))
    assert features.shape == (2, count_features(backbone, channels=3, size=size))
    counted = sum(p.numel() for p in backbone.parameters()) / 1e6
    assert counted == pytest.approx(parameters_millions, abs=0.06)


@pytest.mark.parametrize("item", [i for i in LISTED if i.name in SMALL], ids=lambda i: i.name)
def test_a_small_backbone_gives_one_vector_a_picture(item):
    check(item.name, item.size, item.parameters_millions)


@pytest.mark.slow
@pytest.mark.parametrize("item", [i for i in LISTED if i.name in HEAVY], ids=lambda i: i.name)
def test_a_large_backbone_gives_one_vector_a_picture(item):
    check(item.name, item.size, item.parameters_millions)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("resnet18", 3),
        ("keras/resnet18", 3),
        ("timm/no_such_net", 3),
        ("torchvision/no_such_net", 3),
        ("medclf/lenet6", 3),
        ("torchvision/mobilenet_v2", 1),
    ],
)
def test_an_impossible_backbone_is_refused_with_advice(name, channels):
    with pytest.raises(ModelMisuse) as caught:
        build_backbone(name, channels=channels, size=64)
    assert caught.value.advice


def test_a_size_that_the_backbone_cannot_take_is_refused():
    backbone = build_backbone("torchvision/alexnet", channels=3, size=224)
    with pytest.raises(ModelMisuse, match="32 × 32"):
        count_features(backbone, channels=3, size=32)


def test_lenet_takes_one_channel_and_any_size():
    backbone = build_backbone("medclf/lenet5", channels=1, size=96)
    assert backbone(torch.zeros(1, 1, 96, 96)).shape == (1, 84)
