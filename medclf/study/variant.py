"""The step from a package to a variant of it that computes in a shorter arithmetic.

A variant is a package of its own: other numbers come out of it, so it has its own digest, its own
temperature, operating points and abstention threshold, and its own validation before anybody may
release it. What it keeps of its parent are the weights, which are stored in float32, and the data
that they were learned from.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import save as save_arrays
from torch import Tensor

from medclf.classifier import Classifier
from medclf.digest import canonical_json
from medclf.errors import StudyMisuse
from medclf.model.engine import Arithmetic
from medclf.model.export import NETWORK
from medclf.model.network import Network
from medclf.model.runtime import LIBRARY, Runtime, RuntimeName, need_runtime
from medclf.model.runtime_torch import load_network
from medclf.model.weights import WeightsReport
from medclf.registry.package import Package, write_package
from medclf.study.agreement import Agreement, calibrate_rows, compare, run_over, say
from medclf.study.alone import alone
from medclf.study.calibrate import Calibrated, calibrate
from medclf.study.config import StudyConfig, load_study
from medclf.study.exporting import export_network
from medclf.study.fitting import Learned
from medclf.study.home import Home
from medclf.study.pack import card_of, packed_points
from medclf.study.prepare import Prepared, prepare
from medclf.study.progress import Progress, silent
from medclf.study.register import register


@dataclass(frozen=True)
class Variant:
    """What making a variant left behind.

    Attributes:
        package: verified, named by its digest.
        parent: digest of the float32 package.
        agreement: with the parent, on the whole calibrate part.
        calibrated: the variant's own temperature, operating points and novelty.
        audit_sequence: number of the audit record.
    """

    package: Package
    parent: str
    agreement: Agreement
    calibrated: Calibrated
    audit_sequence: int


def make_variant(
    package: Path,
    *,
    study: Path,
    home: Home,
    precision: str = "bfloat16",
    out: Path | None = None,
    progress: Progress = silent,
) -> Variant:
    """Make a variant of a float32 package, calibrated by itself.

    Temperature, operating points and novelty are fitted anew, by the rules of the study and on
    its train and calibrate parts, from what the variant itself computes. The test part is not
    touched.

    Args:
        package: the float32 package's folder.
        study: the `study.yaml` that it was trained by.
        home: whose audit trail and lineage record it.
        precision: name of the arithmetic that the variant computes in.
        out: folder that the package is written below; beside its parent when None.
        progress: told about each stage.

    Raises:
        StudyMisuse: the precision is none of a variant, the package is a variant itself, or was
            trained by another study.
        RuntimeUnavailable: OpenVINO or the processor's instructions are not here.
        RuntimeRefused: the network cannot be exported.
        RegistryUnavailable: the package cannot be written.
        MedclfError: of the room where it failed; nothing half-written is left.
    """
    arithmetic = _shorter(precision)
    parent = Classifier.load(package)
    config = load_study(study)
    _check_parent(parent, config)
    need_runtime(RuntimeName.OPENVINO)
    with alone(config.workspace, doing="making a variant", study=config.workspace):
        prepared = prepare(config, home=home, progress=progress)
        _check_cohort(parent, prepared)
        calibrated, agreement, files = _make(parent, arithmetic, prepared, config, progress)
        done = write_package(out or package.absolute().parent, files)
    receipt = home.record(
        "package.packed",
        {
            "study": config.name,
            "package": done.digest,
            "parent": parent.package.digest,
            "arithmetic": arithmetic.value,
            "manifest": prepared.manifest.digest,
            "split": prepared.split.digest,
        },
    )
    register(home, done, step="variant")
    return Variant(done, parent.package.digest, agreement, calibrated, receipt.sequence)


def _make(
    parent: Classifier,
    arithmetic: Arithmetic,
    prepared: Prepared,
    config: StudyConfig,
    progress: Progress,
) -> tuple[Calibrated, Agreement, dict[str, bytes]]:
    """Calibrate the variant and return the content of its package."""
    source = parent.package
    weights = source.read("weights.safetensors")
    network = load_network(parent.model.architecture, weights)
    exported, facts = _exported(parent, network, prepared, progress)
    runtime = Runtime(
        parent.model.architecture,
        weights,
        name=RuntimeName.OPENVINO,
        exported=exported,
        arithmetic=arithmetic,
    )
    lineage = source.json("lineage.json")
    learned = Learned(_Ran(network, runtime), _report(lineage["weights"]), None, None)
    calibrated = calibrate(learned, prepared, config, progress=progress)
    model = parent.model.model_copy(
        update={
            "runtime": RuntimeName.OPENVINO,
            "arithmetic": arithmetic,
            "temperature": calibrated.temperature.value,
            "operating_points": packed_points(calibrated),
        }
    )
    rows = calibrate_rows(prepared)
    ours = run_over(runtime, prepared, rows, model, progress=progress)
    theirs = run_over(parent.runtime, prepared, rows, parent.model, progress=progress)
    agreement = compare(
        say(model, calibrated.novelty, ours), say(parent.model, parent.novelty, theirs)
    )
    lineage["calibration_note"] = calibrated.temperature.note
    lineage["runtime"] = facts
    lineage["libraries"] |= {"openvino": version(LIBRARY[RuntimeName.OPENVINO])}
    lineage["variant"] = {
        "parent": source.digest,
        "arithmetic": arithmetic.value,
        "against_parent": agreement.as_json(),
    }
    files = {
        "model.json": canonical_json(model.model_dump(mode="json")),
        "weights.safetensors": weights,
        "novelty.safetensors": save_arrays(calibrated.novelty.as_arrays()),
        "lineage.json": canonical_json(lineage),
        "data.json": source.read("data.json"),
        "card.md": card_of(model, lineage, calibrated).encode(),
        NETWORK: exported,
    }
    return calibrated, agreement, files


def _exported(
    parent: Classifier, network: Network, prepared: Prepared, progress: Progress
) -> tuple[bytes, Any]:
    """Return the float32 graph, held against PyTorch in float32, with the lineage of that.

    So what the variant changes is its arithmetic and nothing else.
    """
    model = parent.model.model_copy(update={"runtime": RuntimeName.OPENVINO})
    made = export_network(network, model, parent.novelty, prepared, progress=progress)
    return made.network or b"", made.facts


class _Ran(Network):
    """A network whose passes an engine computes, so that what is calibrated is what is served."""

    def __init__(self, network: Network, runtime: Runtime) -> None:
        super().__init__(network.architecture)
        self.runtime = runtime

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (batch, channels, size, size) float32 to scores and features, float64."""
        scores, features = self.runtime.run(x)
        return torch.from_numpy(scores), torch.from_numpy(features)


