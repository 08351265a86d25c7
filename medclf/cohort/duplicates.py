"""Copies of one picture: found by digest, and refused where labels or findings contradict.

Two files count as copies when their bytes are the same, or when they are DICOM objects
with the same stored pixels under other UIDs.

Two copies of one picture with one label are harmless as long as they stay in one part
of the split (`medclf.cohort.units` sees to that). Two copies with two labels prove that
at least one label is wrong, and nobody can tell from here which.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medclf.cohort.case import Case, Refusal
from medclf.cohort.contradiction import contradicting_findings, in_short
from medclf.errors import LabelsRefused
from medclf.reasons import Reason

_LISTED = 5  # groups named in one error; refused.csv or the fact `lines` has them all


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Cases that show the very same picture.

    Attributes:
        picture: the digest that they share.
        paths: at least two, sorted.
        labels: that they carry, sorted; more than one is a contradiction.
        lines: in the labels table, in the order of `paths`.
        findings: names of those that contradict: present by one, absent by another.
    """

    picture: str
    paths: tuple[str, ...]
    labels: tuple[str, ...]
    lines: tuple[int, ...]
    findings: tuple[str, ...] = ()

    @property
    def contradict(self) -> bool:
        """Whether the same picture carries different labels or contradicting findings."""
        return len(self.labels) > 1 or bool(self.findings)


def find_duplicates(cases: Iterable[Case], *, names: Sequence[str] = ()) -> tuple[Duplicates, ...]:
    """Group the cases that share their picture, sorted by first path.

    Args:
        cases: of one cohort.
        names: of its findings; without them they are counted from 1.
    """
    members: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        members[case.picture].append(case)
    groups = []
    for picture, group in members.items():
        if len(group) > 1:
            group = sorted(group, key=lambda case: case.path)
            groups.append(
                Duplicates(
                    picture=picture,
                    paths=tuple(case.path for case in group),
                    labels=tuple(sorted({case.label for case in group})),
                    lines=tuple(case.line for case in group),
                    findings=contradicting_findings((case.findings for case in group), names),
                )
            )
    return tuple(sorted(groups, key=lambda group: group.paths))


def refusals_of(conflicts: Sequence[Duplicates]) -> tuple[Refusal, ...]:
    """Return a LABEL_CONFLICT for every member of contradicting duplicates."""
    return tuple(
        Refusal(
            path,
            Reason.LABEL_CONFLICT,
            f"{len(group.paths)} files with the same picture carry {_told(group)} "
            f"({_place(group)}).",
        )
        for group in conflicts
        for path in group.paths
    )


def _told(group: Duplicates) -> str:
    """Say in a sentence what contradicts."""
    if group.findings:
        return f"the findings {', '.join(group.findings)} both as present and as absent"
    return f"the labels {', '.join(group.labels)}"


def _place(group: Duplicates) -> str:
    """Name a group: by its lines, or by its digest where no table lists its pictures."""
    if all(group.lines):
        return f"table lines {', '.join(map(str, group.lines))}"
    return f"picture {group.picture[:19]}"


@dataclass(frozen=True, slots=True)
class ExcludedConflict:
    """Copies that were left out at ingest because their labels contradict.

    Attributes:
        images: how many files.
        message: their labels and the lines of the table, as refused.csv has it.
    """

    images: int
    message: str


def excluded_conflicts(refused: Iterable[Refusal]) -> tuple[ExcludedConflict, ...]:
    """Gather the LABEL_CONFLICT refusals that belong together, sorted by message.

    The message names lines of the table, or the picture, so one message is one group of copies.
    """
    found = Counter(r.message for r in refused if r.reason is Reason.LABEL_CONFLICT)
    return tuple(ExcludedConflict(count, message) for message, count in sorted(found.items()))


def raise_for(conflicts: Sequence[Duplicates]) -> None:
    """Refuse the cohort when there are contradicting duplicates.

    Raises:
        LabelsRefused: there is at least one; the message names the lines.
    """
    if not conflicts:
        return
    named = "; ".join(
        f"{_place(group)} ({in_short(group.labels, group.findings)})"
        for group in conflicts[:_LISTED]
    )
    more = f" and {len(conflicts) - _LISTED} more" if len(conflicts) > _LISTED else ""
    raise LabelsRefused(
        f"The same picture carries contradicting labels: {named}{more}.",
        advice="Settle which label is right, or set `conflicts: exclude` in study.yaml.",
        lines=[list(group.lines) for group in conflicts],
    )
