"""Ingest: from files and a labels table to a manifest, with every refusal told.

One bad file never stops the batch: it is refused with a coded reason and listed.
A fault of the table itself does stop it, because it would make a wrong cohort.
The manifest is the caller's to save. Memory grows by some hundred bytes a file, whatever
the files hold; what became of them goes to a journal, so that a killed ingest goes on.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from medclf.cohort.case import Case, Refusal, cases_in
from medclf.cohort.class_folders import read_class_folders
from medclf.cohort.duplicates import find_duplicates, raise_for, refusals_of
from medclf.cohort.examine import Check, Examined, Examiner
from medclf.cohort.held_out import share_held_out
from medclf.cohort.journal import Journal, Stamp, stamp_of
from medclf.cohort.label_rows import LabelRows, RowsByUid
from medclf.cohort.labels import LabelsTable, read_labels
from medclf.cohort.layout import TABLE, Layout
from medclf.cohort.manifest import Manifest
from medclf.cohort.paths import relative_to
from medclf.cohort.sources import Candidate, Candidates, from_folder, from_table
from medclf.cohort.streaming import Progress, in_order
from medclf.config import Config
from medclf.dicom.admission import AdmissionRules
from medclf.dicom.instance import Kind, Limits
from medclf.digest import canonical_json, digest_json
from medclf.errors import LabelsRefused
from medclf.reasons import Reason

_BATCH = 4096  # rows that are objects at a time


class IngestConfig(Config):
    """What the cohort is about and how its table is read.

    Attributes:
        kind: of picture; DICOM objects of another kind are refused.
        label_column: of the labels table.
        labels: the label space; empty allows every label.
        conflicts: what to do with one picture that carries two labels.
        admission: which DICOM objects of the kind are taken.
        layout: what sort of source it is and what its columns are called.
        threads: that read and check files.
        limits: what is refused for its size.
    """

    kind: Kind
    label_column: str = Field(default="label", min_length=1)
    labels: tuple[str, ...] = ()
    conflicts: Literal["exclude", "refuse"] = "exclude"
    admission: AdmissionRules = AdmissionRules()
    layout: Layout = TABLE
    threads: int = Field(default=2, ge=1, le=64)
    limits: Limits = Limits()


@dataclass(frozen=True)
class Source:
    """Where a cohort comes from: a labels table, a folder of images, or both.

    Attributes:
        table: CSV; paths in it are relative to its folder, or to `folder`.
        folder: searched through all its folders; needed for the layout `folders`.
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
    journal: Journal | None = None,
) -> Manifest:
    """Look at every file of a source and build the manifest.

    Args:
        source: at least one of table and folder.
        config: what the cohort is about.
        secret: keys the pseudonyms of patients; the same secret gives the same ones.
        check: judges the pixels.
        progress: told after each file.
        journal: where to keep what became of each file, and to go on from; in memory
            when None. The caller removes it once the manifest is saved.

    Returns:
        The manifest. Refused files are in `Manifest.refused`; when every file was
        refused the manifest has no rows, and the refusals say why.

    Raises:
        LabelsRefused: the table breaks a rule, there is nothing to look at, or one
            picture carries two labels and the policy is `refuse`.
        OSError: the journal cannot be written or read.
    """
    table = read_source(source, config)
    candidates = _candidates_of(source, config, table)
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
    journal = journal or Journal()
    identity = _identity(source, config, table, candidates)
    start = journal.resume(candidates.files, base=candidates.base, secret=secret, identity=identity)
    total = len(candidates.files)
    if start:
        progress(start, total)
    with closing(_looked_at(examiner, candidates, start, config.threads)) as results:
        try:
            for done, found in enumerate(results, start + 1):
                journal.add(*found)
                progress(done, total)
        except KeyboardInterrupt:
            journal.flush()
            raise
    facts, ends = _facts(config, table), _LooseEnds.of(candidates)
    del table, candidates, examiner  # half of the memory, which the manifest now needs
    return _manifest(journal, ends, facts, config)


def read_source(source: Source, config: IngestConfig) -> LabelsTable | None:
    """Read what a source says of its files; None for a folder that says nothing.

    Raises:
        LabelsRefused: the table breaks a rule, or the layout needs what is not named.
    """
    layout = config.layout
    if layout.format == "folders":
        if source.folder is None:
            raise LabelsRefused(
                "The layout is a folder for each class, and no folder is named.",
                advice="Name it in study.yaml (`data: folder:`).",
            )
        return read_class_folders(source.folder, layout=layout, allowed=config.labels)
    if source.table is None:
        return None
    return read_labels(
        source.table,
        column=config.label_column,
        allowed=config.labels,
        layout=layout,
        folder=source.folder,
    )


