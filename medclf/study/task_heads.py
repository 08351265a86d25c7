"""What fitting does otherwise for grades and for several findings than for one label of several."""

from functools import partial
from typing import Any

import numpy as np

from medclf.cohort.finding_truth import finding_truth
from medclf.model.doubt import doubt_correction
from medclf.model.findings_probe import fit_findings_probe
from medclf.model.fit_config import Selection
from medclf.model.loss import class_weights, prior_correction
from medclf.model.masked_loss import finding_correction, finding_weights
from medclf.model.ordinal import OrdinalHead
from medclf.model.ordinal_probe import OrdinalFit, fit_ordinal_probe
from medclf.model.probe import LinearHead
from medclf.model.selection import judge_scores
from medclf.model.task import Task
from medclf.study.config import StudyConfig
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress

_Array = np.ndarray[Any, np.dtype[np.float64]]
_Known = tuple[_Array, np.ndarray[Any, Any]]
"""Features (n, d) and truth of a part."""


def start_grades(
    head: OrdinalHead, train: _Known, tune: _Known, config: StudyConfig, progress: Progress
) -> OrdinalFit:
    """Fit an ordinal head on frozen features and put it in its place.

    Raises:
        ModelMisuse: a grade has no case in the train part.
    """
    fitted = fit_ordinal_probe(
        train,
        tune,
        weights=class_weights(train[1], head.out_features, config.fit.weighting),
        judge=partial(judge_scores, Selection.KAPPA, task=Task.ORDINAL),
    )
    fitted.put_into(head)
    progress("probe", 1, 1, f"tune kappa {fitted.tune_kappa[fitted.penalty]:.4f}")
    return fitted


def probe_findings(train: _Known, tune: _Known, config: StudyConfig) -> LinearHead:
    """Fit a linear head on frozen features, each finding from the cases told of it.

    Raises:
        ModelMisuse: a finding is told one way only in the train part.
    """
    return fit_findings_probe(
        train,
        tune,
        weights=finding_weights(train[1], config.fit.weighting),
        judge=partial(judge_scores, Selection.AUC, task=Task.FINDINGS),
    )


def prior_shift(prepared: Prepared, config: StudyConfig) -> _Array:
    """Return (classes,) to add to the scores, so that they carry the training part's own odds.

    For findings also what the rule for uncertain ones has moved: the odds are those among the
    cases that are told for sure.
    """
    train = prepared.parts["train"]
    if config.data.task is not Task.FINDINGS:
        weights = class_weights(train.truth, len(config.data.labels), config.fit.weighting)
        return prior_correction(weights)
    sure = finding_truth(prepared.manifest)[train.rows]
    shift = finding_correction(finding_weights(train.truth, config.fit.weighting))
    return shift + doubt_correction(sure, train.truth)
