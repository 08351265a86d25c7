"""Builds the network body that turns pictures into feature vectors.

A backbone is named `provider/architecture`: `timm/convnext_tiny`,
`torchvision/mobilenet_v2`, `medclf/lenet5`, `foundation/uni`. Its classifier is cut off;
what is left maps (batch, channels, size, size) to (batch, features).
"""

from collections.abc import Callable

import torch
from torch import nn

from medclf.errors import ModelMisuse
from medclf.model.foundation import build_foundation
from medclf.model.listed import find_listed
from medclf.model.small import LeNet5, SpotNet
from medclf.model.timm_body import build_timm, unknown
from medclf.model.torchvision_body import build_torchvision


def build_backbone(name: str, *, channels: int, size: int) -> nn.Module:
    """Build a backbone with random weights.

    Args:
        name: `provider/architecture`, see `medclf models`.
        channels: of the input, 1 or more; see `medclf.model.first_convolution`.
        size: side of the square input in pixels.

    Returns:
        A module (batch, channels, size, size) → (batch, features).

    Raises:
        ModelMisuse: the provider or architecture is unknown, or cannot take this input.
    """
    provider, _, architecture = name.partition("/")
    builders: dict[str, Callable[[str, int, int], nn.Module]] = {
        "medclf": _build_own,
        "timm": build_timm,
        "torchvision": build_torchvision,
        "foundation": build_foundation,
    }
    if provider not in builders or not architecture:
        raise ModelMisuse(
            f"Backbone {name!r} is not of the form provider/architecture "
            f"with a provider among {', '.join(builders)}.",
            advice="List the names with `medclf models`.",
            backbone=name,
        )
    return builders[provider](architecture, channels, size)


def count_features(backbone: nn.Module, *, channels: int, size: int, name: str = "") -> int:
    """Return how many features the backbone gives for one picture.

    Args:
        backbone: left in the mode that it was in.
        channels: of the input.
        size: side of the square input in pixels.
        name: of the backbone, for the advice.

    Raises:
        ModelMisuse: the backbone cannot take pictures of this size.
    """
    called = name or "The backbone"
    training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            features = backbone(torch.zeros(1, channels, size, size))
    except (RuntimeError, AssertionError, ValueError) as error:
        listed = find_listed(name)
        raise ModelMisuse(
            f"{called} cannot take pictures of {size} × {size} px with {channels} channels.",
            advice=f"Set `size: {listed.size}`, which its weights were made for."
            if listed
            else "Choose the size that its weights were made for; `medclf models` lists sizes.",
            size=size,
        ) from error
    finally:
        backbone.train(training)
    if features.ndim != 2:
        raise ModelMisuse(
            f"{called} gives {features.ndim} dimensions a batch, not one vector a picture.",
            advice="Choose a backbone that `medclf models` lists.",
        )
    return int(features.shape[1])


def _build_own(name: str, channels: int, size: int) -> nn.Module:
    own: dict[str, Callable[[int], nn.Module]] = {"lenet5": LeNet5, "spotnet": SpotNet}
    if name not in own:
        raise unknown(name, "medclf")
    return own[name](channels)
