"""Judges the mean weights on the tune part, which all processes share out among them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from medclf.model.averaging import MeanWeights
from medclf.model.features import Normalise, Pictures, compute_outputs
from medclf.model.fit_config import FitConfig, Loss, Weighting
from medclf.model.loss import make_objective
from medclf.model.losses import diverged
from medclf.model.network import Network
from medclf.model.part import Part
from medclf.model.processes import Processes
from medclf.model.selection import judge_scores

_PLAIN: dict[str, Any] = {
    "loss": Loss.CROSS_ENTROPY,
    "weighting": Weighting.NONE,
    "smoothing": 0.0,
    "logit_adjustment": 0.0,
}
_BATCH = 32  # dealt out whole, so that a case's neighbours are the same for any number of processes


@dataclass(frozen=True)
class Judge:
    """Judges the mean weights of a network, in all processes alike."""

    network: Network
    pictures: Pictures
    train: Part
    tune: Part
    normalise: Normalise
    config: FitConfig
    processes: Processes

    def __call__(self, mean: MeanWeights, epoch: int) -> tuple[float, float]:
        """Return the figure that `select_by` names and the unweighted loss.

        Raises:
            TrainingDiverged: a score is not a finite number.
        """
        with mean.worn():
            scores = score_together(
                self.network,
                self.pictures,
                self.tune,
                normalise=self.normalise,
                processes=self.processes,
            )
        if not np.isfinite(scores).all():
            raise diverged("The network's scores are no numbers", epoch)
        shape, truth = self.network.architecture, self.tune.truth
        objective = make_objective(
            self.config.model_copy(update=_PLAIN),
            self.train.truth,  # a finding may be told one way only in the tune part
            classes=shape.classes,
            task=shape.task,
            device=torch.device("cpu"),
        )
        loss = objective(torch.tensor(scores), torch.as_tensor(truth)).mean()
        figure = judge_scores(self.config.select_by, truth, scores, task=shape.task)
        return figure, float(loss)


def score_together(
    network: Network,
    pictures: Pictures,
    part: Part,
    *,
    normalise: Normalise,
    processes: Processes,
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (n, classes) float64 scores of a part, each case once, the same in every process."""
    place = np.arange(len(part.rows)) // _BATCH % processes.count
    mine = np.flatnonzero(place == processes.rank)
    found = compute_outputs(
        network, pictures, part.rows[mine].tolist(), normalise=normalise, batch=_BATCH
    ).scores
    scores = np.empty((len(part.rows), found.shape[1]))
    for rank, share in enumerate(processes.gathered(found)):
        scores[place == rank] = share
    return scores
