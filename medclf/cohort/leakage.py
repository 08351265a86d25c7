"""Leak check: does anything that should be in one part of a split lie in two?

A patient, a slide or a picture that the model has seen in training makes the test too
easy and the report wrong. `check` looks and tells; `require_clean` refuses. Near copies
(`medclf.cohort.copies`) are told by their groups, across parts and within.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medclf.cohort.copies import Copies, Sameness
from medclf.cohort.copy_groups import CopyGroup, group_copies
from medclf.cohort.manifest import Manifest
from medclf.cohort.places import place_of
from medclf.errors import LabelsRefused

_NAMES = {
    "patient": "patient",
    "group": "group",
    "picture": "picture",
    "sop_instance_uid": "SOP Instance UID",
}
_NOT_LOOKED_FOR = Copies()
_LINES_NAMED = 4  # of each part in a message; the facts hold all


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing that lies in more than one part.

    Attributes:
        what: `patient`, `group`, `picture` or `sop_instance_uid`.
        key: the pseudonym, group or digest that is shared.
        rows: of the manifest, counted from 0, ascending.
        parts: of each of those rows.
        lines: of the labels table, for each of those rows; 0 where there is none.
    """

    what: str
    key: str
    rows: tuple[int, ...]
    parts: tuple[str, ...]
    lines: tuple[int, ...]

    def __str__(self) -> str:
        places = ", ".join(self._place(part) for part in dict.fromkeys(self.parts))
        return f"one {_NAMES[self.what]} in {places}"

    def _place(self, part: str) -> str:
        held = [index for index, found in enumerate(self.parts) if found == part]
        rows, lines = [self.rows[index] for index in held], [self.lines[index] for index in held]
        return f"{part} ({place_of(rows, lines, most=_LINES_NAMED)})"


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """Everything that crosses parts, in the order of its first row.

    Attributes:
        patients: that have cases in several parts.
        groups: likewise.
        pictures: exact copies that lie in several parts.
        instances: SOP Instance UIDs that lie in several parts.
        copies: groups of copies, across parts and within.
        unknown: whether neither a patient nor a group is known of any case.
    """

    patients: tuple[Leak, ...]
    groups: tuple[Leak, ...]
    pictures: tuple[Leak, ...]
    instances: tuple[Leak, ...]
    copies: tuple[CopyGroup, ...] = ()
    unknown: bool = False

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """All of them."""
        return self.patients + self.groups + self.pictures + self.instances

    @property
    def crossing(self) -> tuple[CopyGroup, ...]:
        """Groups of copies that lie in several parts."""
        return tuple(group for group in self.copies if group.crosses)

    @property
    def contradicting(self) -> tuple[CopyGroup, ...]:
        """Groups of copies that carry several labels or contradicting findings."""
        return tuple(group for group in self.copies if group.contradict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before relying on the split, as whole sentences."""
        return tuple(_warnings(self))


def _warnings(report: LeakageReport) -> Iterator[str]:
    if report.leaks:
        yield f"Patients, groups, pictures or UIDs lie in several parts: {len(report.leaks):,}."
    if report.crossing:
        rows = sum(len(group.rows) for group in report.crossing)
        yield (
            f"Copies lie in several parts (groups: {len(report.crossing):,}, images: {rows:,}): "
            "the split ignores what belongs together, and figures of the test part are too good."
        )
    unbound = [g for g in report.copies if g.sameness is Sameness.NEAR and not g.bound]
    if unbound:
        rows = sum(len(group.rows) for group in unbound)
        known = (
            "no patient or group is known"
            if report.unknown
            else "no known patient or group binds these"
        )
        yield (
            f"Near copies were found (groups: {len(unbound):,}, images: {rows:,}), and {known}: "
            "the split ignores groups. Copies that were not recognised may lie in several parts; "
            "give patient_id or group_id in the labels table."
        )
    if report.contradicting:
        first = report.contradicting[0]
        yield (
            f"Copies carry contradicting labels (groups: {len(report.contradicting):,}), first in "
            f"{first.place} ({first.told})."
        )


def check(
    manifest: Manifest, parts: Sequence[str], *, copies: Copies = _NOT_LOOKED_FOR
) -> LeakageReport:
    """Look for what crosses parts, and for copies within them.

    Args:
        manifest: of the cases.
        parts: the part of each row, such as `Split.parts`; empty when there is no split.
        copies: what was found among the pictures.
    """
    lines = manifest.column("line")
    patients, groups, pictures, instances = (
        _crossing(name, manifest.column(name), parts, lines) if parts else () for name in _NAMES
    )
    return LeakageReport(
        patients,
        groups,
        pictures,
        instances,
        copies=group_copies(manifest, copies, parts),
        unknown=not any(any(manifest.column(name)) for name in ("patient", "group")),
    )


def require_clean(report: LeakageReport) -> None:
    """Refuse a split that leaks.

    Raises:
        LabelsRefused: something crosses parts; the message names the first.
    """
    if not report.leaks:
        return
    first, more = report.leaks[0], len(report.leaks) - 1
    also = f" {more} more cross as well." if more else ""
    raise LabelsRefused(
        f"The split leaks: {first}.{also}",
        advice="Put all cases of one patient, group or picture into one part, "
        "or remove the column part and let medclf split.",
        leaks=[
            {"what": leak.what, "parts": leak.parts, "lines": leak.lines} for leak in report.leaks
        ],
    )


def require_no_copies(report: LeakageReport) -> None:
    """Refuse a split in which copies cross parts.

    Raises:
        LabelsRefused: they do; the message names the first group.
    """
    if not report.crossing:
        return
    first = report.crossing[0]
    raise LabelsRefused(
        f"{len(report.crossing)} groups of copies cross parts; the first are the "
        f"{first.place} in {', '.join(dict.fromkeys(first.parts))}.",
        advice="Set `near_duplicates: keep_together`, or give them one group_id.",
        lines=[list(group.lines) for group in report.crossing],
    )


def _crossing(
    what: str, keys: Sequence[str], parts: Sequence[str], lines: Sequence[int]
) -> tuple[Leak, ...]:
    members: defaultdict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key:
            members[key].append(row)
    return tuple(
        Leak(
            what=what,
            key=key,
            rows=tuple(rows),
            parts=tuple(parts[row] for row in rows),
            lines=tuple(lines[row] for row in rows),
        )
        for key, rows in members.items()
        if len({parts[row] for row in rows}) > 1
    )
