"""Random variations that a real camera, film or slide could have produced, and no others.

A mirrored chest is another patient (situs inversus), so radiographs are never flipped; a retina
has a left and a right twin and no fixed roll; a tissue field has no up at all. One affine map
and one linear change of grey values for each picture, drawn from one generator, applied to the
whole batch in one pass.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn.functional import affine_grid, grid_sample

from medclf.dicom.instance import Kind
from medclf.errors import PixelsMisuse

_DRAWS = 12  # uniform numbers for each picture, in the order that `_affine` and `_light` read


@dataclass(frozen=True, slots=True)
class Ranges:
    """How far one kind of picture may vary.

    Attributes:
        rotation_deg: at most this much to either side.
        quarter_turns: any of the four right angles first.
        mirror: flip left-right with a chance of one half.
        mirror_upright: flip top-bottom with a chance of one half.
        zoom: at most this factor in or out (1.1 = 10 %).
        shift: at most this share of the side, each way.
        gain: contrast changes by at most this share.
        colour: each channel's own gain, at most this share.
        offset: brightness changes by at most this share of the full range.
        pivot: what contrast leaves alone: the picture's own mean, black or white.
        padding: what comes in from outside the frame.
    """

    rotation_deg: float
    quarter_turns: bool
    mirror: bool
    mirror_upright: bool
    zoom: float
    shift: float
    gain: float
    colour: float
    offset: float
    pivot: Literal["mean", "black", "white"]
    padding: Literal["zeros", "reflection"]


RANGES = {
    # Positioning and exposure vary; the side of the heart does not.
    Kind.XRAY: Ranges(
        rotation_deg=7,
        quarter_turns=False,
        mirror=False,
        mirror_upright=False,
        zoom=1.1,
        shift=0.05,
        gain=0.2,
        colour=0,
        offset=0.08,
        pivot="mean",
        padding="zeros",
    ),
    # Left and right eyes mirror each other; black ground stays black.
    Kind.FUNDUS: Ranges(
        rotation_deg=180,
        quarter_turns=False,
        mirror=True,
        mirror_upright=True,
        zoom=1.08,
        shift=0.02,
        gain=0.2,
        colour=0.06,
        offset=0,
        pivot="black",
        padding="zeros",
    ),
    # No direction at all; glass stays white, stains vary between laboratories.
    Kind.PATHOLOGY: Ranges(
        rotation_deg=0,
        quarter_turns=True,
        mirror=True,
        mirror_upright=False,
        zoom=1.1,
        shift=0,
        gain=0.15,
        colour=0.1,
        offset=0,
        pivot="white",
        padding="reflection",
    ),
}


def augment_batch(batch: torch.Tensor, kind: Kind, generator: torch.Generator) -> torch.Tensor:
    """Vary every picture of a batch at random.

    The random numbers are drawn on the generator's device, so that a CPU generator gives the
    same variations on every accelerator.

    Args:
        batch: (b, c, h, w) float in [0, 1].
        kind: whose `RANGES` hold.
        generator: advanced by 12 numbers a picture.

    Returns:
        (b, c, h, w), same type and device, in [0, 1].

    Raises:
        PixelsMisuse: the batch is not a float tensor of four axes.
    """
    if batch.ndim != 4 or not batch.is_floating_point():
        raise PixelsMisuse(
            f"The batch has {batch.ndim} axes of {batch.dtype}; (b, c, h, w) float is expected.",
            advice="Scale to [0, 1] before augmentation.",
        )
    ranges = RANGES[kind]
    drawn = torch.rand((batch.shape[0], _DRAWS), generator=generator, device=generator.device)
    drawn = drawn.to(batch.device)
    grid = _affine(drawn, ranges, height=batch.shape[2], width=batch.shape[3])  # (b, h, w, 2)
    moved = grid_sample(
        batch,
        grid.to(batch.dtype),
        mode="bilinear",
        padding_mode=ranges.padding,
        align_corners=False,
    )
    return _light(moved, drawn, ranges)


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


def _light(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Apply pivot + (x - pivot) * gain + offset with a gain for each channel; clamp to [0, 1]."""
    signed = (2 * drawn - 1).to(batch.dtype)
    gain = 1 + ranges.gain * signed[:, 7:8]  # (b, 1)
    if batch.shape[1] == 3 and ranges.colour:
        gain = gain * (1 + ranges.colour * signed[:, 8:11])  # (b, 3)
    gain = gain[:, :, None, None]
    offset = ranges.offset * signed[:, 11, None, None, None]
    match ranges.pivot:
        case "mean":
            pivot = batch.mean(dim=(1, 2, 3), keepdim=True)
        case "black":
            pivot = torch.zeros_like(offset)
        case "white":
            pivot = torch.ones_like(offset)
    return torch.addcmul(pivot - pivot * gain + offset, batch, gain).clamp_(0, 1)
