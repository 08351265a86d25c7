"""Builds network bodies from timm, for any size and number of channels."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import nn

from medclf.errors import ModelMisuse

Fit = Callable[[dict[str, torch.Tensor], nn.Module], dict[str, torch.Tensor]]
"""Renames and resizes the tensors of a weights file for one network."""

_FILTERS = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")


def build_timm(
    name: str, channels: int, size: int, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build a timm architecture without its classifier.

    Networks with position embeddings or windows are built for the size; a size that is no
    multiple of the patch would lose the edge of every picture and is refused.

    Raises:
        ModelMisuse: timm does not have it, or it cannot take this size.
    """
    import timm

    if not timm.is_model(name):
        raise unknown(name, "timm")
    told = timm.get_pretrained_cfg(name)
    wanted: dict[str, Any] = dict(options or {})
    if told is not None and told.fixed_input_size:
        wanted["img_size"] = size
    try:
        backbone: nn.Module = timm.create_model(
            name, pretrained=False, num_classes=0, in_chans=channels, **wanted
        )
    except (AssertionError, RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelMisuse(
            f"timm/{name} cannot be built for pictures of {size} × {size} px "
            f"with {channels} channels ({type(error).__name__}).",
            advice="Choose the size that its weights were made for; `medclf models` lists sizes.",
            size=size,
        ) from error
    _refuse_lost_edge(backbone, name, size)
    return backbone


def filter_of(backbone: nn.Module) -> Fit | None:
    """Return timm's own fitting of weights files to a network of its, where it has one.

    It resizes position embeddings (bicubic), patch kernels and Swin's tables of relative
    position bias, and renames what the papers' own files call otherwise.
    """
    module = sys.modules.get(type(backbone).__module__)
    if module is None or not module.__name__.startswith("timm."):
        return None
    for name in _FILTERS:
        found = getattr(module, name, None)
        if callable(found):
            if name == "checkpoint_filter_fn":
                return cast(Fit, found)
            return lambda state, _: found(state)
    return None


def unknown(name: str, provider: str) -> ModelMisuse:
    """Return the error that says that a provider does not have an architecture."""
    return ModelMisuse(
        f"{provider} has no architecture {name!r}.",
        advice="List the names with `medclf models`.",
        backbone=f"{provider}/{name}",
    )


def _refuse_lost_edge(backbone: nn.Module, name: str, size: int) -> None:
    patch = getattr(getattr(backbone, "patch_embed", None), "patch_size", None)
    side = patch[0] if isinstance(patch, tuple) else patch
    if not isinstance(side, int) or size % side == 0:
        return
    below, above = size // side * side, -(-size // side) * side
    raise ModelMisuse(
        f"{name} cuts pictures into patches of {side} × {side} px; {size} px is no multiple, "
        "and the edge would be lost.",
        advice=f"Set `size: {above}`" + (f" or `size: {below}`." if below >= 32 else "."),
        size=size,
        patch=side,
    )
