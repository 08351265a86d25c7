"""The main figures for every part of the cases that the protocol names."""

import numpy as np

from medclf.errors import ProtocolRefused
from medclf.evaluate.cases import Cases
from medclf.evaluate.evaluation import Estimate, SubgroupRow
from medclf.evaluate.figures import answered_figures, intended_figures, missing_labels
from medclf.evaluate.protocol import Protocol

NOT_STATED = "not stated"
_SHOWN = frozenset({"auc", "sensitivity", "specificity"})


def divide(
    cases: Cases, *, protocol: Protocol, generator: np.random.Generator
) -> tuple[SubgroupRow, ...]:
    """Return a row for each value of each subgroup of the protocol, values sorted.

    A part with fewer cases than
    `minimum_subgroup`, or without a case of some label, gives a row without figures.

    Args:
        cases: with or without opinions.
        protocol: names the columns.
        generator: of the bootstrap, where it is needed.

    Raises:
        ProtocolRefused: the protocol names a column that the cases do not carry.
    """
    unknown = sorted(set(protocol.subgroups) - set(cases.subgroups))
    if unknown and cases.subgroups:
        raise ProtocolRefused(
            f"The protocol divides by {', '.join(unknown)}, which the cases do not carry.",
            advice=f"Known: {', '.join(sorted(cases.subgroups))}.",
            unknown=unknown,
        )
    rows = []
    for name in protocol.subgroups:
        column = np.array([value or NOT_STATED for value in cases.subgroups.get(name, ())])
        for value in np.unique(column):
            part = cases.take(np.flatnonzero(column == value).astype(np.int64))
            rows.append(_row(part, name, str(value), protocol, generator))
    return tuple(rows)


def _row(
    part: Cases, name: str, value: str, protocol: Protocol, generator: np.random.Generator
) -> SubgroupRow:
    read = part.take(np.flatnonzero(part.read).astype(np.int64))
    positives = None
    if part.positive is not None:
        positives = int((read.truth == part.judged[0]).sum())
    note = ""
    missing = missing_labels(part)
    if len(read) < protocol.minimum_subgroup:
        note = f"too few: {len(read)} cases, {protocol.minimum_subgroup} are needed"
    elif missing:
        note = f"too few: no case is truly {' or '.join(missing)}"
    if note:
        return SubgroupRow(name, value, len(read), positives, None, None, None, note)
    found = _measure(part, read, protocol, generator)
    return SubgroupRow(
        name=name,
        value=value,
        n=len(read),
        n_positive=positives,
        auc=found["auc"],
        sensitivity=found["sensitivity"],
        specificity=found["specificity"],
    )


def _measure(
    part: Cases, read: Cases, protocol: Protocol, generator: np.random.Generator
) -> dict[str, Estimate]:
    clustering, resamples = protocol.clustering == "auto", protocol.resamples
    figures = dict(
        answered_figures(
            read, clustering=clustering, resamples=resamples, generator=generator, only=_SHOWN
        )
    )
    if protocol.unanswered == "count_as_wrong" and len(read) < len(part):
        figures |= intended_figures(
            part, clustering=clustering, resamples=resamples, generator=generator, only=_SHOWN
        )
    return {metric: figures[metric, ""](confidence=protocol.confidence) for metric in _SHOWN}
