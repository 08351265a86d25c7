"""Packs a calibrated model as a folder of data that its own digest names.

Nothing that differs between two runs over the same inputs goes in: no time, no path,
no name of a person or machine. So the same study gives the same digest.
"""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.numpy import save as save_arrays

from medclf.classifier import PackedModel, PackedPoint
from medclf.cohort.deciding import deciding
from medclf.digest import canonical_json, digest_json
from medclf.model.fit import resolve_precision
from medclf.model.runtime import dump_weights
from medclf.pixels.picture import POLICY
from medclf.registry.package import Package, write_package
from medclf.report.card import model_card
from medclf.report.context import CardContext
from medclf.study.calibrate import Calibrated
from medclf.study.config import StudyConfig
from medclf.study.fitting import Learned
from medclf.study.package_facts import package_facts
from medclf.study.prepare import PARTS, Prepared

LIBRARIES = ("medclf", "torch", "torchvision", "timm", "monai", "numpy", "scikit-learn", "pydicom")


def pack(
    parent: Path,
    learned: Learned,
    calibrated: Calibrated,
    prepared: Prepared,
    config: StudyConfig,
) -> Package:
    """Write the package below `parent`.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    model = PackedModel(
        name=config.name,
        architecture=config.architecture,
        preprocessing=config.preprocessing,
        pixels=POLICY,
        labels=config.data.labels,
        positive=config.data.positive,
        temperature=calibrated.temperature.value,
        operating_points=tuple(
            PackedPoint(
                name=point.name,
                label=point.label,
                threshold=point.threshold,
                rule=point.rule,
                sensitivity=point.sensitivity,
                specificity=point.specificity,
                n=point.n,
            )
            for point in calibrated.points
        ),
        admission=config.admission,
        made_up=config.made_up,
    )
    lineage = lineage_of(learned, prepared, config)
    lineage["calibration_note"] = calibrated.temperature.note
    return write_package(
        parent,
        {
            "model.json": canonical_json(model.model_dump(mode="json")),
            "weights.safetensors": dump_weights(learned.network),
            "novelty.safetensors": save_arrays(calibrated.novelty.as_arrays()),
            "lineage.json": canonical_json(lineage),
            "data.json": canonical_json(_data_of(prepared)),
            "card.md": _card_of(model, lineage, calibrated).encode(),
        },
    )


def lineage_of(learned: Learned, prepared: Prepared, config: StudyConfig) -> dict[str, Any]:
    """Return where a model comes from, as the package keeps it."""
    weights, fitted, probe = learned.weights, learned.fitted, learned.probe
    settings = config.model_dump(
        mode="json", exclude={"workspace": True, "data": {"table", "folder"}}
    )
    settings["model"]["weights"] = weights.source
    decided = deciding()
    pixels = {name: found for name, found in decided["software"].items() if found}
    return {
        "format": "medclf-lineage/1",
        "manifest": prepared.manifest.digest,
        "split": prepared.split.digest,
        "parts": {name: len(part.rows) for name, part in prepared.parts.items()},
        "labels": prepared.split.facts.get("counts", {}),
        "split_warnings": list(prepared.split.warnings),
        "configuration": settings,
        "configuration_digest": digest_json(settings),
        "weights": {
            "source": weights.source,
            "digest": weights.digest,
            "matched": len(weights.matched),
            "missing": len(weights.missing),
            "unexpected": len(weights.unexpected),
        },
        "probe": None
        if probe is None
        else {
            "penalty": probe.penalty,
            "chosen_on": probe.chosen_on,
            "tune_auc": probe.tune_auc[probe.penalty],
        },
        "epochs": []
        if fitted is None
        else [
            {"loss": e.loss, "tune_auc": e.tune_auc, "tune_loss": e.tune_loss}
            for e in fitted.history
        ],
        "precision": "" if fitted is None else resolve_precision(config.fit.precision).value,
        "best_epoch": 0 if fitted is None else fitted.best,
        "libraries": {**pixels, **{name: version(name) for name in LIBRARIES}},
        "pixel_code": decided["code"],
    }


def _card_of(model: PackedModel, lineage: Mapping[str, Any], calibrated: Calibrated) -> str:
    return model_card(
        CardContext(
            package=package_facts(model, lineage),
            intended_use="Not stated here: the validation protocol fixes it.",
            population="The images that the manifest named below lists.",
            reference_standard="The labels of the study's table.",
            performance=calibrated.performance,
            performance_part="calibrate part, on which the threshold was chosen",
            made_up=model.made_up,
        )
    )


def _data_of(prepared: Prepared) -> dict[str, object]:
    """Return the digests of the pictures that were learned from, so that none is tested on."""
    pictures = prepared.manifest.column("picture")
    patients = prepared.manifest.column("patient")
    return {
        "format": "medclf-data/1",
        "pictures": {
            name: sorted({pictures[row] for row in prepared.parts[name].rows.tolist()})
            for name in PARTS
        },
        "patients": {
            name: sorted({patients[row] for row in prepared.parts[name].rows.tolist()} - {""})
            for name in PARTS
        },
    }
