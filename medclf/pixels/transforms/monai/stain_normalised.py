"""Stain normalisation alone in a MONAI pipeline, at whatever size the field has."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform, Transform
from numpy.typing import NDArray

from medclf.pixels.picture import Picture
from medclf.pixels.transforms.monai.layout import Pixels, change
from medclf.pixels.transforms.resample import as_colour
from medclf.pixels.transforms.stain import Stain, normalise_stain


class StainNormalise(Transform):
    """Tissue fields to the colours of the reference stain; see `normalise_stain`."""

    def __init__(self, *, method: Stain) -> None:
        self.method = method

    def __call__(self, data: Pixels) -> NDArray[Any] | torch.Tensor:
        """Prepare one `Picture`, array or tensor."""
        return change(data, self._prepare)

    def _prepare(self, picture: Picture) -> NDArray[Any]:
        return normalise_stain(as_colour(picture.array), self.method)


class StainNormalised(MapTransform):
    """`StainNormalise` for each key."""

    def __init__(
        self,
        keys: KeysCollection,
        *,
        method: Stain,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.normalise = StainNormalise(method=method)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's `Picture`, array or tensor."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.normalise(result[key])
        return result