def _report(weights: dict[str, Any]) -> WeightsReport:
    """Return what is still known of the first weights; names of tensors are not kept."""
    return WeightsReport(weights["source"], weights["digest"], (), (), ())


def _shorter(precision: str) -> Arithmetic:
    """Return the arithmetic of a name, if a variant may have it."""
    names = [known.value for known in Arithmetic if known is not Arithmetic.FLOAT32]
    if precision not in names:
        raise StudyMisuse(
            f"There is no variant in {precision!r}; a package is in float32 already.",
            advice=f"Ask for {' or '.join(names)}.",
            found=precision,
        )
    return Arithmetic(precision)


def _check_parent(parent: Classifier, config: StudyConfig) -> None:
    """Refuse a parent that is a variant, and a study that did not make it."""
    model = parent.model
    if model.arithmetic is not Arithmetic.FLOAT32:
        raise StudyMisuse(
            f"The package is a variant in {model.arithmetic} itself.",
            advice="Name the float32 package that its lineage calls its parent.",
            found=model.arithmetic.value,
        )
    kept = parent.package.json("lineage.json")["configuration"]
    differing = [
        name
        for name, differs in (
            ("name", config.name != model.name),
            ("data.labels", config.data.labels != model.labels),
            ("preprocessing", config.preprocessing != model.preprocessing),
            ("split", config.split.model_dump(mode="json") != kept["split"]),
            ("calibrate", config.calibrate.model_dump(mode="json") != kept["calibrate"]),
        )
        if differs
    ]
    if differing:
        raise StudyMisuse(
            f"study.yaml says something else than the package: {', '.join(differing)}.",
            advice="Name the study that the package was trained by, unchanged.",
            differing=differing,
        )


def _check_cohort(parent: Classifier, prepared: Prepared) -> None:
    """Refuse to calibrate on other pictures than those that the parent was calibrated on."""
    lineage = parent.package.json("lineage.json")
    found = {"manifest": prepared.manifest.digest, "split": prepared.split.digest}
    differing = [name for name, digest in found.items() if digest != lineage[name]]
    if differing:
        raise StudyMisuse(
            f"The study holds another {' and '.join(differing)} than the package was trained on.",
            advice="Restore the study's workspace, or train again and make a variant of that.",
            expected={name: lineage[name] for name in differing},
            found={name: found[name] for name in differing},
        )
