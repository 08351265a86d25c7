"""The ways of learning a rare finding, and the cheap network that they are compared on."""

from collections.abc import Callable

import numpy as np
import torch

from medclf.model.fit_config import FitConfig, Loss, Sampling, Weighting
from medclf.model.loss import make_objective
from medclf.model.part import Part
from medclf.model.prior import log_prior, prior_shift
from medclf.model.sampling import draw_cases
from medclf.model.task import Task
from medclf.model.weighting import count_classes

PREVALENCE = 0.02
METHODS: dict[str, dict[str, object]] = {
    "none": {"weighting": Weighting.NONE},
    "balanced weights": {"weighting": Weighting.BALANCED},
    "effective-number weights": {"weighting": Weighting.EFFECTIVE},
    "focal loss": {"weighting": Weighting.NONE, "loss": Loss.FOCAL},
    "square-root sampling": {"weighting": Weighting.NONE, "sampling": Sampling.SQUARE_ROOT},
    "balanced sampling": {"weighting": Weighting.NONE, "sampling": Sampling.BALANCED},
    "logit-adjusted loss": {"weighting": Weighting.NONE, "logit_adjustment": 1.0},
}


def thin(part: Part, patients: np.ndarray, generator: np.random.Generator) -> Part:
    """Keep all negatives and as many positives as make 2 %, patient by patient.

    A patient whose pictures would be too many is passed over for the next one.
    """
    negatives, positives = np.flatnonzero(part.truth == 0), np.flatnonzero(part.truth == 1)
    wanted = round(PREVALENCE / (1 - PREVALENCE) * len(negatives))
    kept: list[int] = []
    for patient in generator.permutation(np.unique(patients[positives])):
        own = positives[patients[positives] == patient]
        if len(kept) + len(own) <= wanted:
            kept.extend(own.tolist())
    rows = np.sort(np.concatenate([negatives, np.array(kept, dtype=np.int64)]))
    return Part(part.rows[rows], part.truth[rows])


def fit_head(
    features: np.ndarray, train: Part, config: FitConfig, *, seed: int
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a linear head with the engine's own losses and draws; return rows → scores."""
    known = features[train.rows]
    mean, scale = known.mean(axis=0), known.std(axis=0) + 1e-6
    x = torch.tensor((known - mean) / scale).float()  # (n, features)
    truth = torch.tensor(train.truth)
    objective = make_objective(
        config, train.truth, classes=2, task=Task.EXCLUSIVE, device=torch.device("cpu")
    )
    head = torch.nn.Linear(x.shape[1], 2)
    torch.nn.init.zeros_(head.weight)
    shift = prior_shift(config, train.truth, 2)
    with torch.no_grad():  # all methods start from the odds of the train part
        head.bias.copy_(torch.tensor(log_prior(count_classes(train.truth, 2)) - shift))
    optimiser = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.1)
    steps = len(x) // config.batch
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps * config.epochs)
    for epoch in range(config.epochs):
        generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
        order = draw_cases(train.truth, config.sampling, generator)
        for step in range(steps):
            some = order[step * config.batch : (step + 1) * config.batch]
            optimiser.zero_grad()
            objective(head(x[some]), truth[some]).mean().backward()
            optimiser.step()
            schedule.step()

    def score(rows: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            seen = torch.tensor((features[rows] - mean) / scale).float()
            return head(seen).double().numpy() + shift

    return score
