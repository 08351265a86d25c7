"""One description of how a picture becomes a network's input, in training and in service alike.

`geometry` is the slow, deterministic, cacheable half (numpy and cv2 only); `normalise` the fast
half on whole batches. Both read the same `Preprocessing`, which travels inside the package.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import NDArray
from pydantic import Field, model_validator

from medclf.config import Config
from medclf.dicom.instance import Kind
from medclf.pixels.picture import Picture
from medclf.pixels.transforms.fundus import FundusOptions, prepare_fundus
from medclf.pixels.transforms.resample import Bits, as_colour, luminance, square_pixels
from medclf.pixels.transforms.stain import PathologyOptions, Stain, prepare_pathology
from medclf.pixels.transforms.xray import XrayOptions, prepare_xray

if TYPE_CHECKING:
    import torch

Geometry = Callable[[Picture], NDArray[Any]]


class Preprocessing(Config):
    """From a `Picture` to a network's input.

    Attributes:
        kind: which of the three ways below is taken.
        size: side of the square in pixels.
        channels: what the network takes; grey pictures are repeated for 3.
        mean: one for each channel, in units of the full range.
        std: one for each channel, in units of the full range.
        xray: read when the kind is xray.
        fundus: read when the kind is fundus.
        pathology: read when the kind is pathology.
        bits: depth of the prepared picture, 8 or 16. Sixteen keep what the window of a
            radiograph or a mean over many bytes gives, and take twice the room.
        resample: area averaging when shrinking, linear when enlarging.
        version: of these rules; a package of another version is refused, not reinterpreted.
            Version 2 normalises stains by Reinhard's rule otherwise than version 1 did, and
            everything else as before: any other package of version 1 is read on.
    """

    kind: Kind
    size: int = Field(ge=32, le=1024)
    channels: Literal[1, 3] = 3
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)  # ImageNet, as torchvision's weights take
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    xray: XrayOptions = XrayOptions()
    fundus: FundusOptions = FundusOptions()
    pathology: PathologyOptions = PathologyOptions()
    bits: Bits = 8
    resample: Literal["area"] = "area"
    version: Literal[1, 2] = 2

    @model_validator(mode="after")
    def _rules_are_the_ones_meant(self) -> Self:
        reinhard = self.kind is Kind.PATHOLOGY and self.pathology.stain is Stain.REINHARD
        if self.version == 1 and reinhard:
            raise ValueError("`stain: reinhard` of version 1 washed out tissue: train again with 2")
        return self

    @model_validator(mode="after")
    def _one_for_each_channel(self) -> Self:
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(f"mean and std need {self.channels} numbers, one for each channel")
        if min(self.std) <= 0:
            raise ValueError("every std must be above 0")
        return self


def geometry(config: Preprocessing) -> Geometry:
    """Return the deterministic half: square pixels, crop, window, resample, pad.

    Returns:
        A function from a `Picture` to uint8, or uint16 with `bits: 16`: (size, size) for xray
        and for one-channel networks, else (size, size, 3) RGB. Shape and type depend on `config`
        alone. The result may share memory with the picture and is read-only then.
    """
    match config.kind:
        case Kind.XRAY:
            prepare = _xray
        case Kind.FUNDUS:
            prepare = _fundus
        case Kind.PATHOLOGY:
            prepare = _pathology
    if config.channels == 1:
        return lambda picture: luminance(prepare(picture, config))
    return lambda picture: prepare(picture, config)


def normalise(batch: "NDArray[Any] | torch.Tensor", config: Preprocessing) -> "torch.Tensor":
    """Return the network's input: (x / white - mean) / std; white is 255 or 65535.

    Args:
        batch: (b, size, size) or (b, size, size, 3), uint8 or uint16, as `geometry` gives them,
            stacked.
        config: gives channels, mean and std.

    Returns:
        (b, channels, size, size) float32 tensor on the batch's device.

    Raises:
        PixelsMisuse: the batch has another shape or type.
    """
    # torch takes seconds to import, and the cohort's loader needs geometry only.
    from medclf.pixels.transforms.normalise import as_unit_range, standardise

    return standardise(as_unit_range(batch, channels=config.channels), config.mean, config.std)


def _xray(picture: Picture, config: Preprocessing) -> NDArray[Any]:
    array = square_pixels(picture.array, picture.aspect)
    return prepare_xray(array, size=config.size, options=config.xray, bits=config.bits)


def _fundus(picture: Picture, config: Preprocessing) -> NDArray[Any]:
    return prepare_fundus(
        as_colour(square_pixels(picture.array, picture.aspect)),
        size=config.size,
        options=config.fundus,
        bits=config.bits,
        laterality=picture.laterality,
    )


def _pathology(picture: Picture, config: Preprocessing) -> NDArray[Any]:
    array = as_colour(square_pixels(picture.array, picture.aspect))
    return prepare_pathology(array, size=config.size, options=config.pathology, bits=config.bits)
