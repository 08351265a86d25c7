"""Prepared pictures as a MONAI data set, for those who train with MONAI's own tools."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.data.dataset import Dataset

from medclf.cohort.dataset import PreparedImages


class PictureDataset(Dataset):
    """Dictionaries of `image`, `label` and `digest`, one for each picture.

    Works with `monai.data.DataLoader` and `ThreadDataLoader`; worker processes, forked or
    spawned, get the paths of the pictures and never the pictures. An image is a tensor of its
    own, so a transform may change it in place:

    - `image`: (1, size, size) or (3, size, size) as stored, uint8 or uint16;
    - `label`: the class as int; -1 without labels;
    - `digest`: `sha256:…` of the image's bytes.
    """

    def __init__(
        self,
        images: PreparedImages,
        labels: "Sequence[int] | np.ndarray | None" = None,
        *,
        rows: "Sequence[int] | np.ndarray | None" = None,
        transform: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        """Choose pictures.

        Args:
            images: of a cohort.
            labels: (n,) class of each row of the cohort; see `Manifest.label_indices`.
            rows: which pictures, in this order; all when None. A part of a split, for example.
            transform: MONAI transforms of the dictionary.

        Raises:
            ValueError: there is not one label for each row of the cohort.
        """
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"expected {len(images)} labels, one for each row, got {len(labels)}")
        chosen = np.arange(len(images)) if rows is None else np.asarray(rows, np.int64)
        truth = None if labels is None else np.asarray(labels, np.int64)
        super().__init__(_Items(images, truth, chosen), transform)


@dataclass(frozen=True, eq=False)
class _Items(Sequence[dict[str, Any]]):
    images: PreparedImages
    labels: np.ndarray | None
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: Any) -> Any:
        row = int(self.rows[place])
        picture = self.images[row]
        first = picture[None] if picture.ndim == 2 else picture.transpose(2, 0, 1)
        return {
            "image": torch.from_numpy(np.array(first, order="C")),  # (channels, size, size)
            "label": -1 if self.labels is None else int(self.labels[row]),
            "digest": self.images.digest_of(row),
        }
