"""Names of other programs, written out by their own rules on small networks.

The references compute by themselves what the network of that program computes, from its own
names: the features must be those of timm after translation.
"""

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch.nn import functional

from medclf.errors import WeightsRefused
from medclf.model.key_names import translate

WIDTH, DEPTH, HEADS, PATCH, SIDE = 24, 3, 3, 14, 42


def small_vit(**options):
    return VisionTransformer(
        img_size=SIDE,
        patch_size=PATCH,
        embed_dim=WIDTH,
        depth=DEPTH,
        num_heads=HEADS,
        num_classes=0,
        **options,
    ).eval()


def hugging_face_state(generator):
    """Random weights under the names of transformers' Dinov2Model, as RAD-DINO's file has them."""

    def some(*shape):
        return 0.3 * torch.randn(*shape, generator=generator)

    state = {
        "embeddings.cls_token": some(1, 1, WIDTH),
        "embeddings.mask_token": some(1, WIDTH),
        "embeddings.position_embeddings": some(1, 1 + (SIDE // PATCH) ** 2, WIDTH),
        "embeddings.patch_embeddings.projection.weight": some(WIDTH, 3, PATCH, PATCH),
        "embeddings.patch_embeddings.projection.bias": some(WIDTH),
        "layernorm.weight": some(WIDTH),
        "layernorm.bias": some(WIDTH),
    }
    for i in range(DEPTH):
        layer = f"encoder.layer.{i}"
        for norm in ("norm1", "norm2"):
            state |= {f"{layer}.{norm}.weight": some(WIDTH), f"{layer}.{norm}.bias": some(WIDTH)}
        for part in ("query", "key", "value"):
            state[f"{layer}.attention.attention.{part}.weight"] = some(WIDTH, WIDTH)
            state[f"{layer}.attention.attention.{part}.bias"] = some(WIDTH)
        state[f"{layer}.attention.output.dense.weight"] = some(WIDTH, WIDTH)
        state[f"{layer}.attention.output.dense.bias"] = some(WIDTH)
        state[f"{layer}.layer_scale1.lambda1"] = some(WIDTH)
        state[f"{layer}.layer_scale2.lambda1"] = some(WIDTH)
        state[f"{layer}.mlp.fc1.weight"] = some(4 * WIDTH, WIDTH)
        state[f"{layer}.mlp.fc1.bias"] = some(4 * WIDTH)
        state[f"{layer}.mlp.fc2.weight"] = some(WIDTH, 4 * WIDTH)
        state[f"{layer}.mlp.fc2.bias"] = some(WIDTH)
    return state


def hugging_face_features(s, x):
    """Compute Dinov2Model's pooled output: the class token after the last norm."""

    def linear(name, z):
        return functional.linear(z, s[f"{name}.weight"], s[f"{name}.bias"])

    def norm(name, z):
        return functional.layer_norm(z, (WIDTH,), s[f"{name}.weight"], s[f"{name}.bias"], eps=1e-6)

    def heads(z):
        return z.reshape(*z.shape[:2], HEADS, -1).transpose(1, 2)  # (batch, heads, tokens, width)

    stem = "embeddings.patch_embeddings.projection"
    patches = functional.conv2d(x, s[f"{stem}.weight"], s[f"{stem}.bias"], stride=PATCH)
    z = torch.cat([s["embeddings.cls_token"].expand(len(x), -1, -1), patches.flatten(2).mT], dim=1)
    z = z + s["embeddings.position_embeddings"]
    for i in range(DEPTH):
        layer = f"encoder.layer.{i}"
        y = norm(f"{layer}.norm1", z)
        q, k, v = (
            heads(linear(f"{layer}.attention.attention.{part}", y))
            for part in ("query", "key", "value")
        )
        weights = (q @ k.mT / (WIDTH / HEADS) ** 0.5).softmax(dim=-1)
        attended = (weights @ v).transpose(1, 2).flatten(2)
        y = linear(f"{layer}.attention.output.dense", attended)
        z = z + s[f"{layer}.layer_scale1.lambda1"] * y
        y = functional.gelu(linear(f"{layer}.mlp.fc1", norm(f"{layer}.norm2", z)))
        z = z + s[f"{layer}.layer_scale2.lambda1"] * linear(f"{layer}.mlp.fc2", y)
    return norm("layernorm", z)[:, 0]


def test_hugging_faces_dinov2_gives_the_features_that_it_gave_there():
    generator = torch.Generator().manual_seed(1)
    state = hugging_face_state(generator)
    network = small_vit(init_values=1e-5)
    own = network.state_dict()
    named = translate(state, own)
    assert set(own) <= set(named)
    assert set(named) - set(own) == {"mask_token"}
    network.load_state_dict({key: named[key] for key in own})
    picture = torch.randn(2, 3, SIDE, SIDE, generator=generator)
    with torch.no_grad():
        ours, theirs = network(picture), hugging_face_features(state, picture)
    assert ours.std() > 0.1
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_hugging_face_names_are_known_behind_a_prefix():
    state = hugging_face_state(torch.Generator().manual_seed(1))
    own = small_vit(init_values=1e-5).state_dict()
    named = translate({f"module.{key}": value for key, value in state.items()}, own)
    assert set(own) <= set(named)


def test_a_masked_autoencoder_gives_the_features_that_its_own_code_gives():
    """The norm after the mean starts as ones and zeros there (models_vit.py, global_pool)."""
    generator = torch.Generator().manual_seed(2)
    encoder = small_vit()  # the encoder of an MAE has timm's names
    state = {
        k: 0.3 * torch.randn(v.shape, generator=generator) for k, v in encoder.state_dict().items()
    }
    state |= {
        "mask_token": torch.zeros(1, 1, 8),
        "decoder_embed.weight": torch.zeros(8, WIDTH),
        "decoder_blocks.0.norm1.weight": torch.ones(8),
        "decoder_pred.bias": torch.zeros(3 * PATCH**2),
    }
    network = small_vit(global_pool="avg")
    own = network.state_dict()
    named = translate(state, own)
    network.load_state_dict({key: named[key] for key in own})
    encoder.load_state_dict({key: state[key] for key in encoder.state_dict()})
    picture = torch.randn(2, 3, SIDE, SIDE, generator=generator)
    with torch.no_grad():
        encoder.norm = torch.nn.Identity()
        tokens = encoder.forward_features(picture)  # (batch, 1 + patches, width)
        theirs = functional.layer_norm(tokens[:, 1:].mean(dim=1), (WIDTH,), eps=1e-6)
        ours = network(picture)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert {key.partition(".")[0] for key in set(named) - set(own)} == {
        "mask_token",
        "decoder_embed",
        "decoder_blocks",
        "decoder_pred",
    }


@pytest.mark.parametrize(
    "prefix",
    ["module.", "backbone.", "encoder.", "model.", "module.backbone.", "model.module.encoder."],
)
def test_prefixes_of_wrappers_go_in_any_order(prefix):
    own = {"conv.weight": torch.zeros(1)}
    assert translate({prefix + "conv.weight": torch.ones(1)}, own).keys() == own.keys()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("features.denselayer1.norm.1.weight", "features.denselayer1.norm1.weight"),
        ("features.denselayer12.conv.2.weight", "features.denselayer12.conv2.weight"),
        ("blocks.2.7.attn.qkv.weight", "blocks.7.attn.qkv.weight"),
        ("blocks.3.gamma_1", "blocks.3.ls1.gamma"),
    ],
)
def test_older_and_chunked_names_become_ours(theirs, ours):
    own = {ours: torch.zeros(1), "other": torch.zeros(1)}
    named = translate({theirs: torch.ones(1), "other": torch.ones(1)}, own)
    assert set(named) == set(own)


def test_two_tensors_of_one_name_are_refused():
    own = {"conv.weight": torch.zeros(1)}
    twice = {"module.conv.weight": torch.zeros(1), "model.conv.weight": torch.ones(1)}
    with pytest.raises(WeightsRefused, match=r"both be conv\.weight"):
        translate(twice, own)
