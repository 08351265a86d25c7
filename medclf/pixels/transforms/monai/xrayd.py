"""Radiographs in a MONAI pipeline: borders off, exposure evened out, aspect kept."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform, Transform
from numpy.typing import NDArray

from medclf.pixels.picture import Picture
from medclf.pixels.transforms.monai.layout import Pixels, change
from medclf.pixels.transforms.resample import Bits, square_pixels
from medclf.pixels.transforms.xray import XrayOptions, prepare_xray


class Xray(Transform):
    """Radiographs to (size, size); see `prepare_xray`."""

    def __init__(self, *, size: int, options: XrayOptions | None = None, bits: Bits = 8) -> None:
        self.size = size
        self.options = options or XrayOptions()
        self.bits = bits

    def __call__(self, data: Pixels) -> NDArray[Any] | torch.Tensor:
        """Prepare one `Picture`, array or tensor."""
        return change(data, self._prepare)

    def _prepare(self, picture: Picture) -> NDArray[Any]:
        array = square_pixels(picture.array, picture.aspect)
        return prepare_xray(array, size=self.size, options=self.options, bits=self.bits)


class Xrayd(MapTransform):
    """`Xray` for each key."""

    def __init__(
        self,
        keys: KeysCollection,
        *,
        size: int,
        options: XrayOptions | None = None,
        bits: Bits = 8,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.xray = Xray(size=size, options=options, bits=bits)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's `Picture`, array or tensor."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.xray(result[key])
        return result
