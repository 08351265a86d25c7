"""Ingest: from files and a labels table to a manifest, with every refusal told.

One bad file never stops the batch: it is refused with a coded reason and listed.
A fault of the table itself does stop it, because it would make a wrong cohort.
Nothing is written here; the caller saves the manifest when it is whole.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from medclf.cohort.case import Case, Refusal
from medclf.cohort.duplicates import find_duplicates, raise_for, refusals_of
from medclf.cohort.examine import Check, Examined, Examiner
from medclf.cohort.labels import LabelsTable, read_labels
from medclf.cohort.manifest import Manifest
from medclf.cohort.sources import Candidates, from_folder, from_table, relative_to
from medclf.cohort.streaming import Progress, in_order
from medclf.config import Config
from medclf.dicom.admission import AdmissionRules
from medclf.dicom.instance import Kind, Limits
from medclf.errors import LabelsRefused
from medclf.reasons import Reason


class IngestConfig(Config):
    """What the cohort is about and how its table is read.

    Attributes:
        kind: of picture; DICOM objects of another kind are refused.
        label_column: of the labels table.
        labels: the label space; empty allows every label.
        conflicts: what to do with one picture that carries two labels.
        admission: which DICOM objects of the kind are taken.
        threads: that read and check files.
        limits: what is refused for its size.
    """

    kind: Kind
    label_column: str = Field(default="label", min_length=1)
    labels: tuple[str, ...] = ()
    conflicts: Literal["exclude", "refuse"] = "exclude"
    admission: AdmissionRules = AdmissionRules()
    threads: int = Field(default=2, ge=1, le=64)
    limits: Limits = Limits()


@dataclass(frozen=True)
class Source:
    """Where a cohort comes from: a labels table, a folder of images, or both.

    Attributes:
        table: CSV; paths in it are relative to its folder.
        folder: searched through all its folders.
    """

    table: Path | None = None
    folder: Path | None = None


def ingest(
    source: Source,
    config: IngestConfig,
    *,
    secret: bytes,
    check: Check,
    progress: Progress = lambda done, total: None,
) -> Manifest:
    """Look at every file of a source and build the manifest.

    Args:
        source: at least one of table and folder.
        config: what the cohort is about.
        secret: keys the pseudonyms of patients; the same secret gives the same ones.
        check: judges the pixels.
        progress: told after each file.

    Returns:
        The manifest. Refused files are in `Manifest.refused`; when every file was
        refused the manifest has no rows, and the refusals say why.

    Raises:
        LabelsRefused: the table breaks a rule, there is nothing to look at, or one
            picture carries two labels and the policy is `refuse`.
    """
    table, candidates = _open_source(source, config)
    examiner = Examiner(
        base=candidates.base,
        by_uid=candidates.by_uid,
        labelled=table is not None,
        kind=config.kind,
        admission=config.admission,
        limits=config.limits,
        secret=secret,
        check=check,
    )
    examined = []
    with closing(in_order(examiner.examine, candidates.files, threads=config.threads)) as results:
        for result in results:
            examined.append(result)
            progress(len(examined), len(candidates.files))
    cases = [found.outcome for found in examined if isinstance(found.outcome, Case)]
    refused = [found.outcome for found in examined if isinstance(found.outcome, Refusal)]
    refused += _refuse_missing(candidates, examined)

    conflicts = [group for group in find_duplicates(cases) if group.contradict]
    if config.conflicts == "refuse":
        raise_for(conflicts)
    refused += refusals_of(conflicts)
    excluded = {path for group in conflicts for path in group.paths}
    return Manifest.from_cases(
        (case for case in cases if case.path not in excluded),
        base=candidates.base,
        refused=refused,
        facts=_facts(config, table, examined),
    )


def _open_source(source: Source, config: IngestConfig) -> tuple[LabelsTable | None, Candidates]:
    table = (
        read_labels(source.table, column=config.label_column, allowed=config.labels)
        if source.table is not None
        else None
    )
    if source.folder is not None:
        return table, from_folder(source.folder, table)
    if table is not None:
        return table, from_table(table)
    raise LabelsRefused(
        "Neither a labels table nor a folder of images is named.",
        advice="Name at least one of them in study.yaml.",
    )


def _refuse_missing(candidates: Candidates, examined: Iterable[Examined]) -> list[Refusal]:
    """Refuse the rows of the table that no file in the folder answers to."""
    seen = {found.sop_instance_uid for found in examined}
    named = [relative_to(row.path, candidates.base) for row in candidates.unfound]
    named += [uid for uid in candidates.by_uid if uid not in seen]
    message = "The labels table names this image; it is not in the folder."
    return [Refusal(name, Reason.FILE_MISSING, message) for name in named]


def _facts(
    config: IngestConfig, table: LabelsTable | None, examined: Iterable[Examined]
) -> dict[str, Any]:
    uids = Counter(found.sop_instance_uid for found in examined if found.sop_instance_uid)
    return {
        "kind": config.kind.value,
        "label_column": config.label_column,
        "table_digest": table.digest if table else "",
        "ignored_columns": list(table.ignored_columns) if table else [],
        "repeated_lines": list(table.repeated_lines) if table else [],
        "repeated_uids": sum(count > 1 for count in uids.values()),
    }
