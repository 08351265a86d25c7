"""Takes back what it does to the odds of a finding that doubt was learned as truth."""

from typing import Any

import numpy as np

_Array = np.ndarray[Any, np.dtype[np.float64]]


def doubt_correction(sure: np.ndarray[Any, Any], ruled: np.ndarray[Any, Any]) -> _Array:
    """Return (findings,) to add to scores of a network that learned doubt as truth.

    Counting uncertain findings as present or absent moves their share in what is learned
    from; this gives back the odds among the cases that are told for sure.

    Args:
        sure: (n, findings) of 0, 1 and `UNKNOWN`, uncertain ones unknown.
        ruled: the same with uncertain ones counted by the study's rule.
    """

    def log_odds(truth: np.ndarray[Any, Any]) -> _Array:
        present, absent = ((truth == value).sum(axis=0) for value in (1, 0))
        return np.asarray(np.log(np.maximum(present, 1) / np.maximum(absent, 1)), dtype=np.float64)

    return log_odds(sure) - log_odds(ruled)
