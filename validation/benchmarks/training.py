"""The same pictures, batches and first weights for both sides of a race in training."""

from dataclasses import dataclass

import numpy as np
import torch

from medclf.dicom.instance import Kind
from medclf.model.network import Architecture, Network
from medclf.pixels.transforms.preprocessing import Preprocessing, normalise
from validation.benchmarks.pictures import film

CLASSES, SEED = 2, 13


@dataclass(frozen=True)
class Study:
    """The same pictures, batches and first weights for both sides."""

    pictures: np.ndarray  # (n, size, size) uint8
    size: int
    batch: int

    @classmethod
    def made_up(cls, pictures: int, *, size: int, batch: int) -> "Study":
        """Return a study on made-up films."""
        films = [film(size, size, seed=seed) >> 4 for seed in range(pictures)]
        return cls(np.stack(films).astype(np.uint8), size, batch)

    @property
    def truth(self) -> np.ndarray:
        """(n,) int64, the classes in turn."""
        return np.arange(len(self.pictures)) % CLASSES

    def network(self) -> Network:
        """Build the network, each time with the same weights."""
        torch.manual_seed(SEED)
        shape = Architecture(backbone="timm/resnet18", channels=3, size=self.size, classes=CLASSES)
        return Network(shape)

    def ready(self, some: np.ndarray) -> torch.Tensor:
        """Normalise a batch of pictures."""
        return normalise(some, Preprocessing(kind=Kind.XRAY, size=self.size))
