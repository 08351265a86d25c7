"""The last step of a MONAI pipeline: squares to the float tensors that a network takes."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform, Transform
from numpy.typing import NDArray

from medclf.pixels.transforms.preprocessing import Preprocessing, normalise


class Normalise(Transform):
    """A square of uint8 or uint16 to (channels, size, size) float32; see `normalise`."""

    def __init__(self, *, config: Preprocessing) -> None:
        self.config = config

    def __call__(self, data: NDArray[Any] | torch.Tensor) -> torch.Tensor:
        """Normalise one square: an array of (size, size[, 3]), or a tensor, channel first."""
        if isinstance(data, torch.Tensor):
            first = data.as_subclass(torch.Tensor)
            square = first[0] if len(first) == 1 else first.permute(1, 2, 0)
            return normalise(square.unsqueeze(0), self.config)[0]
        return normalise(np.asarray(data)[np.newaxis], self.config)[0]


class Normalised(MapTransform):
    """`Normalise` for each key."""

    def __init__(
        self, keys: KeysCollection, *, config: Preprocessing, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.normalise = Normalise(config=config)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's square by a tensor."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.normalise(result[key])
        return result
