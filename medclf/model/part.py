"""A part of the split as the engine takes it: which pictures, and what is known of each."""

from dataclasses import dataclass
from typing import Any

import numpy as np

UNKNOWN = -1
"""Truth of a finding that is not told, or uncertain and to be ignored: it enters no loss."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the split, as rows of the prepared pictures.

    Attributes:
        rows: (n,) int64 into the prepared pictures.
        truth: (n,) int64 class of each; for `Task.FINDINGS` (n, findings) int64 of 0, 1 and
            `UNKNOWN`.
    """

    rows: np.ndarray[Any, np.dtype[np.int64]]
    truth: np.ndarray[Any, np.dtype[np.int64]]
