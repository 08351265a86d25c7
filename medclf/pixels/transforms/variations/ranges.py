"""How far each kind of picture may vary, in one place to be argued about."""

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from medclf.config import Config
from medclf.dicom.instance import Kind


class AugmentConfig(Config):
    """How strongly the pictures of a training are varied at random.

    Each number scales the kind's own range (`RANGES`): 0 leaves the variation out, 1 takes it as
    it is, 2 doubles it. A variation that a kind does not have can be neither asked for nor
    scaled: a radiograph has no stain.

    Attributes:
        movement: turning, zooming, shifting, and mirroring where anatomy allows it.
        mirror: let retinas and tissue be mirrored; off, left and right stay what they are.
        light: contrast, brightness and each channel's own gain.
        gamma: exposure of a radiograph.
        grain: quantum noise of a radiograph.
        blur: focus and motion.
        illumination: uneven light on a retina.
        stain: amounts of haematoxylin and eosin in tissue.
    """

    movement: float = Field(default=1, ge=0, le=2)
    mirror: bool = True
    light: float = Field(default=1, ge=0, le=2)
    gamma: float = Field(default=0, ge=0, le=2)
    grain: float = Field(default=0, ge=0, le=2)
    blur: float = Field(default=0, ge=0, le=2)
    illumination: float = Field(default=0, ge=0, le=2)
    stain: float = Field(default=0, ge=0, le=2)

    def unfit_for(self, kind: Kind) -> tuple[str, ...]:
        """Name the variations that are asked for and that the kind does not have.

        >>> AugmentConfig(stain=1, blur=1).unfit_for(Kind.XRAY)
        ('stain',)
        """
        optional = ("gamma", "grain", "blur", "illumination", "stain")
        return tuple(
            name for name in optional if getattr(self, name) and not getattr(RANGES[kind], name)
        )


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
        gamma: the exponent lies between exp(-gamma) and exp(gamma); 0 for none.
        grain: deviation of the noise at white, at most this share of the full range.
        blur: deviation of the Gaussian, at most this share of the side.
        illumination: light falls off towards one side, or to all, by at most this share.
        stain: each stain's amount changes by at most this share, and by as much density.
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
    gamma: float = 0
    grain: float = 0
    blur: float = 0
    illumination: float = 0
    stain: float = 0

    def scaled(self, config: AugmentConfig) -> "Ranges":
        """Return these ranges as strong as a configuration wants them."""
        moves = config.movement > 0
        return replace(
            self,
            rotation_deg=min(180.0, self.rotation_deg * config.movement),
            quarter_turns=self.quarter_turns and moves,
            mirror=self.mirror and config.mirror and moves,
            mirror_upright=self.mirror_upright and config.mirror and moves,
            zoom=self.zoom**config.movement,
            shift=self.shift * config.movement,
            gain=self.gain * config.light,
            colour=self.colour * config.light,
            offset=self.offset * config.light,
            gamma=self.gamma * config.gamma,
            grain=self.grain * config.grain,
            blur=self.blur * config.blur,
            illumination=self.illumination * config.illumination,
            stain=self.stain * config.stain,
        )


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
        gamma=0.25,
        grain=0.03,
        blur=0.005,
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
        blur=0.006,
        illumination=0.35,
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
        blur=0.005,
        stain=0.2,  # "HED-strong" of Tellez et al. 2019
    ),
}
