"""Builds network bodies from torchvision, for any number of channels."""

import torch
from torch import nn

from medclf.errors import ModelMisuse
from medclf.model.first_convolution import replace_first_convolution
from medclf.model.timm_body import unknown


class Pooled(nn.Module):
    """SqueezeNet's body with global average pooling in place of its convolutional classifier."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map pictures to features."""
        x = self.features(x)  # (batch, 512, h, w)
        return x.mean(dim=(2, 3))  # (batch, 512)


def build_torchvision(name: str, channels: int, size: int) -> nn.Module:
    """Build a torchvision architecture without its classifier.

    Raises:
        ModelMisuse: torchvision does not have it, its classifier cannot be cut off, or its
            first convolution cannot be fitted to the channels.
    """
    import torchvision.models

    if name not in torchvision.models.list_models(module=torchvision.models):
        raise unknown(name, "torchvision")
    options: dict[str, bool] = {}
    if name in {"googlenet", "inception_v3"}:
        # Without `transform_input`, the weights expect values in [-1, 1]: `listed.py` says so.
        options = {"aux_logits": False, "init_weights": True, "transform_input": False}
    model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    if channels != 3:
        replace_first_convolution(model, channels)
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
