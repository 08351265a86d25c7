"""The step from a package and labelled images to a report, by a protocol fixed beforehand."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from medclf.classifier import Classifier
from medclf.cohort.ingest import IngestConfig, Source
from medclf.cohort.ingest import ingest as ingest_cohort
from medclf.cohort.layout import Layout
from medclf.cohort.manifest import Manifest
from medclf.errors import LabelsRefused, StorageUnavailable, StudyMisuse
from medclf.evaluate.assess import evaluate
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Evaluation
from medclf.evaluate.findings import evaluate_findings
from medclf.evaluate.protocol import Protocol, Task, load_protocol
from medclf.model.task import Task as ModelTask
from medclf.opinion import Opinion, Status
from medclf.pixels.isolation import DecodingPool, Isolation
from medclf.report.page import write_report
from medclf.study.finding_cases import finding_cases_of
from medclf.study.home import Home
from medclf.study.known import known_of
from medclf.study.progress import Progress, silent
from medclf.study.register import ensure_registered
from medclf.study.report_facts import report_context
from medclf.study.seen import Seen, seen_in_training
from medclf.study.unsealing import Unsealing, record_unsealing
from medclf.study.words import validated_in_words

_SMALLEST = 1e-300  # a probability that underflowed to 0 still has a finite logarithm
_TASKS = {ModelTask.FINDINGS: Task.FINDINGS, ModelTask.ORDINAL: Task.ORDINAL}


@dataclass(frozen=True, repr=False)
class Validated:
    """What a validation left behind.

    Attributes:
        temperature: of the package, which made its scores probabilities.
    """

    evaluation: Evaluation
    page: Path
    document: Path
    audit_sequence: int
    unsealing: Unsealing
    temperature: float = 1.0

    def __repr__(self) -> str:
        return validated_in_words(self)


def validate(
    package: Path,
    *,
    data: Path,
    out: Path,
    home: Home,
    protocol: Path | None = None,
    label: str = "label",
    progress: Progress = silent,
) -> Validated:
    """Read every image of a labels table with a package and report how well it did.

    Images that the package learned from are left out and counted. That the images were
    opened is recorded before the first is decoded, with how often that happened before.

    Args:
        package: the package's folder.
        data: labels table with the reference standard.
        out: folder for `report.html` and `report.json`.
        home: whose audit trail and lineage record it.
        protocol: YAML file; a descriptive one without endpoints when None.
        label: the column that holds the label.
        progress: told about each image.

    Raises:
        PackageTampered: a byte of the package differs.
        LabelsRefused: the table breaks a rule, or nothing is left to judge.
        ProtocolRefused: the protocol breaks a rule.
        StudyMisuse: the protocol is for another task or operating point.
        EvaluationError: a figure cannot be computed from these cases.
        StorageUnavailable: the report cannot be written.
    """
    classifier = Classifier.load(package)
    release = home.find_release(classifier.package)
    rules = _protocol_for(classifier, protocol)
    home.record(
        "validation.started",
        {
            "package": classifier.package.digest,
            "protocol": rules.digest,
            "protocol_id": rules.id,
        },
    )
    manifest = ingest_cohort(
        Source(table=data),
        IngestConfig(
            kind=classifier.kind,
            label_column=label,
            admission=classifier.model.admission,
            **_told_by(classifier),
        ),
        secret=home.pseudonym_secret(),
        check=lambda instance: (),  # whatever cannot be read is the classifier's to reject
        progress=lambda done, total: progress("check", done, total, ""),
    )
    seen = seen_in_training(
        classifier.package, manifest, leave_out_patients=rules.seen_patients == "exclude"
    )
    rows = [row for row in range(len(manifest)) if row not in seen.rows]
    if not rows:
        raise LabelsRefused(
            f"None of the images in {data.name} is left to judge: {len(manifest.refused)} refused, "
            f"{len(seen.rows)} seen in training.",
            advice="Validate on images that the model has not learned from.",
        )
    unsealing = record_unsealing(home, classifier.package, manifest)
    with DecodingPool(Isolation(workers=1)) as pool:
        contained = replace(classifier, decode=pool.decode)
        opinions = _read_all(contained, manifest, rows, progress)
    progress("evaluate", 0, 1, "")
    if classifier.model.task is ModelTask.FINDINGS:
        evaluation = evaluate_findings(
            finding_cases_of(classifier, manifest, rows, opinions, seen), rules
        )
    else:
        evaluation = evaluate(cases_of(classifier, manifest, rows, opinions, seen), rules)
    context = report_context(
        classifier,
        manifest,
        seen,
        unsealing,
        name=f"{data.absolute().parent.name}/{data.name}",
        rules=rules,
        released=release is not None,
        now=home.clock(),
    )
    try:
        page, document = write_report(evaluation, context, out)
    except OSError as error:
        raise StorageUnavailable(
            f"The report cannot be written below {out} ({error.strerror}).",
            advice="Free some space or name another folder with --out.",
        ) from error
    receipt = home.record(
        "validation.finished",
        {
            "package": classifier.package.digest,
            "protocol": rules.digest,
            "manifest": manifest.digest,
            "cases": len(rows),
            "verdicts": [f"{v.endpoint} {v.verdict}" for v in evaluation.verdicts],
        },
    )
    _log(home, classifier, evaluation, (page, document))
    progress("evaluate", 1, 1, "")
    return Validated(
        evaluation,
        page,
        document,
        receipt.sequence,
        unsealing,
        temperature=classifier.model.temperature,
    )


def cases_of(
    classifier: Classifier,
    manifest: Manifest,
    rows: list[int],
    opinions: list[Opinion],
    seen: Seen,
) -> Cases:
    """Return opinions and truth as the evaluation takes them."""
    model = classifier.model
    k = len(model.labels)
    probabilities = np.full((len(rows), k), np.nan)
    decisions = np.zeros((len(rows), k), dtype=np.bool_)
    for i, opinion in enumerate(opinions):
        for finding in opinion.findings:
            column = model.labels.index(finding.label)
            probabilities[i, column] = finding.probability
            decisions[i, column] = finding.decision == "positive"
        if model.positive is not None and opinion.findings:
            probabilities[i, 1 - column] = 1 - probabilities[i, column]
    known = known_of(manifest, rows)
    return Cases(
        case_ids=known.case_ids,
        labels=model.labels,
        positive=model.positive,
        truth=manifest.label_indices(model.labels)[rows],
        probabilities=probabilities,
        decisions=decisions,
        statuses=tuple(opinion.status for opinion in opinions),
        reasons=tuple(opinion.reasons for opinion in opinions),
        clusters=known.clusters,
        subgroups=known.subgroups,
        # softmax(T · log p) undoes softmax(scores / T) up to a constant that softmax ignores
        logits_uncalibrated=model.temperature * np.log(np.maximum(probabilities, _SMALLEST)),
        thresholds={point.label: point.threshold for point in model.operating_points},
        refused=Counter(refusal.reason.value for refusal in manifest.refused),
        excluded=seen.excluded,
        ordered=model.task is ModelTask.ORDINAL,
    )


def _read_all(
    classifier: Classifier, manifest: Manifest, rows: list[int], progress: Progress
) -> list[Opinion]:
    opinions = []
    abstained = 0
    for row in rows:
        opinions.append(classifier.read(manifest.open(row)))
        abstained += opinions[-1].status is not Status.OK
        progress("read", len(opinions), len(rows), f"{abstained} without an opinion")
    return opinions


def _protocol_for(classifier: Classifier, path: Path | None) -> Protocol:
    """Load the protocol and check that it fits the package."""
    model = classifier.model
    name = model.operating_points[0].name
    task = _TASKS.get(model.task) or (Task.BINARY if model.positive else Task.MULTICLASS)
    if path is None:
        rules = Protocol.default_for(model.labels, model.positive, task=task)
        return rules.model_copy(update={"operating_point": name})
    rules = load_protocol(path)
    if rules.task is not task:
        raise StudyMisuse(
            f"The protocol {rules.id} is for a {rules.task} task; the package is {task}.",
            advice="Name the protocol that was fixed for this model.",
            found=rules.task.value,
            expected=task.value,
        )
    if rules.operating_point != name:
        raise StudyMisuse(
            f"The protocol {rules.id} judges the operating point {rules.operating_point!r}; "
            f"the package has {name!r}.",
            advice="Correct `operating_point` in the protocol, or the rule's name in study.yaml.",
            found=rules.operating_point,
            expected=name,
        )
    return rules


def _told_by(classifier: Classifier) -> dict[str, Any]:
    """Return how the table tells the reference standard: a label, or a column a finding."""
    labels = classifier.model.labels
    if classifier.model.task is ModelTask.FINDINGS:
        return {"layout": Layout(format="findings", findings=labels)}
    return {"labels": labels}


def _log(
    home: Home, classifier: Classifier, evaluation: Evaluation, files: tuple[Path, Path]
) -> None:
    figures: Mapping[str, float] = {
        name: estimate.estimate for name, estimate in evaluation.metrics.items() if estimate.defined
    }
    ensure_registered(home, classifier.package)
    home.lineage().log_validation(
        classifier.package.digest,
        metrics=figures,
        artifacts={path.name: path for path in files},
    )
