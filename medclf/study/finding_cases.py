"""Opinions of several findings and what is told of them, as the evaluation takes them."""

from collections import Counter

import numpy as np
from scipy.special import logit

from medclf.classifier import Classifier
from medclf.cohort.finding_truth import finding_truth
from medclf.cohort.manifest import Manifest
from medclf.evaluate.finding_cases import FindingCases
from medclf.opinion import Decision, Opinion
from medclf.study.known import known_of
from medclf.study.seen import Seen

_SMALLEST = 1e-300  # a probability that underflowed to 0 still has a finite logarithm
_LARGEST = 1 - 2**-53  # and one that was rounded up to 1


def finding_cases_of(
    classifier: Classifier,
    manifest: Manifest,
    rows: list[int],
    opinions: list[Opinion],
    seen: Seen,
) -> FindingCases:
    """Return opinions and truth as the evaluation takes them.

    A finding that the table calls uncertain is not told: nothing is judged by a doubtful
    reference, whatever training made of it.
    """
    model = classifier.model
    shape = (len(rows), len(model.labels))
    probabilities, decisions = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    for i, opinion in enumerate(opinions):
        for finding in opinion.findings:
            column = model.labels.index(finding.label)
            probabilities[i, column] = finding.probability
            decisions[i, column] = finding.decision is Decision.POSITIVE
    known = known_of(manifest, rows)
    inside = np.clip(probabilities, _SMALLEST, _LARGEST)  # NaN stays NaN
    return FindingCases(
        case_ids=known.case_ids,
        findings=model.labels,
        truth=finding_truth(manifest)[rows],
        probabilities=probabilities,
        decisions=decisions,
        scores=logit(inside) * np.asarray(model.temperatures),  # undoes sigmoid(score / T)
        statuses=tuple(opinion.status for opinion in opinions),
        reasons=tuple(opinion.reasons for opinion in opinions),
        clusters=known.clusters,
        subgroups=known.subgroups,
        thresholds={point.label: point.threshold for point in model.operating_points},
        refused=Counter(refusal.reason.value for refusal in manifest.refused),
        excluded=seen.excluded,
    )
