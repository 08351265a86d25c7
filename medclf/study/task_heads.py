"""What fitting does otherwise for grades and for several findings than for one label of several."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from medclf.cohort.finding_truth import finding_truth
from medclf.errors import ModelMisuse
from medclf.model.doubt import doubt_correction
from medclf.model.findings_probe import fit_findings_probe
from medclf.model.fit_config import FitConfig, Selection, Weighting
from medclf.model.network import Network
from medclf.model.ordinal import OrdinalHead
from medclf.model.ordinal_probe import OrdinalFit, fit_ordinal_probe
from medclf.model.prior import prior_shift
from medclf.model.probe import LinearHead
from medclf.model.selection import judge_scores
from medclf.model.task import Task
from medclf.model.weighting import count_classes, count_outcomes, weigh
from medclf.study.config import StudyConfig
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress

SELECTION_NAMES = {
    Selection.AUC: "AUC",
    Selection.AVERAGE_PRECISION: "average precision",
    Selection.KAPPA: "kappa",
}

_Array = np.ndarray[Any, np.dtype[np.float64]]
_Known = tuple[_Array, np.ndarray[Any, Any]]
"""Features (n, d) and truth of a part."""


def start_grades(
    train: _Known, tune: _Known, config: StudyConfig, progress: Progress
) -> OrdinalFit:
    """Fit an ordinal head on frozen features.

    Raises:
        ModelMisuse: a grade has no case in the train part.
    """
    return fit_ordinal_probe(
        train,
        tune,
        weights=_weights(count_classes(train[1], len(config.data.labels)), config),
        judge=partial(judge_scores, Selection.KAPPA, task=Task.ORDINAL),
    )


def probe_findings(train: _Known, tune: _Known, config: StudyConfig) -> LinearHead:
    """Fit a linear head on frozen features, each finding from the cases told of it.

    Raises:
        ModelMisuse: a finding is told one way only in the train part.
    """
    return fit_findings_probe(
        train,
        tune,
        weights=_weights(count_outcomes(train[1]), config).T,  # (2, findings)
        judge=partial(judge_scores, Selection.AUC, task=Task.FINDINGS),
    )


def probe_in_words(probe: LinearHead | OrdinalFit) -> str:
    """Return how a probe did on the tune part and where its penalty was chosen."""
    if isinstance(probe, OrdinalFit):
        return f"tune kappa {probe.tune_kappa[probe.penalty]:.3f}, penalty chosen by it"
    figure = probe.tune_auc[probe.penalty]
    return f"tune AUC {figure:.3f}, C = {probe.penalty:g} chosen on {probe.chosen_on}"


@torch.no_grad()
def put_probe(network: Network, probe: LinearHead | OrdinalFit) -> None:
    """Make a probe the head of a network, in the odds that it was fitted in."""
    if isinstance(network.head, OrdinalHead) and isinstance(probe, OrdinalFit):
        probe.put_into(network.head)
    elif isinstance(network.head, nn.Linear) and isinstance(probe, LinearHead):
        network.head.weight.copy_(torch.as_tensor(probe.weight))
        network.head.bias.copy_(torch.as_tensor(probe.bias))
    else:
        raise ModelMisuse(
            f"A {type(probe).__name__} is no head of a network for {network.architecture.task}.",
            advice="Fit the probe for the task of the network.",
        )


def _weights(counts: np.ndarray[Any, np.dtype[np.int64]], config: StudyConfig) -> _Array:
    return weigh(counts, config.fit.weighting, beta=config.fit.effective_beta)


def probe_rule(config: StudyConfig) -> FitConfig:
    """Return how the probe weighs: it draws every case once and adjusts nothing.

    The probe of exclusive labels is scikit-learn's, which knows balanced weights and none.
    """
    weighting = config.fit.weighting
    if config.data.task is Task.EXCLUSIVE and weighting is not Weighting.BALANCED:
        weighting = Weighting.NONE
    return FitConfig(weighting=weighting, effective_beta=config.fit.effective_beta)


def odds_shift(prepared: Prepared, config: StudyConfig, fit: FitConfig) -> _Array:
    """Return (classes,) to add to scores so that they carry the training part's own odds.

    For findings also what the rule for uncertain ones has moved: the odds are those among the
    cases that are told for sure.

    Args:
        prepared: holds the training part.
        config: of the study.
        fit: by which the scores were learned.
    """
    train, task = prepared.parts["train"], config.data.task
    shift = prior_shift(fit, train.truth, len(config.data.label_space), task=task)
    if task is not Task.FINDINGS:
        return shift
    sure = finding_truth(prepared.manifest)[train.rows]
    return shift + doubt_correction(sure, train.truth)
