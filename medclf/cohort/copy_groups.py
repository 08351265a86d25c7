"""Pairs of copies joined to groups: which pictures are one, in which parts, under which labels."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medclf.cohort.contradiction import contradicting_findings, in_short
from medclf.cohort.copies import Copies, Pair, Sameness
from medclf.cohort.manifest import Manifest
from medclf.cohort.places import place_of
from medclf.cohort.units import connect


@dataclass(frozen=True)
class CopyGroup:
    """Rows of a manifest that show one picture.

    Attributes:
        rows: counted from 0, ascending; at least two.
        lines: of the labels table, for each of those rows; 0 where there is none.
        labels: of each of those rows.
        parts: of each of those rows; "" when there is no split.
        bound: whether a known patient or group, or an exact copy, binds all of them.
        pairs: that join them.
        findings: names of those that contradict: present by one row, absent by another.
    """

    rows: tuple[int, ...]
    lines: tuple[int, ...]
    labels: tuple[str, ...]
    parts: tuple[str, ...]
    bound: bool
    pairs: tuple[Pair, ...]
    findings: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where a person finds the pictures: `lines 2, 3`, or `rows 1, 2`."""
        return place_of(self.rows, self.lines)

    @property
    def sameness(self) -> Sameness:
        """What the least alike of the pairs share."""
        order = list(Sameness)
        return max((pair.sameness for pair in self.pairs), key=order.index)

    @property
    def agreement(self) -> float:
        """Of the least alike pair."""
        return min(pair.agreement for pair in self.pairs)

    @property
    def crosses(self) -> bool:
        """Whether the group lies in several parts."""
        return len(set(self.parts)) > 1

    @property
    def contradict(self) -> bool:
        """Whether one picture carries several labels or contradicting findings."""
        return len(set(self.labels)) > 1 or bool(self.findings)

    @property
    def told(self) -> str:
        """What the rows carry: `a / b`, or `mass: present / absent`."""
        return in_short(self.labels, self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return plain values; rows counted from 1, as messages count them."""
        return {
            "sameness": self.sameness.value,
            "agreement": self.agreement,
            "rows": [row + 1 for row in self.rows],
            "lines": list(self.lines),
            "labels": list(self.labels),
            "parts": list(self.parts),
            "crosses_parts": self.crosses,
            "labels_contradict": self.contradict,
            "findings_contradict": list(self.findings),
            "bound_by_patient_or_group": self.bound,
            "pairs": [
                {
                    "rows": [pair.first + 1, pair.second + 1],
                    "sameness": pair.sameness.value,
                    "agreement": pair.agreement,
                    "turn": pair.turn.value,
                }
                for pair in self.pairs
            ],
        }


def group_copies(
    manifest: Manifest, copies: Copies, parts: Sequence[str] = ()
) -> tuple[CopyGroup, ...]:
    """Join pairs that share a row, sorted by first row.

    Args:
        manifest: of the cases.
        copies: the pairs.
        parts: the part of each row, when there is a split.
    """
    units = connect([], len(manifest), pairs=copies.links)
    members: defaultdict[int, list[Pair]] = defaultdict(list)
    for pair in copies.pairs:
        members[int(units[pair.first])].append(pair)
    known = connect([manifest.column(name) for name in ("patient", "group")], len(manifest))
    lines, labels = manifest.column("line"), manifest.column("label")
    findings = manifest.column("findings")
    groups = []
    for pairs in members.values():
        rows = tuple(sorted({row for pair in pairs for row in (pair.first, pair.second)}))
        groups.append(
            CopyGroup(
                rows=rows,
                lines=tuple(lines[row] for row in rows),
                labels=tuple(labels[row] for row in rows),
                parts=tuple(parts[row] if parts else "" for row in rows),
                bound=len({int(known[row]) for row in rows}) == 1,
                pairs=tuple(pairs),
                findings=contradicting_findings(
                    (tuple(findings[row]) for row in rows), manifest.findings
                ),
            )
        )
    return tuple(sorted(groups, key=lambda group: group.rows))
