"""The evaluation itself: cases and a protocol in, every figure and verdict out."""

import numpy as np

from medclf.errors import ProtocolRefused
from medclf.evaluate import classification
from medclf.evaluate.cases import Cases, count_reasons, task_of
from medclf.evaluate.curves import draw_curves
from medclf.evaluate.evaluation import (
    Estimate,
    Evaluation,
    Flow,
    OperatingResult,
    Outcome,
    ReliabilityBin,
    Verdict,
)
from medclf.evaluate.figures import (
    DECISION_METRICS,
    Figures,
    answered_figures,
    intended_figures,
    require_classes,
)
from medclf.evaluate.finding_cases import FindingCases
from medclf.evaluate.notes import write_notes
from medclf.evaluate.proportion import wilson
from medclf.evaluate.protocol import Direction, Endpoint, Protocol
from medclf.evaluate.reliability import reliability_bins
from medclf.evaluate.subgroup import divide
from medclf.evaluate.sums import believed, decided, uncalibrated
from medclf.opinion import Status

_PER_LABEL = ("auc", "sensitivity", "specificity", "ppv", "npv", "f1", "prevalence")
_OVERALL = (
    "auc",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "f1",
    "balanced_accuracy",
    "ece",
    "brier",
    "quadratic_kappa",
    "mcc",
    "accuracy",
    "prevalence",
    "ece_adaptive",
    "ece_uncalibrated",
    "brier_uncalibrated",
)


def evaluate(cases: Cases, protocol: Protocol) -> Evaluation:
    """Judge cases by a protocol fixed beforehand.

    The order of the cases does not matter: they are sorted by id first, and all random
    numbers come from the protocol's seed, so the same cases give the same figures.

    Raises:
        ProtocolRefused: the protocol is made for another task or another label.
        EvaluationError: a label has no case with an opinion; the message names it.
    """
    _check_fit(cases, protocol)
    require_classes(cases)
    cases = cases.take(np.argsort(np.array(cases.case_ids), kind="stable").astype(np.int64))
    read = cases.take(np.flatnonzero(cases.read).astype(np.int64))
    seeds = np.random.SeedSequence(protocol.seed).spawn(3)
    answered_by, intended_by, subgroups_by = (np.random.default_rng(seed) for seed in seeds)
    clustering, resamples = protocol.clustering == "auto", protocol.resamples
    answered = answered_figures(
        read, clustering=clustering, resamples=resamples, generator=answered_by
    )
    intended = answered
    if len(read) < len(cases):
        intended = intended_figures(
            cases, clustering=clustering, resamples=resamples, generator=intended_by
        )
    figures = _choose(answered, intended, cases, protocol)
    level = protocol.confidence
    judged = tuple(cases.labels[index] for index in cases.judged)
    raw = uncalibrated(read)
    result = Evaluation(
        task=protocol.task,
        labels=cases.labels,
        positive=cases.positive,
        protocol=protocol,
        protocol_digest=protocol.digest,
        confidence=level,
        flow=flow_of(cases),
        metrics={
            metric: figure(confidence=level)
            for (metric, label), figure in figures.items()
            if not label
        },
        per_label={
            label: {m: figures[m, label](confidence=level) for m in _PER_LABEL} for label in judged
        },
        confusion=_confusion(read),
        operating_points=_operating_points(read, answered, protocol),
        curves=tuple(
            draw_curves(read.probabilities, read.truth, labels=read.labels, column=index)
            for index in read.judged
        ),
        reliability=_reliability(read.probabilities, read),
        reliability_uncalibrated=() if raw is None else _reliability(raw, read),
        subgroups=divide(cases, protocol=protocol, generator=subgroups_by),
        verdicts=tuple(_judge(endpoint, figures) for endpoint in protocol.endpoints),
    )
    return write_notes(result, cases)


def judge(estimate: Estimate, *, direction: Direction, bound: float) -> Outcome:
    """Hold an interval against a bound; a figure that is undefined is inconclusive."""
    low, high = estimate.low, estimate.high
    if direction is Direction.BELOW:
        low, high, bound = -high, -low, -bound
    if not estimate.defined:
        return Outcome.INCONCLUSIVE
    if low > bound:
        return Outcome.MET
    return Outcome.NOT_MET if high < bound else Outcome.INCONCLUSIVE


