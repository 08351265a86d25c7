"""The split: which part of the study each case is in, and proof that it stays so.

Training learns from `train`, stops by `tune`, calibrates on `calibrate`, and `test` is
kept for the figures of the report. Units (`medclf.cohort.units`) never cross parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from medclf.cohort.copies import Copies
from medclf.cohort.deal import share_out, share_out_by_time
from medclf.cohort.leakage import LeakageReport, check, require_clean, require_no_copies
from medclf.cohort.manifest import Manifest
from medclf.cohort.sealed import digest_of, seal, unseal
from medclf.cohort.split_config import SplitConfig
from medclf.cohort.split_rules import (
    check_given,
    check_labels,
    check_minimum,
    check_unit,
    time_warnings,
)
from medclf.cohort.strata import counts_of
from medclf.cohort.units import find_units
from medclf.cohort.values import PARTS
from medclf.errors import LabelsRefused, ManifestTampered

FORMAT = "medclf-split/1"
_NAME = "split"
_SCHEMA = pa.schema(
    [
        pa.field("digest", pa.string(), nullable=False),
        pa.field("unit", pa.int64(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
    ]
)
_NONE = Copies()


@dataclass(frozen=True)
class Split:
    """A part for each row of one manifest.

    Attributes:
        manifest: digest of the manifest it belongs to.
        table: a row for each of the manifest's, with `digest`, `unit` and `part`.
        facts: how it was made, and the cases of each label in each part.
    """

    manifest: str
    table: pa.Table
    facts: Mapping[str, Any]

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The part of each row, in the manifest's order."""
        return tuple(self.table.column("part").to_pylist())

    @cached_property
    def units(self) -> np.ndarray:
        """(n,) int64, the unit of each row: the clusters for a clustered bootstrap."""
        return np.asarray(self.table.column("unit").to_numpy(), dtype=np.int64)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What whoever relies on this split should know, as whole sentences."""
        return tuple(self.facts.get("warnings", ()))

    @cached_property
    def digest(self) -> str:
        """The digest that names this split."""
        return digest_of(self.table, self._facts(), {})

    def rows(self, part: str) -> np.ndarray:
        """Return the rows of a part, (m,) int64, ascending; empty when it has none."""
        return np.flatnonzero(np.array(self.parts) == part).astype(np.int64)

    def save(self, folder: Path) -> None:
        """Write the split into a folder: Parquet, row digests, JSON.

        Raises:
            OSError: it cannot be written; an older split there stays whole.
        """
        seal(folder, _NAME, table=self.table, facts=self._facts(), files={})

    @classmethod
    def load(cls, folder: Path, *, manifest: Manifest) -> "Split":
        """Read the split of a manifest and check every byte of it.

        Raises:
            LabelsRefused: there is no split, or it belongs to another manifest.
            ManifestTampered: a byte differs; the message names the file and the row.
        """
        sealed = unseal(
            folder, _NAME, file_format=FORMAT, missing_advice="Run `medclf train` first."
        )
        facts = {name: fact for name, fact in sealed.facts.items() if name != "format"}
        owner = facts.pop("manifest", "")
        if owner != manifest.digest:
            raise LabelsRefused(
                f"The split in {folder} belongs to another manifest: "
                f"it names {owner}, this one is {manifest.digest}.",
                advice="Split again; the cohort was ingested anew since.",
                expected=manifest.digest,
                found=owner,
            )
        split = cls(manifest=owner, table=sealed.table.cast(_SCHEMA), facts=facts)
        if split.table.column("digest").to_pylist() != manifest.column("digest"):
            raise ManifestTampered(
                f"The split in {folder} lists other images than its manifest.",
                advice="Split again, and find out who wrote this file.",
                path=str(folder),
            )
        return split

    def _facts(self) -> dict[str, Any]:
        return {**self.facts, "format": FORMAT, "manifest": self.manifest}


def split_cohort(manifest: Manifest, config: SplitConfig, *, copies: Copies = _NONE) -> Split:
    """Share a cohort out, or take the parts that its labels table fixes.

    Args:
        manifest: of the cases.
        config: how.
        copies: what was found among the pictures; without it near copies, and copies in
            another file format, are not known.

    Raises:
        LabelsRefused: a patient, group or picture crosses the parts that the table
            fixes; copies cross and `config.near_duplicates` is `refuse`; a label is
            too rare in a part; patients, groups, sites or months are not known as
            `config` asks.
    """
    check_labels(manifest)
    check_unit(manifest, config)
    together = copies.binding(near=config.near_duplicates == "keep_together")
    units = find_units(manifest, pairs=together, whole_sites=config.unit == "site")
    given = manifest.column("part")
    if any(given):
        parts, source = check_given(manifest), "labels table"
    elif config.by == "time":
        parts, source = share_out_by_time(manifest, units, config), "time"
    else:
        parts, source = share_out(manifest, units, config.fractions, config), "seed"
    return seal_split(manifest, units, parts, config, source=source, copies=copies)


def seal_split(
    manifest: Manifest,
    units: np.ndarray,
    parts: list[str],
    config: SplitConfig,
    *,
    source: str,
    copies: Copies = _NONE,
) -> Split:
    """Check parts and make a split of them.

    Args:
        manifest: of the cases.
        units: (n,) int64.
        parts: of each row.
        config: how they were shared out.
        source: what decided: `seed`, `time`, `labels table` or `fold i of k`.
        copies: what was found among the pictures.

    Raises:
        LabelsRefused: as in `split_cohort`.
    """
    report = check(manifest, parts, copies=copies)
    require_clean(report)
    if config.near_duplicates == "refuse":
        require_no_copies(report)
    check_minimum(manifest, parts, units, config)
    return _build(manifest, units, parts, config, source, report)


def _build(
    manifest: Manifest,
    units: np.ndarray,
    parts: list[str],
    config: SplitConfig,
    source: str,
    report: LeakageReport,
) -> Split:
    table = pa.table(
        {"digest": manifest.column("digest"), "unit": units, "part": parts}, schema=_SCHEMA
    )
    of_part = np.array(parts)
    facts = {
        "source": source,
        "config": config.model_dump(mode="json"),
        "units": len(set(units.tolist())),
        "counts": {
            part: counts_of(manifest, np.flatnonzero(of_part == part))
            for part in PARTS
            if part in parts
        },
        "warnings": [*report.warnings, *time_warnings(manifest, parts, source)],
    }
    return Split(manifest=manifest.digest, table=table, facts=facts)
