"""What a package is, in the words of the report and of the model card."""

from collections.abc import Mapping
from typing import Any

from medclf.classifier import PackedModel
from medclf.model.runtime import RuntimeName
from medclf.report.context import OperatingPointFacts, PackageFacts


def package_facts(model: PackedModel, lineage: Mapping[str, Any]) -> PackageFacts:
    """Return what a package is.

    Args:
        model: what `model.json` says.
        lineage: what `lineage.json` says.
    """
    rules = model.preprocessing
    weights = lineage["weights"]
    options = getattr(rules, rules.kind.value).model_dump(mode="json")
    settings = lineage["configuration"]
    other = model.runtime is not RuntimeName.TORCH
    run_by = f", run by {model.runtime} in {model.arithmetic}" if other else ""
    return PackageFacts(
        name=model.name,
        kind=rules.kind.value,
        backbone=f"{model.architecture.backbone}, {model.architecture.size} px{run_by}",
        weights_source=_told(weights),
        weights_digest=weights["digest"],
        labels=model.labels,
        preprocessing={
            "pixels": model.pixels,
            "size": f"{rules.size} px",
            "resampling": rules.resample,
            "mean": ", ".join(f"{value:g}" for value in rules.mean),
            "standard deviation": ", ".join(f"{value:g}" for value in rules.std),
            **{name.replace("_", " "): str(value) for name, value in options.items()},
        },
        temperature=model.temperature,
        temperatures=dict(zip(model.labels, model.temperatures, strict=False)),
        operating_points=tuple(
            OperatingPointFacts(point.name, point.label, point.threshold, point.rule)
            for point in model.operating_points
        ),
        novelty_threshold="abstains beyond the distance that "
        f"{100 * settings['calibrate']['novelty_level']:g} % of held-out images exceed",
        training_parts=lineage["parts"],
        software=lineage["libraries"],
        training={
            "method": settings["model"]["method"],
            "seed": str(settings["seed"]),
            "epochs": str(len(lineage["epochs"])),
            "best epoch": str(lineage["best_epoch"]),
            "manifest": lineage["manifest"],
            "split": lineage["split"],
            "configuration": lineage["configuration_digest"],
        },
    )


def _told(weights: Mapping[str, Any]) -> str:
    """Say where the first weights came from, with revision and licence."""
    revision, licence = weights.get("revision", ""), weights.get("licence", "")
    at = f" at {revision}" if revision else ""
    return f"{weights['source']}{at}" + (f", licence {licence}" if licence else "")
