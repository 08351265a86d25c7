"""Random variations that respect anatomy, for a MONAI pipeline of training."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms.transform import MapTransform, RandomizableTransform

from medclf.dicom.instance import Kind
from medclf.pixels.transforms.augment import AugmentConfig, augment_batch

_SEED_LIMIT = 2**31  # numpy's RandomState.randint gives a C long, 32 bits on some systems
_WHITE = {torch.uint8: 255, torch.uint16: 65535}


class Augmentd(RandomizableTransform, MapTransform):
    """Random variations of one picture; all keys vary alike. See `augment_batch`.

    Seed it with `set_random_state`, its own or its pipeline's: the same seed gives the same
    variations. MONAI's `DataLoader` seeds each worker apart.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        kind: Kind,
        config: AugmentConfig | None = None,
        prob: float = 1.0,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob=prob)
        self.kind = kind
        self.config = config or AugmentConfig()
        self.seed = 0

    def randomize(self, data: Any = None) -> None:
        """Draw from MONAI's random state whether to vary, and the seed of the variation."""
        super().randomize(None)
        self.seed = int(self.R.randint(_SEED_LIMIT))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key's (c, h, w) tensor: uint8 or uint16, or float in [0, 1]; it stays so."""
        result = dict(data)
        self.randomize()
        if self._do_transform:
            for key in self.key_iterator(result):
                result[key] = self._varied(torch.as_tensor(result[key]))
        return result

    def _varied(self, picture: torch.Tensor) -> torch.Tensor:
        generator = torch.Generator().manual_seed(self.seed)
        white = _WHITE.get(picture.dtype)
        unit = picture if white is None else picture.float() / white
        varied = augment_batch(unit.unsqueeze(0), self.kind, generator, self.config)[0]
        return varied if white is None else (varied * white).round().to(picture.dtype)
