"""Gathers the facts around an evaluation that the report tells beside the figures."""

from collections import Counter
from datetime import datetime

from medclf.classifier import Classifier
from medclf.cohort.manifest import Manifest
from medclf.evaluate.protocol import Protocol
from medclf.report.context import DataDescription, ReportContext
from medclf.study.package_facts import package_facts
from medclf.study.seen import Seen
from medclf.study.unsealing import Unsealing


def report_context(
    classifier: Classifier,
    manifest: Manifest,
    seen: Seen,
    unsealing: Unsealing,
    *,
    name: str,
    rules: Protocol,
    released: bool,
    now: datetime,
) -> ReportContext:
    """Return the facts around a validation.

    Args:
        classifier: the package under test.
        manifest: what it was tested on.
        seen: what that shares with the training.
        unsealing: how often these images were opened.
        name: of the data set, for a person.
        rules: the protocol.
        released: whether the package was released.
        now: time of the report.
    """
    model = classifier.model
    return ReportContext(
        title=f"Validation of {model.name}",
        package_digest=classifier.package.digest,
        package=package_facts(model, classifier.package.json("lineage.json")),
        data=_describe(manifest, seen, unsealing, name, rules),
        limitations=_limitations(classifier, seen, unsealing, rules),
        generated_at=now,
        released=released,
        made_up=model.made_up,
    )


def _limitations(
    classifier: Classifier, seen: Seen, unsealing: Unsealing, rules: Protocol
) -> tuple[str, ...]:
    lineage = classifier.package.json("lineage.json")
    note = str(lineage.get("calibration_note", ""))
    of_split = (f"Split of the study: {text}" for text in lineage.get("split_warnings", ()))
    told = (f"Calibration: {note}" if note else "", unsealing.limitation, *of_split)
    found = tuple(sentence for sentence in told if sentence)
    if not seen.patients or rules.seen_patients == "exclude":
        return found
    return (
        *found,
        f"{seen.patients:,} of the judged images carry a patient number that also occurs in "
        "training. If these are the same people, the figures are too good; set "
        "`seen_patients: exclude` in the protocol to leave them out.",
    )


def _describe(
    manifest: Manifest, seen: Seen, unsealing: Unsealing, name: str, rules: Protocol
) -> DataDescription:
    labels = Counter(manifest.column("label"))
    ages = sorted(age for age in manifest.column("age_years") if age is not None)
    rows: dict[str, tuple[str, ...]] = {"images": (f"{len(manifest):,}",)}
    patients = set(manifest.column("patient")) - {""}
    groups = set(manifest.column("group")) - {""}
    rows["patients"] = (f"{len(patients):,}" if patients else "not stated",)
    if groups:
        rows["groups"] = (f"{len(groups):,}",)
    for name, told in manifest.finding_counts().items() if manifest.findings else ():
        rows[f"finding {name}"] = (
            f"present {told[1]:,}, absent {told[0]:,}, uncertain {told[-1]:,}, "
            f"not told {told[-2]:,}",
        )
    for label, count in sorted(labels.items()) if not manifest.findings else ():
        rows[f"label {label}"] = (f"{count:,} ({100 * count / len(manifest):.1f} %)",)
    if ages:
        rows["age"] = (f"{ages[0]:g} to {ages[-1]:g} years, median {ages[len(ages) // 2]:g}",)
    for column in ("sex", "site", "device", "view", "format"):
        found = Counter(manifest.column(column))
        if set(found) - {""}:
            rows[column] = (
                ", ".join(f"{value or 'not stated'} {n:,}" for value, n in found.most_common(6)),
            )
    return DataDescription(
        source=name,
        parts=("validated",),
        rows=rows,
        leakage={
            "images also used for training": f"{seen.pictures}, left out",
            "further images under a patient number used for training": (
                f"{seen.patients}, {'left out' if rules.seen_patients == 'exclude' else 'kept'}"
                if patients
                else "patients not stated: cannot be checked"
            ),
            "times that these images were opened": str(unsealing),
        },
        manifest_digest=manifest.digest,
    )
