"""Random variations that a real camera, film or slide could have produced, and no others.

A mirrored chest is another patient (situs inversus), so radiographs are never flipped; a retina
has a left and a right twin and no fixed roll; a tissue field has no up at all. Nothing is erased
or cut out either: it might be the finding. Each picture's numbers are drawn from one generator;
the whole batch is varied at once, on its own device.
"""

import torch

from medclf.dicom.instance import Kind
from medclf.errors import PixelsMisuse
from medclf.pixels.transforms.variations.blur import soften
from medclf.pixels.transforms.variations.exposure import expose
from medclf.pixels.transforms.variations.grain import add_grain
from medclf.pixels.transforms.variations.illumination import shade
from medclf.pixels.transforms.variations.light import relight
from medclf.pixels.transforms.variations.movement import move
from medclf.pixels.transforms.variations.ranges import RANGES, AugmentConfig, Ranges
from medclf.pixels.transforms.variations.stain_jitter import restain

__all__ = ["RANGES", "AugmentConfig", "Ranges", "augment_batch"]

_DRAWS = 12  # uniform numbers for each picture, for movement and light
_MORE_DRAWS = 16  # for the variations that are off by default
_DEFAULT = AugmentConfig()


def augment_batch(
    batch: torch.Tensor,
    kind: Kind,
    generator: torch.Generator,
    config: AugmentConfig = _DEFAULT,
    *,
    places: torch.Tensor | None = None,
) -> torch.Tensor:
    """Vary every picture of a batch at random.

    The random numbers are drawn on the generator's device, so that a CPU generator gives the
    same variations on every accelerator. A picture's variation depends on the generator's state,
    its own pixels and its place in the batch alone: not on the other pictures or their number.

    Args:
        batch: (b, c, h, w) float in [0, 1].
        kind: whose `RANGES` hold.
        generator: advanced by 12 numbers a picture, by 28 when one of `gamma`, `grain`, `blur`,
            `illumination` and `stain` is on.
        config: how strong each variation is.
        places: (b,) int64, where the pictures stand in a larger batch whose others are varied
            elsewhere: each gets the numbers that it would get there. One after the other when
            None.

    Returns:
        (b, c, h, w), same type and device, in [0, 1].

    Raises:
        PixelsMisuse: the batch is not a float tensor of four axes, or the kind does not have a
            variation that is asked for.
    """
    if batch.ndim != 4 or not batch.is_floating_point():
        raise PixelsMisuse(
            f"The batch has {batch.ndim} axes of {batch.dtype}; (b, c, h, w) float is expected.",
            advice="Scale to [0, 1] before augmentation.",
        )
    unfit = config.unfit_for(kind)
    if unfit:
        raise PixelsMisuse(
            f"{kind} pictures do not vary by {', '.join(unfit)}.", advice="Set them to 0."
        )
    ranges = RANGES[kind].scaled(config)
    further = any((ranges.gamma, ranges.grain, ranges.blur, ranges.illumination, ranges.stain))
    draws = _DRAWS + further * _MORE_DRAWS
    count = batch.shape[0] if places is None else int(places.max()) + 1
    drawn = torch.rand((count, draws), generator=generator, device=generator.device)
    if places is not None:
        drawn = drawn[places]
    drawn = drawn.to(batch.device)
    varied = move(batch, drawn[:, :_DRAWS], ranges)
    if not further:
        return relight(varied, drawn, ranges)
    return _vary_further(varied, drawn, ranges)


def _vary_further(batch: torch.Tensor, drawn: torch.Tensor, ranges: Ranges) -> torch.Tensor:
    """Go the light's way: through the object, to the optics, onto the detector."""
    stain, shading, gamma, focus, noise = drawn[:, _DRAWS:].split((6, 3, 1, 2, 4), dim=1)
    if ranges.stain:
        batch = restain(batch, stain, ranges)
    if ranges.illumination:
        batch = shade(batch, shading, ranges)
    batch = relight(batch, drawn[:, :_DRAWS], ranges)
    if ranges.gamma:
        batch = expose(batch, gamma, ranges)
    if ranges.blur:
        batch = soften(batch, focus, ranges)
    if ranges.grain:
        batch = add_grain(batch, noise, ranges)
    return batch.clamp_(0, 1)
