import pytest

from medclf.model.blocks import parameter_blocks
from medclf.model.network import Architecture, Network

BACKBONES = ["medclf/lenet5", "medclf/spotnet", "timm/resnet10t", "timm/convnext_atto"]


def network(backbone, **keys):
    return Network(Architecture(backbone=backbone, channels=3, size=64, classes=2), **keys)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_parameter_is_in_exactly_one_block(backbone):
    built = network(backbone)
    names = [name for block in parameter_blocks(built) for name in block]
    assert sorted(names) == sorted(name for name, _ in built.named_parameters())
    assert all(parameter_blocks(built))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_head_is_the_last_block(backbone):
    assert set(parameter_blocks(network(backbone))[-1]) == {"head.weight", "head.bias"}


def test_blocks_follow_each_other_from_the_input_on():
    blocks = parameter_blocks(network("timm/resnet10t"))
    assert blocks[0][0].startswith("backbone.conv1")
    assert [block[0].split(".")[1] for block in blocks[1:5]] == [f"layer{n}" for n in range(1, 5)]
    blocks = parameter_blocks(network("medclf/spotnet"))
    assert [block[0].split(".")[2] for block in blocks[:3]] == ["0", "1", "3"]
