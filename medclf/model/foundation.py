"""Names the foundation models of medical imaging whose weights a person brings as a file.

Each is a timm network with the options that its publishers used. Their licences forbid
passing the weights on, so nothing is downloaded: ask for access, then name the file.
"""

from dataclasses import dataclass, field
from typing import Any

from torch import nn

from medclf.model.timm_body import build_timm, unknown


@dataclass(frozen=True, slots=True)
class Foundation:
    """A foundation model as timm builds it.

    Attributes:
        architecture: timm's name.
        options: of `timm.create_model`.
        home: where its publishers hand out the weights.
    """

    architecture: str
    home: str
    options: dict[str, Any] = field(default_factory=dict)


FOUNDATION = {
    # Zhou et al., Nature 622, 2023: a masked autoencoder; the mean of the patches is the feature
    "retfound": Foundation(
        "vit_large_patch16_224",
        "https://github.com/rmaphoh/RETFound_MAE",
        {"global_pool": "avg"},
    ),
    # Chen et al., Nature Medicine 30, 2024: DINOv2 with layer scale; the class token
    "uni": Foundation(
        "vit_large_patch16_224",
        "https://huggingface.co/MahmoodLab/UNI",
        {"init_values": 1e-5},
    ),
    # Pérez-García et al., Nature Machine Intelligence 7, 2025: DINOv2 ViT-B/14; the class token
    "rad_dino": Foundation("vit_base_patch14_dinov2", "https://huggingface.co/microsoft/rad-dino"),
}


def build_foundation(name: str, channels: int, size: int) -> nn.Module:
    """Build the network of a foundation model.

    Raises:
        ModelMisuse: the name is unknown, or the size is no multiple of its patch.
    """
    if name not in FOUNDATION:
        raise unknown(name, "foundation")
    found = FOUNDATION[name]
    return build_timm(found.architecture, channels, size, found.options)
