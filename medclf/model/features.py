"""Runs a network over prepared pictures once and keeps what it says of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from medclf.model.network import Network

Normalise = Callable[[np.ndarray[Any, Any]], torch.Tensor]
"""(batch, size, size[, 3]) uint8 → (batch, channels, size, size) float32."""


class Pictures(Protocol):
    """Prepared pictures in memory or on disk: (n, size, size) or (n, size, size, 3) uint8."""

    def __getitem__(self, rows: Any, /) -> Any:
        """Return the pictures of some rows as one array."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network says of n pictures.

    Attributes:
        scores: (n, classes) float64, raw, before calibration.
        features: (n, features) float64.
    """

    scores: np.ndarray[Any, np.dtype[np.float64]]
    features: np.ndarray[Any, np.dtype[np.float64]]


def compute_outputs(
    network: Network,
    pictures: Pictures,
    rows: Sequence[int],
    *,
    normalise: Normalise,
    batch: int = 32,
    device: torch.device | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Outputs:
    """Run a network over some rows of the prepared pictures, without gradients, in float32.

    Args:
        network: left in evaluation mode.
        pictures: (n, size, size) or (n, size, size, 3) uint8, usually memory-mapped.
        rows: which pictures, in this order.
        normalise: turns a uint8 batch into what the network expects.
        batch: pictures at a time.
        device: where to run; the network's own place when None.
        progress: told (done, total) after each batch.
    """
    network.eval()
    place = device or next(network.parameters()).device
    scores, features = [], []
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            some = pictures[np.asarray(rows[start : start + batch])]
            x = normalise(some).to(place)  # (batch, channels, size, size)
            s, f = network(x.contiguous(memory_format=torch.channels_last))
            scores.append(s.double().cpu().numpy())
            features.append(f.double().cpu().numpy())
            if progress:
                progress(min(start + batch, len(rows)), len(rows))
    width = network.head.in_features
    return Outputs(
        scores=np.concatenate(scores) if scores else np.empty((0, network.head.out_features)),
        features=np.concatenate(features) if features else np.empty((0, width)),
    )
