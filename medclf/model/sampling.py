"""Draws the cases of one epoch, so that rare classes can be seen more often than they occur.

Square-root sampling: Mikolov et al. 2013, arXiv:1310.4546, and Mahajan et al. 2018,
arXiv:1805.00932, section 2.2; both kinds compared by Kang et al. 2020, arXiv:1910.09217.
"""

from typing import Any

import numpy as np
import torch

from medclf.errors import ModelMisuse
from medclf.model.fit_config import Sampling

_Counts = np.ndarray[Any, np.dtype[np.int64]]


def draw_cases(
    truth: np.ndarray[Any, Any], sampling: Sampling, generator: torch.Generator
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the cases of one epoch in the order in which they are learned from.

    An epoch keeps its length. A class that is to be seen more often than it has cases repeats
    all of them equally often, give or take one; of a class that is to be seen less often none
    is repeated, and each epoch draws others.

    Args:
        truth: (n,) int64 class of each case; with `natural` sampling also (n, findings).
        sampling: how often the cases of a class are drawn.
        generator: of all randomness.

    Returns:
        (n,) int64 indices into `truth`; with `natural` sampling a permutation.

    Raises:
        ModelMisuse: pictures of several findings were to be drawn by their class.
    """
    if sampling is Sampling.NATURAL:
        return torch.randperm(len(truth), generator=generator).numpy()
    if truth.ndim != 1:
        raise ModelMisuse(
            f"Sampling {sampling} draws by the class of a picture; these have several findings.",
            advice="Set `sampling: natural`, and `weighting: balanced` for rare findings.",
        )
    present, counts = np.unique(truth, return_counts=True)
    drawn = []
    for label, wanted in zip(present, drawn_counts(counts, sampling), strict=True):
        cases = torch.from_numpy(np.flatnonzero(truth == label))
        whole, rest = divmod(int(wanted), len(cases))
        some = torch.randperm(len(cases), generator=generator)[:rest]
        drawn.append(torch.cat([cases.repeat(whole), cases[some]]))
    epoch = torch.cat(drawn)  # (n,)
    return epoch[torch.randperm(len(epoch), generator=generator)].numpy()


def drawn_counts(counts: _Counts, sampling: Sampling) -> _Counts:
    """Return how many cases of each class one epoch draws; as many in all as there are.

    Args:
        counts: (classes,) int64, cases of each class, each above 0.
        sampling: the rule.

    Returns:
        (classes,) int64, shared out by largest remainder: every epoch the same, so that the
        shift of the prior is known and not estimated.

    >>> drawn_counts(np.array([90, 10]), Sampling.SQUARE_ROOT).tolist()
    [75, 25]
    """
    match sampling:
        case Sampling.NATURAL:
            return counts
        case Sampling.BALANCED:
            shares = np.ones(len(counts))
        case Sampling.SQUARE_ROOT:
            shares = np.sqrt(counts)
    exact = counts.sum() * shares / shares.sum()
    # Never 0: by Cauchy and Schwarz each class gets at least sqrt(n / classes) ≥ 1.
    whole = np.floor(exact + 1e-9).astype(np.int64)
    left = int(counts.sum() - whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return np.asarray(whole)
