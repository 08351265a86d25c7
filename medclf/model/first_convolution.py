"""Fits the first convolution of a network to another number of channels than it was made for.

The rule is the same for every provider and for random and pretrained kernels:

- one channel: the kernels are summed over their channels, so that a grey picture gives what
  the old network gave for the same picture repeated (exactly so where mean and standard
  deviation are the same for all channels);
- n channels: kernel i becomes old kernel i modulo c, times c / n, so that n equal channels
  give what c equal channels gave.
"""

import torch
from torch import nn

from medclf.errors import ModelMisuse


def fit_kernels(kernels: torch.Tensor, channels: int) -> torch.Tensor:
    """Return the kernels of a first convolution for another number of channels.

    Args:
        kernels: (out, c, height, width) float.
        channels: wanted, 1 or more.

    Returns:
        (out, channels, height, width); the kernels themselves when nothing changes.

    >>> fit_kernels(torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1), 1).flatten()
    tensor([7.])
    >>> fit_kernels(torch.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1), 6).flatten()
    tensor([0.5000, 1.0000, 1.5000, 0.5000, 1.0000, 1.5000])
    """
    before = kernels.shape[1]
    if before == channels:
        return kernels
    if channels == 1:
        return kernels.sum(dim=1, keepdim=True)
    order = torch.arange(channels, device=kernels.device) % before
    return kernels[:, order] * (before / channels)


def first_convolutions(network: nn.Module) -> tuple[str, ...]:
    """Return the names of the convolutions that see the picture itself.

    timm tells them; elsewhere it is the first one in the order of definition.
    """
    told = getattr(network, "pretrained_cfg", None)
    named = told.get("first_conv") if isinstance(told, dict) else None
    if named:
        return (named,) if isinstance(named, str) else tuple(named)
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            return (name,)
    return ()


def replace_first_convolution(network: nn.Module, channels: int) -> None:
    """Let a network take another number of channels, in place.

    Raises:
        ModelMisuse: its first convolution is grouped, or there is none.
    """
    names = first_convolutions(network)
    for name in names:
        parent = network.get_submodule(name.rpartition(".")[0])
        old = network.get_submodule(name)
        if not isinstance(old, nn.Conv2d) or old.groups != 1:
            break
        new = nn.Conv2d(
            channels,
            old.out_channels,
            old.kernel_size,  # type: ignore[arg-type]
            stride=old.stride,  # type: ignore[arg-type]
            padding=old.padding,  # type: ignore[arg-type]
            dilation=old.dilation,  # type: ignore[arg-type]
            bias=old.bias is not None,
            padding_mode=old.padding_mode,
        )
        with torch.no_grad():
            new.weight.copy_(fit_kernels(old.weight, channels))
            if old.bias is not None and new.bias is not None:
                new.bias.copy_(old.bias)
        setattr(parent, name.rpartition(".")[2], new)
    else:
        if names:
            return
    raise ModelMisuse(
        f"{type(network).__name__} cannot be fitted to {channels} channels.",
        advice="Set `channels: 3` (grey pictures are repeated), or take a timm backbone.",
        channels=channels,
    )
