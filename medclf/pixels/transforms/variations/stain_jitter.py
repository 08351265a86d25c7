"""Amounts of stain in tissue, which vary from laboratory to laboratory and from day to day."""

import torch

from medclf.pixels.transforms.variations.ranges import Ranges

# Haematoxylin, eosin and what is left, as optical densities of red, green, blue:
# Ruifrok & Johnston 2001; rows are made unit vectors below.
_STAINS = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
_DARKEST = 1 / 255  # a density needs some light
_LEAST_DENSITY = 0.15  # natural-log optical density from which on a pixel is all tissue
_SHIFT = 0.15  # density that a shift of a whole stain would be, as `Ranges.stain` counts it


def restain(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Scale and shift each stain's density (Tellez et al. 2018, doi:10.1109/TMI.2018.2820199).

    Unlike there, the shift fades out with the density, so that glass stays white.

    Args:
        batch: (b, 3, h, w) float in [0, 1]; grey comes back as it is.
        drawn: (b, 6) uniform in [0, 1): three scales, three shifts.
        ranges: of the kind.

    Returns:
        (b, 3, h, w), same type, in [0, 1].
    """
    if batch.shape[1] != 3:
        return batch
    stains: torch.Tensor = torch.tensor(_STAINS, dtype=torch.float32, device=batch.device)
    stains = stains / stains.norm(dim=1, keepdim=True)
    signed = ranges.stain * (2 * drawn - 1)
    scale, shift = 1 + signed[:, :3], _SHIFT * signed[:, 3:]
    # density' = density · S⁻¹ · diag(scale) · S + shift · S, one 3 × 3 matrix a picture.
    mix = torch.linalg.inv(stains) * scale[:, None, :] @ stains  # (b, 3, 3)
    tint = (shift @ stains)[:, :, None]  # (b, 3, 1)
    density = -batch.float().clamp(min=_DARKEST).log().flatten(2)  # (b, 3, pixels)
    tissue = (density.mean(dim=1, keepdim=True) / _LEAST_DENSITY).clamp(max=1)
    # Written out: a matrix product may add up in another order in another batch.
    changed = mix[:, 0, :, None] * density[:, 0:1]
    changed = changed + mix[:, 1, :, None] * density[:, 1:2]
    changed = changed + mix[:, 2, :, None] * density[:, 2:3] + tint * tissue
    varied: torch.Tensor = changed.neg_().exp_().clamp_(0, 1).reshape(batch.shape)
    return varied.to(batch.dtype)
