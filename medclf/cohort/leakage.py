"""Leak check: does anything that should be in one part of a split lie in two?

A patient, a slide or a picture that the model has seen in training makes the test too
easy and the report wrong. `check` looks and tells; `require_clean` refuses.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from medclf.cohort.manifest import Manifest
from medclf.errors import LabelsRefused

_NAMES = {
    "patient": "patient",
    "group": "group",
    "picture": "picture",
    "sop_instance_uid": "SOP Instance UID",
}
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
        return f"{_NAMES[self.what]} {self.key} in {places}"

    def _place(self, part: str) -> str:
        rows = [index for index, found in enumerate(self.parts) if found == part]
        word, numbers = "line", [self.lines[index] for index in rows]
        if not all(numbers):
            word, numbers = "row", [self.rows[index] + 1 for index in rows]
        named = ", ".join(map(str, numbers[:_LINES_NAMED]))
        more = ", …" if len(numbers) > _LINES_NAMED else ""
        return f"{part} ({word}{'s' if len(numbers) > 1 else ''} {named}{more})"


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """Everything that crosses parts, in the order of its first row.

    Attributes:
        patients: that have cases in several parts.
        groups: likewise.
        pictures: exact copies that lie in several parts.
        instances: SOP Instance UIDs that lie in several parts.
    """

    patients: tuple[Leak, ...]
    groups: tuple[Leak, ...]
    pictures: tuple[Leak, ...]
    instances: tuple[Leak, ...]

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """All of them."""
        return self.patients + self.groups + self.pictures + self.instances


def check(manifest: Manifest, parts: Sequence[str]) -> LeakageReport:
    """Look for what crosses parts.

    Args:
        manifest: of the cases.
        parts: the part of each row, such as `Split.parts`.
    """
    lines = manifest.column("line")
    patients, groups, pictures, instances = (
        _crossing(name, manifest.column(name), parts, lines) for name in _NAMES
    )
    return LeakageReport(patients, groups, pictures, instances)


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
            {"what": leak.what, "key": leak.key, "parts": leak.parts, "lines": leak.lines}
            for leak in report.leaks
        ],
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
