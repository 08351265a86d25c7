"""Which parameters make up which block of a network, from its first layer to its head.

Layer-wise learning rates and gradual unfreezing both need the order.
"""

from torch import nn

from medclf.model.network import Network


def parameter_blocks(network: Network) -> list[list[str]]:
    """Return the names of all parameters block by block, input first; the head is the last one.

    A timm backbone tells its own blocks (`group_matcher`). Elsewhere each child of the backbone
    is one, and a sequence counts by its own children.
    """
    backbone = network.backbone
    depth = _timm_depths(backbone) if hasattr(backbone, "group_matcher") else _depths(backbone)
    blocks: dict[int, list[str]] = {}
    for name, _ in backbone.named_parameters():
        blocks.setdefault(depth[name], []).append(f"backbone.{name}")
    named = {name for block in blocks.values() for name in block}
    head = [name for name, _ in network.named_parameters() if name not in named]
    return [*(blocks[key] for key in sorted(blocks)), head]


def _timm_depths(backbone: nn.Module) -> dict[str, int]:
    from timm.models import group_parameters

    matcher = backbone.group_matcher(coarse=False)  # type: ignore[operator]
    depths: dict[str, int] = group_parameters(backbone, matcher, reverse=True)
    return depths


def _depths(backbone: nn.Module) -> dict[str, int]:
    """Return the depth of each parameter; those of the backbone itself come first."""
    depths: dict[str, int] = {name: 0 for name, _ in backbone.named_parameters(recurse=False)}
    depth = 0
    for outer, child in backbone.named_children():
        parts = list(child.named_children()) if isinstance(child, nn.Sequential) else [("", child)]
        for inner, part in parts:
            prefix = f"{outer}.{inner}" if inner else outer
            names = [f"{prefix}.{name}" for name, _ in part.named_parameters()]
            depth += bool(names)
            depths |= dict.fromkeys(names, depth)
    return depths
