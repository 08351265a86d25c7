"""AdamW with a learning rate for each block, and weight decay only where it belongs."""

import re
from typing import Any

import torch
from torch import nn

from medclf.model.blocks import parameter_blocks
from medclf.model.fit_config import FitConfig, Precision
from medclf.model.network import Network

_FREE = re.compile(r"(^|_)(pos|position|token|tokens|cls|relative_position)(_|$)")


def make_optimiser(network: Network, config: FitConfig) -> torch.optim.AdamW:
    """Return AdamW over all parameters.

    Each group bears `scale`, the factor of its learning rate: 1 for the head and `layer_decay`
    times as much for each block before it (Clark et al., ELECTRA, ICLR 2020). Weight decay is
    for matrices and kernels; norms, biases, position embeddings and tokens are left free.
    """
    parameters = dict(network.named_parameters())
    free = _free_by_name(network.backbone)
    groups: list[dict[str, Any]] = []
    blocks = parameter_blocks(network)
    for distance, block in enumerate(reversed(blocks)):
        scale = config.layer_decay**distance
        decaying = [n for n in block if parameters[n].ndim > 1 and not _is_free(n, free)]
        others = [name for name in block if name not in set(decaying)]
        for names, decay in ((decaying, config.weight_decay), (others, 0.0)):
            if names:
                members = [parameters[name] for name in names]
                groups.append({"params": members, "weight_decay": decay, "scale": scale})
    # One pass over the weights instead of ten. Not where float16 is scaled: the fused step undoes
    # the scale by itself, too late for gradients to be clipped.
    fused = config.precision is not Precision.FLOAT16
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=fused)


def _free_by_name(backbone: nn.Module) -> set[str]:
    """Return what the backbone itself wants free of weight decay (timm's convention)."""
    told = getattr(backbone, "no_weight_decay", None)
    return {f"backbone.{name}" for name in told()} if callable(told) else set()


def _is_free(name: str, free: set[str]) -> bool:
    return name in free or _FREE.search(name.rpartition(".")[2]) is not None
