import pytest

from medclf.model.blocks import parameter_blocks
from medclf.model.fit_config import FitConfig
from medclf.model.network import Architecture, Network
from medclf.model.optimiser import make_optimiser


def facts(backbone, **keys):
    """Return the weight decay and the scale of each parameter by name."""
    network = Network(Architecture(backbone=backbone, channels=3, size=64, classes=2))
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    groups = make_optimiser(network, FitConfig(**keys)).param_groups
    told = [(names[id(p)], g["weight_decay"], g["scale"]) for g in groups for p in g["params"]]
    assert len(told) == len(names)
    return network, {name: (decay, scale) for name, decay, scale in told}


def test_weight_decay_leaves_norms_biases_positions_and_tokens_alone():
    _, told = facts("timm/vit_tiny_patch16_224", weight_decay=0.1)
    free = {name for name, (decay, _) in told.items() if decay == 0}
    assert {"backbone.pos_embed", "backbone.cls_token", "head.bias"} <= free
    assert all("norm" in n or n.endswith(("bias", "pos_embed", "cls_token")) for n in free)
    assert told["backbone.blocks.0.mlp.fc1.weight"][0] == 0.1


def test_each_block_learns_slower_than_the_one_after_it():
    network, told = facts("timm/resnet10t", layer_decay=0.5)
    blocks = parameter_blocks(network)
    for distance, block in enumerate(reversed(blocks)):
        assert [told[name][1] for name in block] == pytest.approx([0.5**distance] * len(block))
    assert told["head.weight"][1] == 1


def test_without_layer_decay_all_learn_alike():
    _, told = facts("medclf/lenet5")
    assert {scale for _, scale in told.values()} == {1.0}
