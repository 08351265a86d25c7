"""Area resampling in a MONAI pipeline, which keeps bytes and does not alias."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform, Transform
from numpy.typing import NDArray

from medclf.pixels.picture import Picture
from medclf.pixels.transforms.monai.layout import Pixels, change
from medclf.pixels.transforms.resample import fitted_size, pad_to_square, resize, square_pixels


class AreaResize(Transform):
    """Any picture to a square of (size, size) or (size, size, 3), aspect kept, padded.

    The type stays; pixels that are not square become so first. See `resize`.
    """

    def __init__(self, *, size: int, fill: int = 0) -> None:
        self.size = size
        self.fill = fill

    def __call__(self, data: Pixels) -> NDArray[Any] | torch.Tensor:
        """Prepare one `Picture`, array or tensor."""
        return change(data, self._prepare)

    def _prepare(self, picture: Picture) -> NDArray[Any]:
        array = square_pixels(picture.array, picture.aspect)
        height, width = fitted_size(*array.shape[:2], size=self.size)
        return pad_to_square(resize(array, height=height, width=width), fill=self.fill)


class AreaResized(MapTransform):
    """`AreaResize` for each key."""

    def __init__(
        self,
        keys: KeysCollection,
        *,
        size: int,
        fill: int = 0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.resize = AreaResize(size=size, fill=fill)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's `Picture`, array or tensor."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.resize(result[key])
        return result
