"""`folds.json`: all that a cross-validation found, in one file that says how it was found.

No time, no path and no speed goes in: the same inputs give the same bytes, however often the
run was interrupted.
"""

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from medclf.cohort.manifest import Manifest
from medclf.cohort.split import Split
from medclf.digest import digest_json
from medclf.evaluate.compare import Difference
from medclf.evaluate.evaluation import Estimate
from medclf.model.weights import WeightsReport
from medclf.study.config import StudyConfig
from medclf.study.fold_summary import MethodSummary, RunFigures, Spread

FORMAT = "medclf-folds/1"

STATEMENTS = (
    "A cross-validation looks at the whole cohort: a test part that this study has sealed, or "
    "will seal, is no longer unseen.",
    "No package comes out of folds; `medclf train` without --folds makes one.",
    "Every test image was scored; a package would also abstain from images unlike its training.",
    "Choosing settings by these figures makes them too good; choose by tune parts.",
)


def document_of(
    methods: Mapping[str, MethodSummary],
    ahead: Mapping[str, Mapping[str, Difference]],
    *,
    manifest: Manifest,
    splits: Sequence[Split],
    weights: WeightsReport,
    config: StudyConfig,
) -> dict[str, Any]:
    """Return what `folds.json` holds.

    Args:
        methods: the study's own first, then what stands beside it.
        ahead: other method → figure → how far the study's own is ahead.
        manifest: of the cohort.
        splits: of the folds, in order.
        weights: the pretrained weights that each network started from.
        config: the study.
    """
    settings = config.model_dump(
        mode="json", exclude={"workspace": True, "data": {"table", "folder"}}
    )
    settings["model"]["weights"] = weights.source
    return {
        "format": FORMAT,
        "study": config.name,
        "made_up": config.made_up,
        "version": version("medclf"),
        "labels": list(config.data.labels),
        "positive": config.data.positive,
        "ordered": config.data.ordered,
        "manifest": manifest.digest,
        "cases": len(manifest),
        "units": len(set(splits[0].units.tolist())),
        "splits": [split.digest for split in splits],
        "weights": {"source": weights.source, "digest": weights.digest},
        "configuration": settings,
        "configuration_digest": digest_json(settings),
        "statements": list(STATEMENTS),
        "warnings": _warnings(methods[config.model.method], splits),
        "methods": {name: _method(found) for name, found in methods.items()},
        "ahead": {
            name: {figure: _estimate(one) | {"p": _number(one.p)} for figure, one in found.items()}
            for name, found in ahead.items()
        },
    }


def _warnings(own: MethodSummary, splits: Sequence[Split]) -> list[str]:
    """Return what a reader must know: of the splits, then of single networks."""
    of_splits = sorted({warning for split in splits for warning in split.warnings})
    of_networks = [
        f"Fold {one.scores.fold}, seed {one.scores.seed}: {one.scores.temperature.note}"
        for one in own.runs
        if one.scores.temperature.note
    ]
    return [*of_splits, *of_networks]


def _method(found: MethodSummary) -> dict[str, Any]:
    return {
        "runs": [_run(one) for one in found.runs],
        "over_folds": {name: _spread(spread) for name, spread in found.over_folds.items()},
        "over_seeds": {name: _spread(spread) for name, spread in found.over_seeds.items()},
        "pooled": {
            str(seed): {name: _estimate(estimate) for name, estimate in figures.items()}
            for seed, figures in found.pooled.items()
        },
    }


def _run(one: RunFigures) -> dict[str, Any]:
    scores = one.scores
    return {
        "fold": scores.fold,
        "seed": scores.seed,
        "cases": len(scores.cases),
        "identity": scores.identity,
        "digest": scores.digest,
        "epochs": scores.epochs,
        "best_epoch": scores.best_epoch,
        "temperature": scores.temperature.value,
        "note": scores.temperature.note,
        "thresholds": scores.thresholds,
        "figures": {name: _number(value) for name, value in one.figures.items()},
    }


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "mean": _number(spread.mean),
        "sd": _number(spread.sd),
        "low": _number(spread.low),
        "high": _number(spread.high),
        "n": spread.n,
    }


def _estimate(estimate: Estimate | Difference) -> dict[str, Any]:
    return {
        "estimate": _number(estimate.estimate),
        "low": _number(estimate.low),
        "high": _number(estimate.high),
        "method": estimate.method,
        "n": estimate.n,
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
