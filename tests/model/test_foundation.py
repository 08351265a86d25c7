"""Files of foundation models, made up under the names that their publishers use.

On the `meta` device a tensor has a shape and no values: a network of 300 million parameters
costs nothing there. What the values become is tested on small networks in test_key_names.py.
"""

import argparse

import pytest
import timm
import torch

from medclf.errors import WeightsRefused
from medclf.model.backbone import build_backbone
from medclf.model.foundation import FOUNDATION
from medclf.model.key_names import translate
from medclf.model.timm_body import filter_of
from medclf.model.weights import load_weights


def on_meta(name, size):
    with torch.device("meta"):
        return build_backbone(f"foundation/{name}", channels=3, size=size)


def shapes(state):
    return {key: tuple(value.shape) for key, value in state.items()}


def with_decoder(state):
    """Add what an MAE checkpoint holds beside the encoder (models_mae.py of RETFound)."""
    decoder = {"mask_token": (1, 1, 512), "decoder_pos_embed": (1, 197, 512)}
    decoder |= {"decoder_embed.weight": (512, 1024), "decoder_embed.bias": (512,)}
    decoder |= {f"decoder_blocks.{i}.norm1.weight": (512,) for i in range(8)}
    return state | {key: torch.zeros(shape) for key, shape in decoder.items()}


def retfound():
    with torch.device("meta"):
        encoder = timm.create_model("vit_large_patch16_224", num_classes=0)
    return with_decoder(encoder.state_dict())


def uni():
    with torch.device("meta"):
        return timm.create_model(
            "vit_large_patch16_224",
            img_size=224,
            patch_size=16,
            init_values=1e-5,
            num_classes=0,
            dynamic_img_size=True,
        ).state_dict()


def rad_dino():
    width, state = 768, {}
    names = {
        "embeddings.cls_token": (1, 1, width),
        "embeddings.mask_token": (1, width),
        "embeddings.position_embeddings": (1, 1370, width),
        "embeddings.patch_embeddings.projection.weight": (width, 3, 14, 14),
        "embeddings.patch_embeddings.projection.bias": (width,),
        "layernorm.weight": (width,),
        "layernorm.bias": (width,),
    }
    inside = {
        **{
            f"{norm}.{kind}": (width,) for norm in ("norm1", "norm2") for kind in ("weight", "bias")
        },
        **{f"attention.attention.{p}.weight": (width, width) for p in ("query", "key", "value")},
        **{f"attention.attention.{p}.bias": (width,) for p in ("query", "key", "value")},
        "attention.output.dense.weight": (width, width),
        "attention.output.dense.bias": (width,),
        "layer_scale1.lambda1": (width,),
        "layer_scale2.lambda1": (width,),
        "mlp.fc1.weight": (4 * width, width),
        "mlp.fc1.bias": (4 * width,),
        "mlp.fc2.weight": (width, 4 * width),
        "mlp.fc2.bias": (width,),
    }
    for i in range(12):
        names |= {f"encoder.layer.{i}.{key}": shape for key, shape in inside.items()}
    for key, shape in names.items():
        state[key] = torch.empty(shape, device="meta")
    return state


@pytest.mark.parametrize(
    ("name", "file", "size"),
    [("retfound", retfound, 224), ("uni", uni, 224), ("rad_dino", rad_dino, 518)],
)
def test_every_tensor_of_the_network_is_in_the_publishers_file(name, file, size):
    network = on_meta(name, size)
    own = shapes(network.state_dict())
    resize = filter_of(network)
    given = shapes(resize(translate(file(), own), network))
    assert {key: given.get(key) for key in own} == own
    left = {key.partition(".")[0] for key in given.keys() - own.keys()}
    assert left <= {"decoder_pos_embed", "decoder_embed", "decoder_blocks"}


@pytest.mark.parametrize("name", FOUNDATION)
def test_other_sizes_are_built(name):
    network = on_meta(name, 112)
    assert network.patch_embed.img_size == (112, 112)


@pytest.mark.slow
def test_a_whole_file_of_rad_dino_is_loaded_for_a_smaller_size(tmp_path):
    generator = torch.Generator().manual_seed(0)
    state = {
        key: 0.02 * torch.randn(value.shape, generator=generator)
        for key, value in rad_dino().items()
    }
    torch.save({"state_dict": state, "args": argparse.Namespace()}, tmp_path / "rad_dino.pth")
    network = build_backbone("foundation/rad_dino", channels=3, size=56).eval()
    report = load_weights(network, "foundation/rad_dino", str(tmp_path / "rad_dino.pth"))
    assert report.missing == ()
    assert report.adapted == ("pos_embed 1 × 1370 × 768 → 1 × 17 × 768",)
    assert report.licence == "MSRLA or MIT, by revision"
    assert network(torch.zeros(1, 3, 56, 56)).shape == (1, 768)


@pytest.mark.slow
def test_a_file_of_another_model_is_refused(tmp_path):
    other = build_backbone("timm/vit_tiny_patch16_224", channels=3, size=224)
    torch.save(other.state_dict(), tmp_path / "w.pth")
    network = build_backbone("foundation/rad_dino", channels=3, size=56)
    with pytest.raises(WeightsRefused, match=r"0\.\d %"):
        load_weights(network, "foundation/rad_dino", str(tmp_path / "w.pth"))
