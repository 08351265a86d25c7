"""The evaluation of several findings: each by itself on what is told of it, and their means.

A case that does not tell of a finding says nothing about it: it enters neither that finding's
figures nor its part of a mean. Each finding is judged as a binary task
(`medclf.evaluate.assess`). A mean over findings is resampled over the cases, or whole
patients, so that a patient with two findings is drawn with both.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from medclf.errors import EvaluationError, ProtocolRefused
from medclf.evaluate.assess import evaluate, flow_of, judge
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Evaluation, Verdict
from medclf.evaluate.figures import Figure, missing_labels
from medclf.evaluate.finding_cases import FindingCases
from medclf.evaluate.finding_means import MEANS, Means, finding_precisions
from medclf.evaluate.proportion import wilson
from medclf.evaluate.protocol import Protocol, Task

_PER_FINDING = ("auc", "sensitivity", "specificity", "ppv", "npv", "f1", "prevalence")


def evaluate_findings(cases: FindingCases, protocol: Protocol) -> Evaluation:
    """Judge cases of several findings by a protocol fixed beforehand.

    A finding that no case with an opinion tells to be present, or to be absent, gets no
    figures; a note names it.

    Raises:
        ProtocolRefused: the protocol is made for another task or another finding.
        EvaluationError: no finding can be judged, or one that an endpoint names.
    """
    _check_fit(cases, protocol)
    order = np.argsort(np.array(cases.case_ids), kind="stable")
    cases = _in_order(cases, order)
    own = {name: cases.of(name) for name in cases.findings}
    judged = {name: part for name, part in own.items() if not missing_labels(part)}
    _check_judged(cases, judged, protocol)
    single = {name: evaluate(part, _protocol_of(name, protocol)) for name, part in judged.items()}
    precision = finding_precisions(judged, protocol)
    means = Means(cases, judged, protocol)
    over_all: dict[str, Figure] = {name: partial(means.figure, name) for name in MEANS}
    over_all["coverage"] = partial(wilson, int(cases.read.sum()), len(cases))
    return Evaluation(
        task=Task.FINDINGS,
        labels=cases.findings,
        positive=None,
        protocol=protocol,
        protocol_digest=protocol.digest,
        confidence=protocol.confidence,
        flow=flow_of(cases),
        metrics={name: figure(confidence=protocol.confidence) for name, figure in over_all.items()},
        per_label={
            name: {
                "auc": found.per_label[name]["auc"],
                "average_precision": precision[name](confidence=protocol.confidence),
                **{metric: found.per_label[name][metric] for metric in _PER_FINDING[1:]},
                "ece": found.metrics["ece"],
                "brier": found.metrics["brier"],
            }
            for name, found in single.items()
        },
        confusion=(),
        operating_points=tuple(found.operating_points[0] for found in single.values()),
        curves=tuple(found.curves[0] for found in single.values()),
        reliability=(),
        subgroups=tuple(
            replace(row, name=f"{name}, {row.name}")
            for name, found in single.items()
            for row in found.subgroups
        ),
        verdicts=_verdicts(protocol, single, precision, over_all),
        notes=_notes(cases, single),
    )


def _check_fit(cases: FindingCases, protocol: Protocol) -> None:
    if protocol.task is not Task.FINDINGS:
        raise ProtocolRefused(
            f"Protocol {protocol.id} is made for a {protocol.task.value} task; these cases are of "
            f"{len(cases.findings)} findings.",
            advice="Choose the protocol that belongs to the package.",
            protocol=protocol.id,
        )
    for endpoint in protocol.endpoints:
        if endpoint.label is not None and endpoint.label not in cases.findings:
            raise ProtocolRefused(
                f"Protocol {protocol.id} has an endpoint for {endpoint.label!r}; the findings are "
                f"{', '.join(cases.findings)}.",
                advice="Correct the endpoint's label, before looking at any figure.",
                protocol=protocol.id,
                label=endpoint.label,
            )


def _check_judged(cases: FindingCases, judged: Mapping[str, Cases], protocol: Protocol) -> None:
    needed = {endpoint.label for endpoint in protocol.endpoints if endpoint.label is not None}
    if any(endpoint.label is None for endpoint in protocol.endpoints):
        needed |= set(cases.findings)  # a bound on a mean is a bound on the mean over all
    lacking = sorted(needed - set(judged)) or ([] if judged else list(cases.findings))
    if lacking:
        raise EvaluationError(
            f"No case with an opinion tells {', '.join(lacking)} to be present, or none tells it "
            f"to be absent (of {len(cases)} cases, {int(cases.read.sum())} have an opinion).",
            advice="Add such cases; without them there is neither an AUC nor a sensitivity.",
            missing=lacking,
        )


def _in_order(cases: FindingCases, rows: npt.NDArray[np.int64]) -> FindingCases:
    return replace(
        cases,
        case_ids=tuple(cases.case_ids[row] for row in rows),
        truth=cases.truth[rows],
        probabilities=cases.probabilities[rows],
        decisions=cases.decisions[rows],
        scores=cases.scores[rows],
        statuses=tuple(cases.statuses[row] for row in rows),
        reasons=tuple(cases.reasons[row] for row in rows),
        clusters=tuple(cases.clusters[row] for row in rows),
        subgroups={name: tuple(c[row] for row in rows) for name, c in cases.subgroups.items()},
    )


def _protocol_of(finding: str, protocol: Protocol) -> Protocol:
    """Return the protocol as it holds for one finding, a task of two labels."""
    own = tuple(
        endpoint.model_copy(update={"label": None})
        for endpoint in protocol.endpoints
        if endpoint.label == finding and endpoint.metric != "average_precision"
    )
    return protocol.model_copy(update={"task": Task.BINARY, "endpoints": own})


def _verdicts(
    protocol: Protocol,
    single: Mapping[str, Evaluation],
    precision: Mapping[str, Figure],
    over_all: Mapping[str, Figure],
) -> tuple[Verdict, ...]:
    """Return the verdicts in the protocol's order; those of one finding are given already."""
    given = {name: iter(found.verdicts) for name, found in single.items()}
    verdicts = []
    for endpoint in protocol.endpoints:
        label = endpoint.label or ""
        if label and endpoint.metric != "average_precision":
            verdicts.append(replace(next(given[label]), label=label))
            continue
        figure = precision[label] if label else over_all[endpoint.metric]
        estimate = figure(confidence=endpoint.confidence)
        direction, bound = endpoint.bound.direction, endpoint.bound.value
        verdicts.append(
            Verdict(
                endpoint=endpoint.metric,
                label=label,
                direction=direction,
                bound=bound,
                confidence=endpoint.confidence,
                estimate=estimate,
                verdict=judge(estimate, direction=direction, bound=bound),
            )
        )
    return tuple(verdicts)


def _notes(cases: FindingCases, single: Mapping[str, Evaluation]) -> tuple[str, ...]:
    """Return what is said of every finding once, and the rest with the finding's name."""
    counted = Counter(note for found in single.values() for note in set(found.notes))
    shared = [note for note, count in counted.items() if count == len(single) > 1]
    lacking = [name for name in cases.findings if name not in single]
    notes = [f"No figures of {name}: it is told one way only." for name in lacking]
    if lacking:
        notes.append(f"Means are over {len(single)} of {len(cases.findings)} findings.")
    untold = {name: len(cases) - len(cases.told(name)) for name in cases.findings}
    if any(untold.values()):
        least, most = min(untold.values()), max(untold.values())
        some = f"{most}" if least == most else f"{least} to {most}"
        notes.append(
            f"A finding is not told, or not for sure, of {some} of {len(cases)} cases; these "
            "enter none of its figures."
        )
    notes.append(
        "Intervals and verdicts are those of each finding by itself; nothing allows for "
        f"looking at {len(single)} at once."
    )
    own = [f"{name}: {n}" for name, found in single.items() for n in found.notes if n not in shared]
    return (*notes, *sorted(shared), *own)
