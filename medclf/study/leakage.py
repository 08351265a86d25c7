"""The step that looks for what makes a figure too good: copies, shared patients, shortcuts.

It runs by itself as `medclf leakage`, and within training before the first epoch. It never
looks at the labels of the sealed test part to judge shortcuts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medclf.cohort.copies import Copies, Pictures
from medclf.cohort.duplicates import ExcludedConflict, excluded_conflicts
from medclf.cohort.leakage import LeakageReport, check
from medclf.cohort.manifest import Manifest
from medclf.cohort.shortcut import Shortcut, audit_shortcuts, warnings_of
from medclf.cohort.split import split_cohort
from medclf.cohort.units import find_units
from medclf.durable import write_text
from medclf.errors import LabelsRefused, StorageUnavailable
from medclf.study.config import StudyConfig, load_study
from medclf.study.home import Home
from medclf.study.ingest import ingest
from medclf.study.leakage_page import gallery
from medclf.study.prepare import Prepared, is_ingested, open_pictures
from medclf.study.progress import Progress, silent
from medclf.study.words import leakage_in_words

FORMAT = "medclf-leakage/1"


@dataclass(frozen=True, repr=False)
class Leakage:
    """What was found about a cohort and its split.

    Attributes:
        manifest: its digest.
        split: digest of the split; "" when none could be made.
        images: how many there are.
        report: what crosses parts, and every group of copies.
        excluded: exact copies with contradicting labels, left out at ingest.
        copies: how copies were looked for.
        shortcuts: what else than the finding tells the label, on all but the test part.
        refused: why there is no split; "" when there is one.
        document: `leakage.json`.
        page: `leakage.html`, the pairs side by side.
    """

    manifest: str
    split: str
    images: int
    report: LeakageReport
    excluded: tuple[ExcludedConflict, ...]
    copies: Copies
    shortcuts: tuple[Shortcut, ...]
    refused: str
    document: Path
    page: Path

    def __repr__(self) -> str:
        return leakage_in_words(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know, as whole sentences, the gravest first."""
        found = [f"No split: {self.refused}"] if self.refused else []
        found += self.report.warnings
        if self.excluded:
            images = sum(group.images for group in self.excluded)
            found.append(
                f"Exact copies carry contradicting labels (groups: {len(self.excluded):,}, images: "
                f"{images:,}): all were left out at ingest (refused.csv)."
            )
        if self.copies.checked < self.copies.candidates:
            found.append(
                f"Only {self.copies.checked:,} of {self.copies.candidates:,} pairs that look alike "
                "were compared, the nearest first: further near copies are possible."
            )
        return (*found, *warnings_of(self.shortcuts))

    def as_json(self) -> dict[str, Any]:
        """Return the content of leakage.json as plain values."""
        return {
            "format": FORMAT,
            "manifest": self.manifest,
            "split": self.split,
            "images": self.images,
            "warnings": list(self.warnings),
            "shared": [
                {
                    "what": leak.what,
                    "rows": [row + 1 for row in leak.rows],
                    "lines": list(leak.lines),
                    "parts": list(leak.parts),
                }
                for leak in self.report.leaks
            ],
            "copies": [group.as_json() for group in self.report.copies],
            "excluded_conflicts": [
                {"images": group.images, "message": group.message} for group in self.excluded
            ],
            "search": self.copies.facts(),
            "shortcuts": [shortcut.as_json() for shortcut in self.shortcuts],
        }


def leakage(study: Path, *, home: Home, progress: Progress = silent) -> Leakage:
    """Look for copies, shared patients and shortcuts in the cohort of a study.

    A study that was not ingested yet is ingested first. Where no split can be made, the
    cohort is looked at without one, and the reason is among the warnings.

    Args:
        study: the `study.yaml`.
        home: whose audit trail records it.
        progress: told about each stage.

    Raises:
        MedclfError: of the room where it failed.
    """
    config = load_study(study)
    if not is_ingested(config):
        ingest(study, home=home, progress=progress)
    manifest, pictures, copies = open_pictures(config, home=home, progress=progress)
    given = manifest.column("part")
    parts: Sequence[str] = given if given and all(given) else ()
    split, refused = "", ""
    try:
        made = split_cohort(manifest, config.split, copies=copies)
        parts, split = made.parts, made.digest
    except LabelsRefused as error:
        refused = error.message
    found = _inspect(
        manifest,
        pictures,
        copies,
        config,
        parts=parts,
        split=split,
        refused=refused,
        progress=progress,
    )
    home.record(
        "leakage.checked",
        {
            "study": config.name,
            "manifest": manifest.digest,
            "split": split,
            "copies": len(found.report.copies),
            "warnings": len(found.warnings),
        },
    )
    return found


def inspect_prepared(prepared: Prepared, config: StudyConfig, *, progress: Progress) -> Leakage:
    """Look at a cohort that is about to be learned from, and write what was found.

    Raises:
        StorageUnavailable: the workspace cannot be written.
    """
    return _inspect(
        prepared.manifest,
        prepared.pictures,
        prepared.copies,
        config,
        parts=prepared.split.parts,
        split=prepared.split.digest,
        refused="",
        progress=progress,
    )


def _inspect(
    manifest: Manifest,
    pictures: Pictures,
    copies: Copies,
    config: StudyConfig,
    *,
    parts: Sequence[str],
    split: str,
    refused: str,
    progress: Progress,
) -> Leakage:
    rows = [row for row in range(len(manifest)) if not parts or parts[row] != "test"]
    shortcuts: tuple[Shortcut, ...] = ()
    if rows:  # else all is sealed, and nothing may be looked at
        shortcuts = audit_shortcuts(
            manifest,
            pictures,
            units=find_units(manifest, pairs=copies.links),
            rows=rows,
            seed=config.seed,
            progress=lambda done, total: progress("shortcuts", done, total, ""),
        )
    found = Leakage(
        manifest=manifest.digest,
        split=split,
        images=len(manifest),
        report=check(manifest, parts, copies=copies),
        excluded=excluded_conflicts(manifest.refused),
        copies=copies,
        shortcuts=shortcuts,
        refused=refused,
        document=config.workspace / "leakage.json",
        page=config.workspace / "leakage.html",
    )
    try:
        write_text(found.document, json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n")
        write_text(found.page, gallery(config.name, found.report.copies, pictures, found.warnings))
    except OSError as error:
        raise StorageUnavailable(
            f"The leakage report cannot be written ({error.strerror or type(error).__name__}).",
            advice="Free some space in the study's workspace, then run the same command again.",
        ) from error
    return found
