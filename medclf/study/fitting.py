"""Fits the network of a study: a linear probe first, then all weights when asked for."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from medclf.digest import digest_json
from medclf.errors import ModelMisuse
from medclf.model.fabric import resolve_precision
from medclf.model.fit import Fitted
from medclf.model.fit_check import check_fit
from medclf.model.fit_config import Weighting
from medclf.model.network import Network
from medclf.model.ordinal_probe import OrdinalFit
from medclf.model.probe import LinearHead, fit_probe
from medclf.model.processes import Processes
from medclf.model.selection import judge_scores
from medclf.model.task import Task
from medclf.model.weights import WeightsReport, load_weights
from medclf.study.assignment import Assignment, carry_out, hand_out
from medclf.study.config import StudyConfig
from medclf.study.features import frozen_features
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress
from medclf.study.task_heads import (
    SELECTION_NAMES,
    odds_shift,
    probe_findings,
    probe_in_words,
    probe_rule,
    put_probe,
    start_grades,
)


@dataclass(frozen=True)
class Learned:
    """A fitted network with how it came to be.

    Attributes:
        network: in evaluation mode; its scores carry the training population's odds.
        weights: what the pretrained weights were.
        probe: the head that fine-tuning started from; None from random weights.
        fitted: the epochs; None when only the probe was fitted.
        chosen_by: the tune figure that chose the epoch, in words.
        shift: (classes) what was added to the scores for that, see `prior_shift`.
    """

    network: Network
    weights: WeightsReport
    probe: LinearHead | OrdinalFit | None
    fitted: Fitted | None
    shift: tuple[float, ...] = ()
    chosen_by: str = "AUC"


def build_network(config: StudyConfig) -> tuple[Network, WeightsReport]:
    """Build the network and load its pretrained weights.

    Raises:
        ModelMisuse: the backbone is unknown or cannot take this input, or `method` or a key
            of `fit` asks for what cannot be had.
        WeightsUnavailable: the weights cannot be had.
        WeightsRefused: the weights do not fit.
    """
    if config.model.weights == "random" and config.model.method != "finetune":
        raise ModelMisuse(
            f"A {config.model.method} start on random weights learns nothing worth having.",
            advice="Set `method: finetune`, or name pretrained weights.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # initial weights draw from the global stream
        network = Network(config.architecture, dropout=config.fit.dropout)
    if config.model.method != "probe":
        gradual = config.model.method == "gradual"
        check_fit(network, config.fit, Processes.here(), gradual=gradual)
    report = load_weights(
        network.backbone,
        config.model.backbone,
        config.model.weights,
        revision=config.model.revision,
        digest=config.model.weights_digest,
        licence=config.model.weights_licence,
    )
    return network, report


def fit_network(
    network: Network,
    weights: WeightsReport,
    prepared: Prepared,
    config: StudyConfig,
    *,
    progress: Progress,
) -> Learned:
    """Fit a network to the train part; choose penalty and epoch by the tune part.

    Raises:
        TrainingDiverged: the loss is not a finite number.
        PartRefused: a class is missing from the train or the tune part.
    """
    shift = odds_shift(prepared, config, config.fit)
    probe = None
    if config.model.weights != "random":
        probe = _fit_head(network, prepared, config, progress)
        # Its scores carry the odds of its own weights; what goes on from it expects others.
        network.shift_scores(odds_shift(prepared, config, probe_rule(config)) - shift)
    fitted = None
    if config.model.method != "probe":
        fitted = _fit_all(network, weights, prepared, config, progress)
    network.shift_scores(shift)
    network.eval()
    chosen_by = SELECTION_NAMES[config.fit.select_by]
    return Learned(network, weights, probe, fitted, tuple(shift.tolist()), chosen_by)


def _fit_head(
    network: Network, prepared: Prepared, config: StudyConfig, progress: Progress
) -> LinearHead | OrdinalFit:
    train, tune = prepared.parts["train"], prepared.parts["tune"]
    features = frozen_features(
        network, prepared, [*train.rows.tolist(), *tune.rows.tolist()], config, progress=progress
    ).astype(np.float64)  # (train and tune, features)
    known = (
        (features[: len(train.rows)], train.truth),
        (features[len(train.rows) :], tune.truth),
    )
    head: LinearHead | OrdinalFit
    if config.data.task is Task.ORDINAL:
        head = start_grades(*known, config, progress)
    else:
        if config.data.task is Task.FINDINGS:
            head = probe_findings(*known, config)
        else:
            head = fit_probe(
                *known,
                units=prepared.split.units[train.rows],
                balanced=config.fit.weighting is Weighting.BALANCED,
                judge=partial(judge_scores, config.fit.select_by),
                seed=config.seed,
            )
    progress("probe", 1, 1, probe_in_words(head))
    put_probe(network, head)
    return head


def _fit_all(
    network: Network,
    weights: WeightsReport,
    prepared: Prepared,
    config: StudyConfig,
    progress: Progress,
) -> Fitted:
    identity = digest_json(
        {
            "manifest": prepared.manifest.digest,
            "split": prepared.split.digest,
            "weights": weights.digest,
            "pictures": prepared.pictures.digest,
            "labels": list(config.data.label_space),
            "task": config.data.task.value,
            "model": config.model.model_dump(mode="json", include={"backbone", "method"}),
            "precision": resolve_precision(config.fit.precision).value,
            "preprocessing": config.preprocessing.model_dump(mode="json"),
            "augment": config.augment.model_dump(mode="json"),
            "fit": config.fit.model_dump(mode="json"),
            "seed": config.seed,
        }
    )
    assignment = Assignment(config, prepared.parts["train"], prepared.parts["tune"], identity)
    hand_out(assignment, pictures=prepared.pictures.digest)
    return carry_out(assignment, network, prepared.pictures.array, progress=progress)