def _check_fit(cases: Cases, protocol: Protocol) -> None:
    task = task_of(cases)
    if protocol.task is not task:
        raise ProtocolRefused(
            f"Protocol {protocol.id} is made for a {protocol.task.value} task; "
            f"these cases are {task.value} over {', '.join(cases.labels)}.",
            advice="Choose the protocol that belongs to the package.",
            protocol=protocol.id,
            labels=cases.labels,
        )
    known = cases.labels if cases.positive is None else (cases.positive,)
    for endpoint in protocol.endpoints:
        if endpoint.label is not None and endpoint.label not in known:
            raise ProtocolRefused(
                f"Protocol {protocol.id} has an endpoint for {endpoint.label!r}; "
                f"decisions are taken on {', '.join(known)}.",
                advice="Correct the endpoint's label, before looking at any figure.",
                protocol=protocol.id,
                label=endpoint.label,
            )


def _choose(answered: Figures, intended: Figures, cases: Cases, protocol: Protocol) -> Figures:
    """Put the figures in their order, by the protocol's rule for cases without an opinion."""
    wrong = protocol.unanswered == "count_as_wrong"
    main = dict(answered)
    if wrong:
        main |= {key: figure for key, figure in intended.items() if key[0] in DECISION_METRICS}
    ordered = {(metric, ""): main[metric, ""] for metric in _OVERALL if (metric, "") in main}

    def coverage(*, confidence: float) -> Estimate:
        return wilson(int(cases.read.sum()), len(cases), confidence=confidence)

    ordered["coverage", ""] = coverage
    for metric in ("sensitivity", "specificity"):
        ordered[f"{metric}_answered", ""] = answered[metric, ""]
        ordered[f"{metric}_worst_case", ""] = intended[metric, ""]
    return ordered | {key: figure for key, figure in main.items() if key[1]}


def flow_of(cases: Cases | FindingCases) -> Flow:
    """Count where every case went."""
    refused, excluded = sum(cases.refused.values()), sum(cases.excluded.values())
    of_status = {
        status: [
            why for own, why in zip(cases.statuses, cases.reasons, strict=True) if own is status
        ]
        for status in Status
    }
    return Flow(
        given=len(cases.statuses) + refused + excluded,
        refused=refused,
        excluded=excluded,
        rejected=len(of_status[Status.REJECTED]),
        abstained=len(of_status[Status.ABSTAINED]),
        read=len(of_status[Status.OK]),
        reasons={
            "refused": dict(sorted(cases.refused.items())),
            "excluded": dict(sorted(cases.excluded.items())),
            "rejected": count_reasons(of_status[Status.REJECTED]),
            "abstained": count_reasons(of_status[Status.ABSTAINED]),
        },
    )


def _confusion(read: Cases) -> tuple[tuple[int, ...], ...]:
    table = classification.confusion(read.truth, decided(read), classes=len(read.labels))
    return tuple(tuple(row) for row in table.tolist())


def _reliability(probabilities: np.ndarray, read: Cases) -> tuple[ReliabilityBin, ...]:
    return reliability_bins(*believed(probabilities, read))


def _operating_points(
    read: Cases, answered: Figures, protocol: Protocol
) -> tuple[OperatingResult, ...]:
    results = []
    for index in read.judged:
        label = read.labels[index]
        counts = classification.count(read.decisions[:, index], read.truth == index)
        results.append(
            OperatingResult(
                name=protocol.operating_point,
                label=label,
                threshold=read.thresholds.get(label),
                sensitivity=answered["sensitivity", label](confidence=protocol.confidence),
                specificity=answered["specificity", label](confidence=protocol.confidence),
                true_positives=int(counts.tp),
                false_positives=int(counts.fp),
                true_negatives=int(counts.tn),
                false_negatives=int(counts.fn),
            )
        )
    return tuple(results)


def _judge(endpoint: Endpoint, figures: Figures) -> Verdict:
    estimate = figures[endpoint.metric, endpoint.label or ""](confidence=endpoint.confidence)
    direction, bound = endpoint.bound.direction, endpoint.bound.value
    return Verdict(
        endpoint=endpoint.metric,
        label=endpoint.label or "",
        direction=direction,
        bound=bound,
        confidence=endpoint.confidence,
        estimate=estimate,
        verdict=judge(estimate, direction=direction, bound=bound),
    )
