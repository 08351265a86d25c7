"""What stands in the columns of each kind's sheet: the picture, its preparations, variations."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from medclf.dicom.instance import Kind
from medclf.pixels.picture import Picture
from medclf.pixels.transforms.augment import AugmentConfig, augment_batch
from medclf.pixels.transforms.normalise import as_unit_range
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry

_SIZE = 224
_SEED = 7


@dataclass(frozen=True)
class Plan:
    """The columns of one kind.

    Attributes:
        options: heading → options of the kind.
        varied: heading of what the variations start from.
        everything: all variations that the kind has.
    """

    options: dict[str, dict[str, object]]
    varied: str
    everything: AugmentConfig


PLANS = {
    Kind.XRAY: Plan(
        {"after": {}, "collimation": {"collimation": True}},
        "collimation",
        AugmentConfig(gamma=1, grain=1, blur=1),
    ),
    Kind.FUNDUS: Plan(
        {
            "after": {},
            "laterality right": {"laterality": "right"},
            "local average": {"local_average": True},
            "and rim 0.1": {"local_average": True, "rim": 0.1},
        },
        "after",
        AugmentConfig(mirror=False, blur=1, illumination=1),
    ),
    Kind.PATHOLOGY: Plan(
        {"after": {}, "macenko": {"stain": "macenko"}, "reinhard": {"stain": "reinhard"}},
        "after",
        AugmentConfig(blur=1, stain=1),
    ),
}


def headings(kind: Kind) -> list[str]:
    return ["before", *PLANS[kind].options, *["varied"] * 2, *["all variations"] * 3]


def tiles(picture: Picture, kind: Kind, number: int) -> list[NDArray[np.uint8]]:
    """Return the row of one picture; `number` of the row seeds its variations."""
    plan = PLANS[kind]
    prepared = [
        geometry(Preprocessing(kind=kind, size=_SIZE, **{kind.value: options}))(picture)
        for options in plan.options.values()
    ]
    generator = torch.Generator().manual_seed(_SEED + number)
    channels = 1 if kind is Kind.XRAY else 3
    batch = as_unit_range(
        np.stack([prepared[[*plan.options].index(plan.varied)]] * 5), channels=channels
    )
    varied = [
        *augment_batch(batch[:2], kind, generator),
        *augment_batch(batch[2:], kind, generator, plan.everything),
    ]
    drawn = [(one * 255).round().to(torch.uint8).permute(1, 2, 0).numpy() for one in varied]
    return [picture.array, *prepared, *(np.squeeze(one) for one in drawn)]
