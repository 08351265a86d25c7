"""Fits an ordinal head on frozen features: where grades start from before all weights train."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from medclf.errors import ModelMisuse
from medclf.model.ordinal import OrdinalHead, grade_log_probabilities

_Array = np.ndarray[Any, np.dtype[np.float64]]
_Judge = Callable[[np.ndarray[Any, Any], _Array], float]

# Far below what a probability's third decimal could show; L-BFGS is there in some fifty steps.
_STEPS, _GRADIENT = 500, 1e-6


@dataclass(frozen=True, slots=True)
class OrdinalFit:
    """Weights of an ordinal head with what was found on the way.

    Attributes:
        weight: (features,) float64, on features as the backbone gives them.
        first: the lowest cut point.
        gaps: (grades - 2,) float64; softplus of each is the step to the next cut point.
        penalty: the inverse L2 strength C that was chosen.
        tune_kappa: quadratic kappa on the tune part for each C that was tried.
    """

    weight: _Array
    first: float
    gaps: _Array
    penalty: float
    tune_kappa: dict[float, float]

    def scores(self, features: _Array) -> _Array:
        """Return (n, grades) log-probabilities of (n, features)."""
        logs = grade_log_probabilities(
            torch.as_tensor(features @ self.weight),
            torch.tensor([self.first], dtype=torch.float64),
            torch.as_tensor(self.gaps),
        )
        return np.asarray(logs.numpy(), dtype=np.float64)

    @torch.no_grad()
    def put_into(self, head: OrdinalHead) -> None:
        """Set the weights of a head to these."""
        head.weight.copy_(torch.as_tensor(self.weight)[None])
        head.first.fill_(self.first)
        head.gaps.copy_(torch.as_tensor(self.gaps))
        head.shift.zero_()


def fit_ordinal_probe(
    train: tuple[_Array, np.ndarray[Any, Any]],
    tune: tuple[_Array, np.ndarray[Any, Any]],
    *,
    weights: _Array,
    judge: _Judge,
    penalties: Sequence[float] = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
) -> OrdinalFit:
    """Fit proportional odds on standardised features; choose the penalty on the tune part.

    The standardisation is folded into the weights, so that the head works on the features as
    they come. Among equal figures the strongest penalty wins.

    Args:
        train: features (n, d) float64 and grades (n,) int.
        tune: features (m, d) float64 and grades (m,) int.
        weights: (grades,) float64, of the cases of each grade.
        judge: gives the figure of grades (m,) and log-probabilities (m, grades): quadratic
            kappa.
        penalties: the inverse L2 strengths C to try.

    Raises:
        ModelMisuse: a grade has no case in the train part, or no penalty is named.
    """
    x, y = train
    grades = len(weights)
    absent = sorted(set(range(grades)) - set(np.unique(y).tolist()))
    if absent:
        raise ModelMisuse(
            f"The train part holds no case of grade number {absent[0] + 1} of {grades}.",
            advice="Check the labels and the split; every grade needs cases to learn from.",
        )
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    standard, truth = torch.as_tensor((x - mean) / scale), torch.as_tensor(y)
    tried: dict[float, float] = {}
    best: OrdinalFit | None = None
    start = _start(y, grades, x.shape[1])
    for penalty in sorted(penalties):
        start = _minimise(standard, truth, torch.as_tensor(weights), penalty, start)
        weight = start[0].numpy() / scale  # (features,)
        first = float(start[1]) + float(weight @ mean)
        found = OrdinalFit(weight, first, start[2].numpy().copy(), penalty, tried)
        tried[penalty] = judge(tune[1], found.scores(tune[0]))
        if best is None or tried[penalty] > tried[best.penalty] + 1e-4:
            best = found
    if best is None:
        raise ModelMisuse("No penalty was given to try.", advice="Name at least one C.")
    return best


_Parameters = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def _start(y: np.ndarray[Any, Any], grades: int, width: int) -> _Parameters:
    """Return no weight at all, and the cut points that give the shares of the grades."""
    shares = np.bincount(y, minlength=grades).cumsum()[:-1] / len(y)
    cuts = np.log(shares / (1 - shares))
    gaps = np.log(np.expm1(np.diff(cuts)))
    return torch.zeros(width).double(), torch.tensor(cuts[:1]), torch.tensor(gaps)


def _minimise(
    x: torch.Tensor, y: torch.Tensor, weights: torch.Tensor, penalty: float, start: _Parameters
) -> _Parameters:
    """Return weight, first cut point and gaps of the penalised maximum of the likelihood."""
    weight, first, gaps = (value.clone().requires_grad_() for value in start)
    search = torch.optim.LBFGS(
        [weight, first, gaps],
        max_iter=_STEPS,
        tolerance_grad=_GRADIENT,
        tolerance_change=1e-12,
        line_search_fn="strong_wolfe",
    )

    def cost() -> torch.Tensor:
        search.zero_grad()
        logs = grade_log_probabilities(x @ weight, first, gaps)  # (n, grades)
        each = functional.nll_loss(logs, y, reduction="none") * weights[y]  # (n,)
        loss = each.mean() + weight.square().sum() / (2 * penalty * len(y))
        loss.backward()
        return loss

    search.step(cost)
    return weight.detach(), first.detach(), gaps.detach()
