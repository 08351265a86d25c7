"""Random numbers that belong to a case, so that they are the same however a batch is shared out.

Every draw depends on the seed, the epoch, the step and the case's place in the whole batch: not
on how many processes or passes the batch was cut into, nor on what was drawn before.
"""

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor


class Purpose(IntEnum):
    """What a stream is for, so that no two draw the same numbers."""

    ORDER = 0
    VARIATION = 1
    DROPOUT = 2
    MIXING = 3


def stream_seed(seed: int, purpose: Purpose, *where: int) -> int:
    """Return the 63-bit seed of a stream of its own.

    Args:
        seed: of the study.
        purpose: what is drawn.
        where: epoch, or epoch and step.
    """
    words = np.random.SeedSequence([seed, int(purpose), *where]).generate_state(1, np.uint64)
    return int(words[0]) >> 1


class CaseGenerator(torch.Generator):
    """A CPU generator for a whole batch, of which the holder varies some cases.

    Attributes:
        places: (b,) int64, where the holder's cases stand in the whole batch.
    """

    places: Tensor

    @classmethod
    def seeded(cls, seed: int, places: Tensor) -> "CaseGenerator":
        """Return a generator at the start of its stream."""
        generator = cls()
        generator.manual_seed(seed)
        generator.places = places
        return generator
