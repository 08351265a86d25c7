"""Fundus photographs in a MONAI pipeline: the retinal disc found, cropped and centred."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform, Transform
from numpy.typing import NDArray

from medclf.pixels.picture import Picture
from medclf.pixels.transforms.fundus import FundusOptions, prepare_fundus
from medclf.pixels.transforms.monai.layout import Pixels, change
from medclf.pixels.transforms.resample import Bits, as_colour, square_pixels


class Fundus(Transform):
    """Fundus photographs to (size, size, 3); see `prepare_fundus`."""

    def __init__(self, *, size: int, options: FundusOptions | None = None, bits: Bits = 8) -> None:
        self.size = size
        self.options = options or FundusOptions()
        self.bits = bits

    def __call__(self, data: Pixels) -> NDArray[Any] | torch.Tensor:
        """Prepare one `Picture`, array or tensor."""
        return change(data, self._prepare)

    def _prepare(self, picture: Picture) -> NDArray[Any]:
        return prepare_fundus(
            as_colour(square_pixels(picture.array, picture.aspect)),
            size=self.size,
            options=self.options,
            bits=self.bits,
            laterality=picture.laterality,
        )


class Fundusd(MapTransform):
    """`Fundus` for each key."""

    def __init__(
        self,
        keys: KeysCollection,
        *,
        size: int,
        options: FundusOptions | None = None,
        bits: Bits = 8,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fundus = Fundus(size=size, options=options, bits=bits)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's `Picture`, array or tensor."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.fundus(result[key])
        return result
