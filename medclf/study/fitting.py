"""Fits the network of a study: a linear probe first, then all weights when asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from medclf.digest import digest_json
from medclf.errors import ModelMisuse
from medclf.model.fit import Epoch, Fitted, finetune, resolve_precision
from medclf.model.fit_config import Weighting
from medclf.model.loss import class_weights, prior_correction
from medclf.model.network import Network
from medclf.model.probe import LinearHead, fit_probe
from medclf.model.selection import judge_scores
from medclf.model.weights import WeightsReport, load_weights
from medclf.pixels.transforms.augment import augment_batch
from medclf.pixels.transforms.normalise import as_unit_range, standardise
from medclf.pixels.transforms.preprocessing import normalise
from medclf.study.config import StudyConfig
from medclf.study.features import frozen_features
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress


@dataclass(frozen=True)
class Learned:
    """A fitted network with how it came to be.

    Attributes:
        network: in evaluation mode; its scores carry the training population's odds.
        weights: what the pretrained weights were.
        probe: the linear head that fine-tuning started from; None from random weights.
        fitted: the epochs; None when only the probe was fitted.
    """

    network: Network
    weights: WeightsReport
    probe: LinearHead | None
    fitted: Fitted | None


def build_network(config: StudyConfig) -> tuple[Network, WeightsReport]:
    """Build the network and load its pretrained weights.

    Raises:
        ModelMisuse: the backbone is unknown or cannot take this input, or a probe is
            asked for on random weights.
        WeightsUnavailable: the weights cannot be had.
        WeightsRefused: the weights do not fit.
    """
    if config.model.weights == "random" and config.model.method == "probe":
        raise ModelMisuse(
            "A probe on random weights learns nothing worth having.",
            advice="Set `method: finetune`, or name pretrained weights.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)  # initial weights draw from the global stream
        network = Network(config.architecture, dropout=config.fit.dropout)
    report = load_weights(network.backbone, config.model.backbone, config.model.weights)
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
        ModelMisuse: the train part holds one class only.
    """
    probe = None
    if config.model.weights != "random":
        probe = _fit_head(network, prepared, config, progress)
    fitted = None
    if config.model.method == "finetune":
        fitted = _fit_all(network, weights, prepared, config, progress)
    train = prepared.parts["train"].truth
    shift = prior_correction(class_weights(train, len(config.data.labels), config.fit.weighting))
    with torch.no_grad():
        network.head.bias.add_(torch.as_tensor(shift).to(network.head.bias))
    network.eval()
    return Learned(network, weights, probe, fitted)


def _fit_head(
    network: Network, prepared: Prepared, config: StudyConfig, progress: Progress
) -> LinearHead:
    train, tune = prepared.parts["train"], prepared.parts["tune"]
    features = frozen_features(
        network, prepared, [*train.rows.tolist(), *tune.rows.tolist()], config, progress=progress
    ).astype(np.float64)  # (train and tune, features)
    head = fit_probe(
        (features[: len(train.rows)], train.truth),
        (features[len(train.rows) :], tune.truth),
        units=prepared.split.units[train.rows],
        balanced=config.fit.weighting is Weighting.BALANCED,
        judge=lambda truth, scores: judge_scores(
            config.fit.select_by, truth, scores, task=config.architecture.task
        ),
        seed=config.seed,
    )
    with torch.no_grad():
        network.head.weight.copy_(torch.as_tensor(head.weight))
        network.head.bias.copy_(torch.as_tensor(head.bias))
    found = f"tune AUC {head.tune_auc[head.penalty]:.4f}"
    progress("probe", 1, 1, f"{found}, C = {head.penalty:g} chosen on {head.chosen_on}")
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
            "labels": list(config.data.labels),
            "model": config.model.model_dump(mode="json", exclude={"weights"}),
            "precision": resolve_precision(config.fit.precision).value,
            "preprocessing": config.preprocessing.model_dump(mode="json"),
            "augment": config.augment.model_dump(mode="json"),
            "fit": config.fit.model_dump(mode="json"),
            "seed": config.seed,
        }
    )
    latest = ""

    def on_epoch(epoch: Epoch) -> None:
        nonlocal latest
        latest = (
            f"epoch {epoch.number}/{config.fit.epochs} loss {epoch.loss:.3f} "
            f"tune AUC {epoch.tune_auc:.4f} {epoch.pictures_per_s:.0f} img/s"
        )

    return finetune(
        network,
        prepared.pictures.array,
        train=prepared.parts["train"],
        tune=prepared.parts["tune"],
        config=config.fit,
        seed=config.seed,
        normalise=lambda batch: normalise(batch, config.preprocessing),
        augmented=_augmented(config),
        checkpoint=config.workspace / "checkpoints" / f"{identity[7:23]}.pt",
        identity=identity,
        on_step=lambda done, total: progress("fine-tune", done, total, latest),
        on_epoch=on_epoch,
    )


def _augmented(
    config: StudyConfig,
) -> Callable[[np.ndarray[Any, Any], torch.Generator], torch.Tensor]:
    """Return the random variation of a uint8 batch, as the network expects it."""
    rule = config.preprocessing

    def vary(batch: np.ndarray[Any, Any], generator: torch.Generator) -> torch.Tensor:
        unit = as_unit_range(batch, channels=rule.channels)  # (batch, channels, size, size)
        varied = augment_batch(unit, rule.kind, generator, config.augment)
        return standardise(varied, rule.mean, rule.std)

    return vary
