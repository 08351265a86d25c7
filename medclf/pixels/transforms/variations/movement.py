"""Turning, mirroring, zooming and shifting: one affine map, sampled once."""

import math

import torch
from torch.nn.functional import affine_grid, grid_sample

from medclf.pixels.transforms.variations.ranges import Ranges


def move(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Apply each picture's own affine map, bilinear.

    Args:
        batch: (b, c, h, w) float in [0, 1].
        drawn: (b, 12) uniform in [0, 1); the first seven are read.
        ranges: of the kind.

    Returns:
        (b, c, h, w), same type.
    """
    grid = _affine(drawn, ranges, height=batch.shape[2], width=batch.shape[3])  # (b, h, w, 2)
    return grid_sample(
        batch,
        grid.to(batch.dtype),
        mode="bilinear",
        padding_mode=ranges.padding,
        align_corners=False,
    )


def _affine(drawn: torch.Tensor, ranges: Ranges, *, height: int, width: int) -> torch.Tensor:
    """Return where each target pixel comes from: (b, h, w, 2) in [-1, 1], x before y."""
    signed = 2 * drawn - 1
    angle = torch.deg2rad(ranges.rotation_deg * signed[:, 0])
    if ranges.quarter_turns:
        angle = angle + (4 * drawn[:, 1]).floor() * (math.pi / 2)
    zoom = ranges.zoom ** signed[:, 2]
    one = torch.ones_like(zoom)
    mirror = torch.where(drawn[:, 3] < 0.5, -one, one) if ranges.mirror else one
    upright = torch.where(drawn[:, 4] < 0.5, -one, one) if ranges.mirror_upright else one
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    aspect = height / width  # a rotation happens in pixels, the grid counts in half sides
    turn = torch.stack([cos, -sin * aspect, sin / aspect, cos], dim=1).reshape(-1, 2, 2)
    flips = torch.stack([mirror, upright], dim=1).unsqueeze(1)  # (b, 1, 2)
    shift = 2 * ranges.shift * signed[:, 5:7].unsqueeze(2)  # (b, 2, 1)
    theta = torch.cat([turn * flips, shift], dim=2)  # (b, 2, 3)
    return affine_grid(theta, [drawn.shape[0], 1, height, width], align_corners=False)
