"""What a reader has to know beside the figures: gaps and warnings in plain words."""

from dataclasses import replace

import numpy as np

from medclf.evaluate.bootstrap import cluster_index
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Evaluation
from medclf.evaluate.figures import is_clustered

# Ten events: with fewer, a Wilson 95 % interval at a share of 0.9 is wider than 0.35.
_FEW_CASES = 10
# Below some twenty clusters percentile intervals cover too rarely (Cameron, Gelbach &
# Miller 2008, Review of Economics and Statistics 90:414).
_FEW_CLUSTERS = 20
# With 15 slices 30 cases a slice: the noise in each is then up to 0.09.
_FEW_FOR_ECE = 450


def write_notes(evaluation: Evaluation, cases: Cases) -> Evaluation:
    """Return the evaluation with its notes.

    Args:
        evaluation: complete but for its notes.
        cases: what it was computed from.
    """
    notes = (
        *_about_cases(cases),
        *_about_figures(evaluation),
        *_about_unanswered(evaluation),
        *_about_clusters(evaluation, cases),
        *_about_subgroups(evaluation, cases),
    )
    return replace(evaluation, notes=notes)


def _about_cases(cases: Cases) -> list[str]:
    notes = []
    truth = cases.truth[cases.read]
    for index, label in enumerate(cases.labels):
        count = int((truth == index).sum())
        if count < _FEW_CASES:
            noun = "case is" if count == 1 else "cases are"
            notes.append(f"Only {count} {noun} truly {label}: the intervals are wide.")
    known = cases.probabilities[cases.read]
    notes += [
        f"All cases share one probability of {cases.labels[index]}."
        for index in cases.judged
        if np.ptp(known[:, index]) == 0
    ]
    repeated = len(cases) - len(set(cases.case_ids))
    if repeated:
        notes.append(f"{repeated} cases carry the id of another case: are they duplicates?")
    return notes


def _about_figures(evaluation: Evaluation) -> list[str]:
    notes = [
        f"{metric} is undefined on these cases (nothing to divide by)."
        for metric, estimate in evaluation.metrics.items()
        if not estimate.defined
    ]
    if evaluation.positive is not None:
        share = evaluation.metrics["prevalence"].estimate
        notes.append(
            f"PPV and NPV hold at the prevalence of these cases, {share:.3f}; "
            "elsewhere they differ."
        )
    for label, figures in evaluation.per_label.items():
        area = figures["auc"].estimate
        if area == 1.0:
            notes.append(
                f"{label} is separated perfectly: check for leakage between training and test."
            )
    if evaluation.flow.read < _FEW_FOR_ECE:
        notes.append(
            f"ECE over {evaluation.flow.read} cases is biased upwards: "
            "few cases fall into each slice."
        )
    return notes


def _about_unanswered(evaluation: Evaluation) -> list[str]:
    unanswered = evaluation.flow.abstained + evaluation.flow.rejected
    if not unanswered:
        return []
    if evaluation.protocol.unanswered == "count_as_wrong":
        return [
            f"{unanswered} cases without an opinion count as wrong decisions, except in the "
            "confusion matrix, accuracy, mcc and in the figures of probabilities."
        ]
    return [
        f"{unanswered} cases without an opinion are left out; the worst-case figures count "
        "them as wrong."
    ]


def _about_clusters(evaluation: Evaluation, cases: Cases) -> list[str]:
    if not is_clustered(cases):
        return []
    if evaluation.protocol.clustering == "none":
        return ["Some clusters hold several cases, which the protocol takes as independent."]
    units = int(np.unique(cluster_index(cases.clusters)).size)
    notes = [f"{len(cases)} cases come from {units} clusters, which are resampled whole."]
    if units < _FEW_CLUSTERS:
        notes.append(f"{units} clusters are too few for a trustworthy bootstrap interval.")
    return notes


def _about_subgroups(evaluation: Evaluation, cases: Cases) -> list[str]:
    missing = [name for name in evaluation.protocol.subgroups if name not in cases.subgroups]
    notes = []
    if missing:
        notes.append(f"No figures by {', '.join(missing)}: these cases do not tell.")
    small = sum(1 for row in evaluation.subgroups if row.note)
    if small:
        notes.append(f"{small} subgroups are too small for figures.")
    return notes
