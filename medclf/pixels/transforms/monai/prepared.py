"""A whole `Preprocessing` in a MONAI pipeline, as a package or a study names it."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform, Transform
from numpy.typing import NDArray

from medclf.pixels.picture import Picture
from medclf.pixels.transforms.monai.layout import Pixels, change
from medclf.pixels.transforms.preprocessing import Preprocessing, geometry


class Prepare(Transform):
    """Pictures of the kind to squares, exactly as `Classifier.read` prepares them."""

    def __init__(self, *, config: Preprocessing) -> None:
        self.config = config

    def __call__(self, data: Pixels) -> NDArray[Any] | torch.Tensor:
        """Prepare one `Picture`, array or tensor."""
        return change(data, self._prepare)

    def _prepare(self, picture: Picture) -> NDArray[Any]:
        return geometry(self.config)(picture)


class Prepared(MapTransform):
    """`Prepare` for each key."""

    def __init__(
        self,
        keys: KeysCollection,
        *,
        config: Preprocessing,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.prepare = Prepare(config=config)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's `Picture`, array or tensor."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.prepare(result[key])
        return result
