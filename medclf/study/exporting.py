"""Exports a network at packing, and refuses an engine that does not say what PyTorch says."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from medclf.calibrate.novelty import Novelty
from medclf.classifier import PackedModel
from medclf.errors import RuntimeRefused
from medclf.model.export import OPSET, export_onnx
from medclf.model.network import Network
from medclf.model.runtime import LIBRARY, Runtime, RuntimeName, dump_weights, need_runtime
from medclf.study.agreement import Agreement, calibrate_rows, compare, run_over, say
from medclf.study.config import StudyConfig
from medclf.study.prepare import Prepared
from medclf.study.progress import Progress

TOLERANCE = 1e-5  # of a probability: a tenth of the last digit that a report prints
MOST_PICTURES = 64  # enough to meet every kind of input, few enough to wait for


@dataclass(frozen=True)
class Exported:
    """What packing for a runtime gave.

    Attributes:
        network: content of `network.onnx`; None where PyTorch runs the packed weights.
        facts: for the lineage: the runtime, how far it agrees with PyTorch, by which versions.
        libraries: that run it, with their versions.
    """

    network: bytes | None
    facts: Mapping[str, Any]
    libraries: Mapping[str, str]


def check_runtime(network: Network, config: StudyConfig) -> None:
    """Find out before training whether its result could be packed for the runtime asked for.

    Raises:
        RuntimeUnavailable: the runtime is not installed.
        RuntimeRefused: the backbone cannot be exported.
    """
    if config.model.runtime is not RuntimeName.TORCH:
        need_runtime(config.model.runtime)
        export_onnx(network)


def export_network(
    network: Network,
    model: PackedModel,
    novelty: Novelty,
    prepared: Prepared,
    *,
    progress: Progress,
) -> Exported:
    """Export a network for the runtime that the model names, and hold it against PyTorch.

    Both run up to 64 pictures of the calibrate part, one by one, as they are served; no picture
    of the test part is looked at.

    Raises:
        RuntimeUnavailable: the runtime is not installed.
        RuntimeRefused: the backbone cannot be exported, or a probability differs by more than
            1e-5 from PyTorch's.
    """
    name = model.runtime
    facts: dict[str, Any] = {"name": name.value, "arithmetic": model.arithmetic.value}
    if name is RuntimeName.TORCH:
        return Exported(None, facts, {})
    progress("export", 0, 1, "")
    need_runtime(name)
    exported = export_onnx(network)
    progress("export", 1, 1, f"{len(exported) / 1e6:.1f} MB")
    weights = dump_weights(network)
    rows = calibrate_rows(prepared, most=MOST_PICTURES)
    ours = Runtime(model.architecture, weights, name=name, exported=exported)
    theirs = Runtime(model.architecture, weights)
    agreement = compare(
        say(model, novelty, run_over(ours, prepared, rows, model, progress=progress)),
        say(model, novelty, run_over(theirs, prepared, rows, model, progress=progress)),
    )
    _require(agreement, name)
    libraries = {LIBRARY[name]: version(LIBRARY[name])}
    writers = {library: version(library) for library in ("torch", "onnx", "onnxscript")}
    return Exported(
        exported,
        {
            **facts,
            "opset": OPSET,
            "tolerance": TOLERANCE,
            **agreement.as_json(),
            "libraries": {**writers, **libraries},
        },
        libraries,
    )


def _require(agreement: Agreement, name: RuntimeName) -> None:
    """Refuse an engine that says something else; NaN differs too."""
    difference = agreement.largest_probability_difference
    if difference <= TOLERANCE:
        return
    raise RuntimeRefused(
        f"The runtime {name} says something else than PyTorch: over {agreement.pictures} pictures "
        f"of the calibrate part a probability differs by {difference:.1e}; {TOLERANCE:g} is "
        "allowed.",
        advice="Set `runtime: torch` under `model` in study.yaml and run the same command again: "
        "training goes on from its last checkpoint.",
        runtime=name.value,
        difference=difference,
        tolerance=TOLERANCE,
    )
