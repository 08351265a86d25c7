"""Lists the backbones by name, with what a person wants to know before choosing one.

`medclf models` prints this table. The tests hold every line against the network that is
really built, and against what timm and torchvision say of their own weights.
"""

from dataclasses import dataclass
from typing import Any

Triple = tuple[float, float, float]

IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of ImageNet, for values in [0, 1] (Krizhevsky et al. 2012)."""

HALF: tuple[Triple, Triple] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""Values in [-1, 1], as Inception networks expect them (Szegedy et al. 2016)."""

NO_WEIGHTS = "none"

_TORCH = "download.pytorch.org/models/"


@dataclass(frozen=True, slots=True)
class Listed:
    """A backbone that medclf lists by name; any other timm name works too.

    Attributes:
        name: `provider/architecture`.
        size: side of the square input in pixels that the pretrained weights were made for.
        parameters_millions: of the body for three channels, without a classifier.
        licence: of the pretrained weights, as their publisher states it.
        source: where `weights: hub` takes them from: a repository of the Hugging Face hub or
            an address without https://; empty where there is nothing to download.
        mean: (3,) that these weights expect to be taken off, for values in [0, 1].
        std: (3,) that these weights expect to be divided by.
    """

    name: str
    size: int
    parameters_millions: float
    licence: str
    source: str = ""
    mean: Triple = IMAGENET[0]
    std: Triple = IMAGENET[1]

    @property
    def provider(self) -> str:
        """Who builds the network: `medclf`, `timm`, `torchvision` or `foundation`."""
        return self.name.partition("/")[0]

    def facts(self) -> dict[str, Any]:
        """Return all of it by name."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {"name": self.name, "provider": self.provider, **told}


LISTED = (
    Listed("medclf/lenet5", 32, 0.12, NO_WEIGHTS),
    Listed("medclf/spotnet", 96, 0.09, NO_WEIGHTS),
    Listed("torchvision/alexnet", 224, 57.0, "BSD-3-Clause", _TORCH + "alexnet-owt-7be5be79.pth"),
    Listed(
        "torchvision/squeezenet1_1",
        224,
        0.72,
        "BSD-3-Clause",
        _TORCH + "squeezenet1_1-b8a52dc0.pth",
    ),
    Listed(
        "torchvision/googlenet", 224, 5.6, "BSD-3-Clause", _TORCH + "googlenet-1378be20.pth", *HALF
    ),
    Listed("torchvision/vgg16", 224, 134.26, "BSD-3-Clause", _TORCH + "vgg16-397923af.pth"),
    Listed(
        "torchvision/mobilenet_v2", 224, 2.22, "BSD-3-Clause", _TORCH + "mobilenet_v2-7ebf99e0.pth"
    ),
    Listed(
        "timm/mobilenetv3_large_100", 224, 4.2, "Apache-2.0", "timm/mobilenetv3_large_100.ra_in1k"
    ),
    Listed("timm/resnet10t", 176, 4.92, "Apache-2.0", "timm/resnet10t.c3_in1k"),
    Listed("timm/resnet18", 224, 11.18, "Apache-2.0", "timm/resnet18.a1_in1k"),
    Listed("timm/resnet50", 224, 23.51, "Apache-2.0", "timm/resnet50.a1_in1k"),
    Listed("timm/resnet152", 224, 58.14, "Apache-2.0", "timm/resnet152.a1h_in1k"),
    Listed("timm/densenet121", 224, 6.95, "Apache-2.0", "timm/densenet121.ra_in1k"),
    Listed("timm/efficientnet_b0", 224, 4.01, "Apache-2.0", "timm/efficientnet_b0.ra_in1k"),
    Listed("timm/efficientnet_b4", 320, 17.55, "Apache-2.0", "timm/efficientnet_b4.ra2_in1k"),
    Listed("timm/convnext_tiny", 224, 27.82, "Apache-2.0", "timm/convnext_tiny.in12k_ft_in1k"),
    Listed(
        "timm/vit_small_patch16_224",
        224,
        21.67,
        "Apache-2.0",
        "timm/vit_small_patch16_224.augreg_in21k_ft_in1k",
        *HALF,
    ),
    Listed(
        "timm/vit_base_patch16_224",
        224,
        85.8,
        "Apache-2.0",
        "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k",
        *HALF,
    ),
    Listed(
        "timm/swin_tiny_patch4_window7_224",
        224,
        27.52,
        "MIT",
        "timm/swin_tiny_patch4_window7_224.ms_in1k",
    ),
    Listed("foundation/retfound", 224, 303.3, "CC-BY-NC-4.0"),
    Listed("foundation/uni", 224, 303.35, "CC-BY-NC-ND-4.0"),
    Listed(
        "foundation/rad_dino",
        518,
        86.58,
        "MSRLA or MIT, by revision",
        "",
        (0.5307, 0.5307, 0.5307),
        (0.2583, 0.2583, 0.2583),
    ),
)


def find_listed(name: str) -> Listed | None:
    """Return the line of a backbone; None when it is not listed by name."""
    return next((item for item in LISTED if item.name == name), None)
