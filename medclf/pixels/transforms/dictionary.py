"""The same transforms as MONAI dictionary transforms, for those who build pipelines with MONAI.

Nothing on the way of a served image imports this file: MONAI takes seconds to start.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.compose import Compose
from monai.transforms.transform import MapTransform, RandomizableTransform
from numpy.typing import NDArray

from medclf.dicom.instance import Kind
from medclf.pixels.picture import Picture
from medclf.pixels.transforms.augment import augment_batch
from medclf.pixels.transforms.fundus import FundusOptions, prepare_fundus
from medclf.pixels.transforms.preprocessing import Preprocessing, normalise
from medclf.pixels.transforms.resample import as_colour
from medclf.pixels.transforms.stain import Stain, normalise_stain
from medclf.pixels.transforms.xray import XrayOptions, prepare_xray

_SEED_LIMIT = 2**31  # numpy's RandomState.randint gives a C long, 32 bits on some systems


def _pixels(value: Picture | NDArray[Any]) -> NDArray[Any]:
    return value.array if isinstance(value, Picture) else value


class Xrayd(MapTransform):
    """Radiographs to (size, size) uint8; see `prepare_xray`."""

    def __init__(
        self,
        keys: KeysCollection,
        *,
        size: int,
        options: XrayOptions | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.size = size
        self.options = options or XrayOptions()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's `Picture` or array."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = prepare_xray(_pixels(result[key]), size=self.size, options=self.options)
        return result


class FundusDiscCropd(MapTransform):
    """Fundus photographs to (size, size, 3) uint8; see `prepare_fundus`."""

    def __init__(
        self,
        keys: KeysCollection,
        *,
        size: int,
        options: FundusOptions | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.size = size
        self.options = options or FundusOptions()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's `Picture` or array."""
        result = dict(data)
        for key in self.key_iterator(result):
            array = as_colour(_pixels(result[key]))
            result[key] = prepare_fundus(array, size=self.size, options=self.options)
        return result


class StainNormalised(MapTransform):
    """Tissue fields of (h, w, 3) uint8 to the reference stain; see `normalise_stain`."""

    def __init__(
        self, keys: KeysCollection, *, method: Stain, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.method = method

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's `Picture` or array."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = normalise_stain(_pixels(result[key]), self.method)
        return result


class Normalised(MapTransform):
    """Squares of eight bits to (channels, size, size) float32 tensors; see `normalise`."""

    def __init__(
        self, keys: KeysCollection, *, config: Preprocessing, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.config = config

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's (size, size) or (size, size, 3) array."""
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = normalise(np.asarray(result[key])[np.newaxis], self.config)[0]
        return result


class Augmentd(RandomizableTransform, MapTransform):
    """Random variations of one picture; all keys vary alike. See `augment_batch`."""

    def __init__(
        self, keys: KeysCollection, *, kind: Kind, allow_missing_keys: bool = False
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob=1.0)
        self.kind = kind
        self.seed = 0

    def randomize(self, data: Any = None) -> None:
        """Draw the seed of the next variation from MONAI's random state."""
        super().randomize(None)
        self.seed = int(self.R.randint(_SEED_LIMIT))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's (c, h, w) tensor: uint8, or float in [0, 1]; the type stays."""
        result = dict(data)
        self.randomize()
        for key in self.key_iterator(result):
            picture = torch.as_tensor(result[key])
            unit = picture if picture.is_floating_point() else picture.float() / 255
            generator = torch.Generator().manual_seed(self.seed)
            varied = augment_batch(unit.unsqueeze(0), self.kind, generator)[0]
            whole = picture.dtype == torch.uint8
            result[key] = (varied * 255).round().to(torch.uint8) if whole else varied
        return result


def augmentation(kind: Kind, keys: KeysCollection = "image") -> Compose:
    """Return the kind's augmentation as a MONAI pipeline; seed it with `set_random_state`.

    Args:
        kind: whose ranges hold.
        keys: of (c, h, w) tensors, uint8 or float in [0, 1].
    """
    return Compose([Augmentd(keys, kind=kind)])
