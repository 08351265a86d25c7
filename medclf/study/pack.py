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
from medclf.model.export import NETWORK
from medclf.model.fabric import resolve_precision
from medclf.model.ordinal_probe import OrdinalFit
from medclf.model.prior import is_exact
from medclf.model.probe import LinearHead
from medclf.model.runtime import dump_weights
from medclf.pixels.picture import POLICY
from medclf.registry.package import Package, write_package
from medclf.report.card import model_card
from medclf.report.context import CardContext
from medclf.study.baselines import Comparison
from medclf.study.calibrate import Calibrated
from medclf.study.config import StudyConfig
from medclf.study.exporting import export_network
from medclf.study.fitting import Learned
from medclf.study.package_facts import package_facts
from medclf.study.prepare import PARTS, Prepared
from medclf.study.progress import Progress, silent

LIBRARIES = ("medclf", "torch", "torchvision", "timm", "monai", "numpy", "scikit-learn", "pydicom")


def pack(
    parent: Path,
    learned: Learned,
    calibrated: Calibrated,
    prepared: Prepared,
    config: StudyConfig,
    comparison: Comparison | None = None,
    *,
    progress: Progress = silent,
) -> Package:
    """Write the package below `parent`, with the network exported where its runtime needs that.

    Args:
        parent: folder; the package's own is named by its digest.
        learned: the network.
        calibrated: temperature and operating points.
        prepared: what it learned from.
        config: of the study.
        comparison: with simpler readers; None when none was asked for.

    Raises:
        RuntimeRefused: the exported network does not say what PyTorch says.
        OSError: it cannot be written; nothing is left behind.
    """
    model = PackedModel(
        name=config.name,
        architecture=config.architecture,
        preprocessing=config.preprocessing,
        pixels=POLICY,
        labels=config.data.label_space,
        positive=config.data.positive,
        temperature=calibrated.temperature.value,
        temperatures=tuple(fitted.value for fitted in calibrated.temperatures),
        operating_points=packed_points(calibrated),
        admission=config.admission,
        made_up=config.made_up,
        runtime=config.model.runtime,
    )
    exported = export_network(
        learned.network, model, calibrated.novelty, prepared, progress=progress
    )
    lineage = lineage_of(learned, prepared, config)
    lineage["calibration_note"] = calibrated.note
    lineage["runtime"] = exported.facts
    lineage["libraries"] |= exported.libraries
    lineage["baselines"] = None if comparison is None else comparison.as_json()
    return write_package(
        parent,
        {
            "model.json": canonical_json(model.model_dump(mode="json")),
            "weights.safetensors": dump_weights(learned.network),
            "novelty.safetensors": save_arrays(calibrated.novelty.as_arrays()),
            "lineage.json": canonical_json(lineage),
            "data.json": canonical_json(_data_of(prepared)),
            "card.md": card_of(model, lineage, calibrated, comparison).encode(),
            **({} if exported.network is None else {NETWORK: exported.network}),
        },
    )


def packed_points(calibrated: Calibrated) -> tuple[PackedPoint, ...]:
    """Return the operating points as a package keeps them."""
    return tuple(
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
        "weights": weights.facts(),
        "probe": None if probe is None else _of_probe(probe),
        "epochs": []
        if fitted is None
        else [
            {"loss": e.loss, "tune_figure": e.tune_figure, "tune_loss": e.tune_loss}
            for e in fitted.history
        ],
        "precision": "" if fitted is None else resolve_precision(config.fit.precision).value,
        "best_epoch": 0 if fitted is None else fitted.best,
        "prior_shift": {
            "added": list(learned.shift),
            "exact": is_exact(config.fit),
        },
        "libraries": {**pixels, **{name: version(name) for name in LIBRARIES}},
        "pixel_code": decided["code"],
    }


def _of_probe(probe: LinearHead | OrdinalFit) -> dict[str, Any]:
    if isinstance(probe, OrdinalFit):
        return {"penalty": probe.penalty, "tune_kappa": probe.tune_kappa[probe.penalty]}
    figure = probe.tune_auc[probe.penalty]
    return {"penalty": probe.penalty, "chosen_on": probe.chosen_on, "tune_auc": figure}


def card_of(
    model: PackedModel,
    lineage: Mapping[str, Any],
    calibrated: Calibrated,
    comparison: Comparison | None = None,
) -> str:
    """Return the model card of a package."""
    notes: tuple[str, ...] = ("No baseline was fitted.",)
    if comparison is not None:
        notes = (comparison.note,) if comparison.note else comparison.warnings
    return model_card(
        CardContext(
            package=package_facts(model, lineage),
            intended_use="Not stated here: the validation protocol fixes it.",
            population="The images that the manifest named below lists.",
            reference_standard="The labels of the study's table.",
            performance=calibrated.performance,
            per_label=calibrated.per_label,
            performance_part="calibrate part, on which the threshold was chosen",
            beside=() if comparison is None else comparison.overall,
            beside_notes=notes,
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
