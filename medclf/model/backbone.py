"""Builds the network body that turns pictures into feature vectors.

A backbone is named `provider/architecture`: `timm/convnext_tiny`,
`torchvision/mobilenet_v2`, `medclf/lenet5`. Its classifier is cut off; what is
left maps (batch, channels, size, size) to (batch, features).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from medclf.errors import ModelMisuse
from medclf.model.small import LeNet5, SpotNet


@dataclass(frozen=True, slots=True)
class Listed:
    """A backbone that medclf lists by name; any other timm name works too.

    Attributes:
        name: `provider/architecture`.
        size: side of the square input in pixels that the hub's weights were made for.
        parameters_millions: of the body, without a classifier.
        licence: of the weights that the hub offers.
    """

    name: str
    size: int
    parameters_millions: float
    licence: str


LISTED = (
    Listed("medclf/lenet5", 32, 0.1, "none: trained from scratch"),
    Listed("medclf/spotnet", 96, 0.1, "none: trained from scratch"),
    Listed("torchvision/alexnet", 224, 57.0, "BSD-3-Clause"),
    Listed("torchvision/squeezenet1_1", 224, 0.7, "BSD-3-Clause"),
    Listed("torchvision/googlenet", 224, 5.6, "BSD-3-Clause"),
    Listed("torchvision/vgg16", 224, 134.3, "BSD-3-Clause"),
    Listed("torchvision/mobilenet_v2", 224, 2.2, "BSD-3-Clause"),
    Listed("timm/mobilenetv3_large_100", 224, 4.2, "Apache-2.0"),
    Listed("timm/resnet10t", 176, 4.9, "Apache-2.0"),
    Listed("timm/resnet18", 224, 11.2, "Apache-2.0"),
    Listed("timm/resnet50", 224, 23.5, "Apache-2.0"),
    Listed("timm/densenet121", 224, 7.0, "Apache-2.0"),
    Listed("timm/efficientnet_b0", 224, 4.0, "Apache-2.0"),
    Listed("timm/convnext_tiny", 224, 27.8, "Apache-2.0"),
    Listed("timm/vit_small_patch16_224", 224, 21.7, "Apache-2.0"),
    Listed("timm/swin_tiny_patch4_window7_224", 224, 27.5, "MIT"),
)


class Pooled(nn.Module):
    """SqueezeNet's body with global average pooling in place of its convolutional classifier."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map pictures to features."""
        x = self.features(x)  # (batch, 512, h, w)
        return x.mean(dim=(2, 3))  # (batch, 512)


def build_backbone(name: str, *, channels: int, size: int) -> nn.Module:
    """Build a backbone with random weights.

    Args:
        name: `provider/architecture`, see `medclf models`.
        channels: 1 or 3 input channels.
        size: side of the square input in pixels.

    Returns:
        A module (batch, channels, size, size) → (batch, features).

    Raises:
        ModelMisuse: the provider or architecture is unknown, or cannot take this input.
    """
    provider, _, architecture = name.partition("/")
    builders: dict[str, Callable[[str, int, int], nn.Module]] = {
        "medclf": _build_own,
        "timm": _build_timm,
        "torchvision": _build_torchvision,
    }
    if provider not in builders or not architecture:
        raise ModelMisuse(
            f"Backbone {name!r} is not of the form provider/architecture "
            f"with a provider among {', '.join(builders)}.",
            advice="List the names with `medclf models`.",
            backbone=name,
        )
    return builders[provider](architecture, channels, size)


def count_features(backbone: nn.Module, *, channels: int, size: int) -> int:
    """Return how many features the backbone gives for one picture.

    Raises:
        ModelMisuse: the backbone cannot take pictures of this size.
    """
    training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            features = backbone(torch.zeros(1, channels, size, size))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise ModelMisuse(
            f"The backbone cannot take pictures of {size} × {size} px with {channels} channels.",
            advice="Choose the size that `medclf models` lists for it.",
            size=size,
        ) from error
    backbone.train(training)
    return int(features.shape[1])


def _unknown(name: str, provider: str) -> ModelMisuse:
    return ModelMisuse(
        f"{provider} has no architecture {name!r}.",
        advice="List the names with `medclf models`.",
        backbone=f"{provider}/{name}",
    )


def _build_own(name: str, channels: int, size: int) -> nn.Module:
    own: dict[str, Callable[[int], nn.Module]] = {"lenet5": LeNet5, "spotnet": SpotNet}
    if name not in own:
        raise _unknown(name, "medclf")
    return own[name](channels)


def _build_timm(name: str, channels: int, size: int) -> nn.Module:
    import timm

    if not timm.is_model(name):
        raise _unknown(name, "timm")
    options: dict[str, Any] = {}
    if name.startswith(("vit_", "swin", "deit", "beit", "eva")):
        options["img_size"] = size
    backbone: nn.Module = timm.create_model(
        name, pretrained=False, num_classes=0, in_chans=channels, **options
    )
    return backbone


def _build_torchvision(name: str, channels: int, size: int) -> nn.Module:
    import torchvision.models

    if name not in torchvision.models.list_models(module=torchvision.models):
        raise _unknown(name, "torchvision")
    if channels != 3:
        raise ModelMisuse(
            f"torchvision/{name} takes 3 channels, not {channels}.",
            advice="Set `channels: 3` (grey pictures are repeated), or take a timm backbone.",
            channels=channels,
        )
    options: dict[str, bool] = {}
    if name in {"googlenet", "inception_v3"}:
        options = {"aux_logits": False, "init_weights": True}
    model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    if name.startswith("squeezenet"):
        return Pooled(model.get_submodule("features"))
    for head in ("fc", "classifier", "heads", "head"):
        if hasattr(model, head):
            _cut_last_linear(model, head)
            return model
    raise ModelMisuse(
        f"torchvision/{name} has no classifier that medclf knows how to cut off.",
        advice="Take the same architecture from timm.",
        backbone=f"torchvision/{name}",
    )


def _cut_last_linear(model: nn.Module, head: str) -> None:
    """Replace the last linear layer of a torchvision classifier with nothing."""
    classifier = getattr(model, head)
    if isinstance(classifier, nn.Linear):
        setattr(model, head, nn.Identity())
        return
    children = list(classifier.named_children())
    last, layer = children[-1]
    if not isinstance(layer, nn.Linear):
        raise ModelMisuse(
            f"The classifier of {type(model).__name__} does not end in a linear layer.",
            advice="Take the same architecture from timm.",
        )
    setattr(classifier, last, nn.Identity())
    if type(model).__name__ == "MobileNetV2":
        classifier[0] = nn.Identity()  # its dropout belongs to the head; ours has its own
