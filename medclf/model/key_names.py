"""Translates the names of tensors between the programs that write weights files and ours.

Every translation is by name alone and changes no value, but for two: the separate query, key
and value matrices of Hugging Face become timm's one, and a masked autoencoder that is read by
the mean of its patches gets the final norm that its authors' own code begins with.
"""

import re
from collections.abc import Collection

import torch

from medclf.errors import WeightsRefused

State = dict[str, torch.Tensor]

_PREFIXES = ("module.", "backbone.", "encoder.", "model.", "teacher.")

_TORCHVISION_DENSE = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")  # its files of 2017
_CHUNKED = re.compile(r"^blocks\.\d+\.(\d+)\.")  # DINOv2 trained in chunks of blocks
_LAYER_SCALE = re.compile(r"\.gamma_([12])$")  # DeiT III

_HUGGING_FACE = (
    (re.compile(r"^embeddings\.patch_embeddings\.projection\."), "patch_embed.proj."),
    (re.compile(r"^embeddings\.cls_token$"), "cls_token"),
    (re.compile(r"^embeddings\.mask_token$"), "mask_token"),
    (re.compile(r"^embeddings\.register_tokens$"), "register_tokens"),
    (re.compile(r"^embeddings\.position_embeddings$"), "pos_embed"),
    (re.compile(r"^encoder\.layer\.(\d+)\.attention\.output\.dense\."), r"blocks.\1.attn.proj."),
    (re.compile(r"^encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1$"), r"blocks.\1.ls\2.gamma"),
    (re.compile(r"^encoder\.layer\.(\d+)\."), r"blocks.\1."),
    (re.compile(r"^layernorm\."), "norm."),
)
_ATTENTION = re.compile(r"^(blocks\.\d+\.attn)\.(query|key|value)\.(weight|bias)$")


def translate(state: State, own: Collection[str]) -> State:
    """Return the tensors of a file under the names that a backbone uses, as far as known.

    Prefixes such as `module.` go; Hugging Face's DINOv2 names (as of RAD-DINO) become timm's
    with query, key and value fused; torchvision's old DenseNet names become its new ones. The
    tensors of a decoder or classifier keep their names and are told as unexpected.

    Args:
        state: as read from the file.
        own: names of the backbone's tensors.

    Raises:
        WeightsRefused: two tensors of the file would get one name.
    """
    if not set(state) & set(own) and not _is_hugging_face(state):
        state = _without_prefixes(state)
    if _is_hugging_face(state):
        state = _from_hugging_face(state)
    renamed = _renamed(state, {key: _small_changes(key, own) for key in state})
    if "decoder_embed.weight" in renamed and "fc_norm.weight" in own:
        renamed = _with_first_norm(renamed)
    return renamed


def _is_hugging_face(state: State) -> bool:
    return "embeddings.patch_embeddings.projection.weight" in state


def _without_prefixes(state: State) -> State:
    names = {}
    for key in state:
        bare, before = key, ""
        while bare != before and not bare.startswith("encoder.layer."):
            before = bare
            for prefix in _PREFIXES:
                if not bare.startswith("encoder.layer."):
                    bare = bare.removeprefix(prefix)
        names[key] = bare
    return _renamed(state, names)


def _small_changes(key: str, own: Collection[str]) -> str:
    key = _TORCHVISION_DENSE.sub(r"\1\2", key)
    if key not in own:
        key = _CHUNKED.sub(r"blocks.\1.", key)
        scaled = _LAYER_SCALE.sub(r".ls\1.gamma", key)
        key = scaled if scaled in own else key
    return key


def _renamed(state: State, names: dict[str, str]) -> State:
    renamed: State = {}
    for key, value in state.items():
        name = names[key]
        if name in renamed:
            raise WeightsRefused(
                f"The file holds two tensors that would both be {name}.",
                advice="Save the one network that is wanted (teacher or student) by itself.",
                name=name,
            )
        renamed[name] = value
    return renamed


def _from_hugging_face(state: State) -> State:
    names = {}
    for key in state:
        name = key
        for pattern, new in _HUGGING_FACE:
            name = pattern.sub(new, name)
        # attention.attention.query stands beside attention.output.dense
        names[key] = name.replace(".attention.attention.", ".attn.")
    renamed = _renamed(state, names)
    fused: State = {}
    for key, value in renamed.items():
        found = _ATTENTION.match(key)
        if found is None:
            fused[key] = value
            continue
        stem, part, kind = found.groups()
        if part == "query":
            parts = [renamed.get(f"{stem}.{p}.{kind}") for p in ("query", "key", "value")]
            whole = [tensor for tensor in parts if tensor is not None]
            if len(whole) == len(parts):
                fused[f"{stem}.qkv.{kind}"] = torch.cat(whole)  # (3 · width[, width])
    return fused


def _with_first_norm(state: State) -> State:
    """Start the norm after the mean as ones and zeros, as fine-tuning in the MAE code does."""
    width = state["decoder_embed.weight"].shape[1]
    given = {key: value for key, value in state.items() if key not in {"norm.weight", "norm.bias"}}
    return {"fc_norm.weight": torch.ones(width), "fc_norm.bias": torch.zeros(width), **given}