def _candidates_of(source: Source, config: IngestConfig, table: LabelsTable | None) -> Candidates:
    if source.folder is not None:
        return from_folder(source.folder, table)
    if table is not None:
        return from_table(table)
    raise LabelsRefused(
        "Neither a labels table nor a folder of images is named.",
        advice="Name at least one of them in study.yaml.",
    )


def _identity(
    source: Source, config: IngestConfig, table: LabelsTable | None, candidates: Candidates
) -> bytes:
    """Return what the outcome of a file depends on beside the file, the secret and the check."""
    return canonical_json(
        {
            "config": config.model_dump(mode="json", exclude={"threads"}),
            "table": table.digest if table else "",
            "base": os.fsencode(candidates.base).hex(),
            "folder": source.folder is not None,
        }
    )


def _looked_at(
    examiner: Examiner, candidates: Candidates, start: int, threads: int
) -> Generator[tuple[str, Stamp, Examined], None, None]:
    """Yield what became of each file, from a place on."""

    def look(candidate: Candidate) -> tuple[str, Stamp, Examined]:
        stamp = stamp_of(os.path.join(candidates.base, candidate.path))  # noqa: PTH118 - hot
        return candidate.path, stamp, examiner.examine(candidate)

    return in_order(look, candidates.files.since(start), threads=threads)


@dataclass(frozen=True)
class _LooseEnds:
    """What is left of the candidates once every file was looked at; see `Candidates`."""

    base: Path
    by_uid: RowsByUid
    unfound: LabelRows

    @classmethod
    def of(cls, candidates: Candidates) -> "_LooseEnds":
        return cls(candidates.base, candidates.by_uid, candidates.unfound)


def _manifest(
    journal: Journal, ends: _LooseEnds, facts: dict[str, Any], config: IngestConfig
) -> Manifest:
    collected = journal.collect()
    counts = pc.value_counts(collected.uids).field("counts")
    facts["repeated_uids"] = pc.sum(pc.greater(counts, 1)).as_py() or 0
    cases, refused = collected.cases, collected.refused
    refused += _refuse_missing(ends, collected.uids)

    groups = find_duplicates(_may_be_copies(cases), names=facts.get("findings", ()))
    conflicts = [group for group in groups if group.contradict]
    if config.conflicts == "refuse":
        raise_for(conflicts)
    refused += refusals_of(conflicts)
    excluded = pa.array([path for group in conflicts for path in group.paths], pa.string())
    if len(excluded):
        cases = cases.filter(pc.invert(pc.is_in(cases.column("path"), value_set=excluded)))
    return Manifest.from_table(share_held_out(cases), base=ends.base, refused=refused, facts=facts)


def _may_be_copies(cases: pa.Table) -> Iterator[Case]:
    """Yield the cases that may share their picture with another; the rest surely do not."""
    hashes = np.fromiter(
        (
            hash(picture)
            for batch in cases.select(["picture"]).to_batches(max_chunksize=_BATCH)
            for picture in batch.column(0).to_pylist()
        ),
        np.int64,
        count=cases.num_rows,
    )
    _, numbers, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    return cases_in(cases.filter(pa.array(counts[numbers] > 1)))


def _refuse_missing(ends: _LooseEnds, uids: pa.Array) -> list[Refusal]:
    """Refuse the rows of the table that no file in the folder answers to."""
    named = [relative_to(row.path, ends.base) for row in ends.unfound]
    named += ends.by_uid.unseen(uids)
    message = "The labels table names this image; it is not in the folder."
    return [Refusal(name, Reason.FILE_MISSING, message) for name in named]


def rules_digest(config: IngestConfig) -> str:
    """Name the rules by which a source became a manifest: all that decides on its content."""
    rules = config.model_dump(mode="json", exclude={"threads"})
    return digest_json({**rules, "labels": sorted(config.labels)})  # their order decides nothing


def _facts(config: IngestConfig, table: LabelsTable | None) -> dict[str, Any]:
    layout = config.layout
    facts: dict[str, Any] = {
        "kind": config.kind.value,
        "source": layout.format,
        "label_column": table.label_column if table else config.label_column,
        "table_digest": table.digest if table else "",
        "rules": rules_digest(config),
        "ignored_columns": list(table.ignored_columns) if table else [],
        "repeated_lines": list(table.repeated_lines) if table else [],
    }
    if layout.patient_pattern:
        facts["patient_pattern"] = layout.patient_pattern
    if layout.findings:
        facts |= {"findings": list(layout.findings), "uncertain": layout.uncertain}
    return facts
