"""The split: which part of the study each case is in, and proof that it stays so.

Training learns from `train`, stops by `tune`, calibrates on `calibrate`, and `test` is
kept for the figures of the report. Units (`medclf.cohort.units`) never cross parts.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from medclf.cohort.copies import Copies
from medclf.cohort.deal import share_out, share_out_by_time
from medclf.cohort.leakage import LeakageReport, check, require_clean, require_no_copies
from medclf.cohort.manifest import Manifest
from medclf.cohort.sealed import digest_of, seal, unseal
from medclf.cohort.units import find_units
from medclf.cohort.values import PARTS
from medclf.config import Config
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
_COLUMNS = {"patient": "patient_id", "group": "group_id", "site": "site"}
_ROUNDING = 1e-9  # fractions are written in decimals: 0.6 + 0.1 + 0.1 + 0.2 is not 1 in binary


class SplitConfig(Config):
    """How a cohort is shared out.

    Attributes:
        train: fraction of the cases.
        tune: fraction of the cases.
        calibrate: fraction of the cases.
        test: fraction of the cases; 0 when the test data come from elsewhere.
        unit: what must be known of every case. Whatever is known beside keeps
            cases together all the same. `auto` asks for nothing; `image` states that
            neither patients nor groups are known; `site` keeps whole sites together too.
        by: `random` draws every part; `time` takes the latest cases as the test part, by
            the month of each patient's last picture, and draws the others.
        near_duplicates: near copies, where they were looked for: `keep_together` makes
            them one unit, `warn` lets them cross, `refuse` refuses a split where they do.
        minimum_per_class: cases of every label that every part must hold.
        seed: of the draw among equals.
    """

    train: float = Field(default=0.6, gt=0, lt=1)
    tune: float = Field(default=0.1, gt=0, lt=1)
    calibrate: float = Field(default=0.1, gt=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)
    unit: Literal["auto", "patient", "group", "image", "site"] = "auto"
    by: Literal["random", "time"] = "random"
    near_duplicates: Literal["keep_together", "warn", "refuse"] = "keep_together"
    minimum_per_class: int = Field(default=2, ge=1, le=10_000)
    seed: int = Field(ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def _whole(self) -> "SplitConfig":
        total = sum(self.fractions.values())
        if abs(total - 1) > _ROUNDING:
            raise ValueError(f"train, tune, calibrate and test sum to {total:g}, not to 1")
        if self.by == "time" and not self.test:
            raise ValueError("by: time needs a test part; set test above 0")
        return self

    @property
    def fractions(self) -> dict[str, float]:
        """The parts asked for, in order, with their fractions."""
        every = {"train": self.train, "tune": self.tune, "calibrate": self.calibrate}
        return {**every, "test": self.test} if self.test else every


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
        copies: what was found among the pictures; without it near copies are not known.

    Raises:
        LabelsRefused: a patient, group or picture crosses the parts that the table
            fixes; near copies cross and `config.near_duplicates` is `refuse`; a label is
            too rare in a part; patients, groups, sites or months are not known as
            `config` asks.
    """
    _check_labels(manifest)
    _check_unit(manifest, config)
    together = copies.links if config.near_duplicates == "keep_together" else ()
    units = find_units(manifest, pairs=together, whole_sites=config.unit == "site")
    given = manifest.column("part")
    if any(given):
        parts, source = _check_given(manifest), "labels table"
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
    _check_minimum(manifest, parts, units, config)
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
    counted = Counter(zip(parts, manifest.column("label"), strict=True))
    facts = {
        "source": source,
        "config": config.model_dump(mode="json"),
        "units": len(set(units.tolist())),
        "counts": {
            part: {label: counted[part, label] for label in manifest.labels}
            for part in PARTS
            if part in parts
        },
        "warnings": [*report.warnings, *_time_warnings(manifest, parts, source)],
    }
    return Split(manifest=manifest.digest, table=table, facts=facts)


def _check_unit(manifest: Manifest, config: SplitConfig) -> None:
    known = {name: sum(map(bool, manifest.column(name))) for name in ("patient", "group")}
    if config.unit == "site":
        known["site"] = sum(map(bool, manifest.column("site")))
    if config.unit in known and known[config.unit] < len(manifest):
        raise LabelsRefused(
            f"The split is to go by {config.unit}, but only {known[config.unit]} of "
            f"{len(manifest)} cases name one.",
            advice=f"Fill in {_COLUMNS[config.unit]} in the labels table, or set `unit: auto`.",
            found=known[config.unit],
            expected=len(manifest),
        )
    if config.unit == "image" and any(known.values()):
        raise LabelsRefused(
            "The split is to go by image, but patients or groups are known; "
            "pictures of one patient would lie in several parts.",
            advice="Set `unit: auto`.",
            **known,
        )


def _time_warnings(manifest: Manifest, parts: list[str], source: str) -> list[str]:
    """Say how many test pictures are older than the newest one that was learned from."""
    if source != "time":
        return []
    taken = manifest.column("taken_on")
    newest = max(month for month, part in zip(taken, parts, strict=True) if part != "test")
    older = sum(p == "test" and month <= newest for month, p in zip(taken, parts, strict=True))
    if not older:
        return []
    return [
        f"{older:,} pictures of the test part were taken no later than the newest picture that "
        "is learned from: they belong to patients who came back later."
    ]


def _check_given(manifest: Manifest) -> list[str]:
    parts: list[str] = manifest.column("part")
    blank = next((row for row, part in enumerate(parts) if not part), None)
    if blank is not None:
        line = manifest.case(blank).line
        raise LabelsRefused(
            f"The labels table fixes the part of some cases, but not that of line {line}.",
            advice="Fill in the column part everywhere, or remove it.",
            line=line,
        )
    return parts


def _check_labels(manifest: Manifest) -> None:
    if len(manifest.labels) < 2 or not all(manifest.column("label")):
        raise LabelsRefused(
            f"The cohort holds {len(manifest)} cases with the labels "
            f"{', '.join(manifest.labels) or '(none)'}; at least two labels are needed.",
            advice="Add cases of another label; refused.csv says what was left out.",
            found=list(manifest.labels),
        )


def _check_minimum(
    manifest: Manifest, parts: list[str], units: np.ndarray, config: SplitConfig
) -> None:
    labels = manifest.column("label")
    held = Counter(zip(parts, labels, strict=True))
    least = config.minimum_per_class
    for part, label in product(config.fractions, manifest.labels):
        if held[part, label] < least:
            carriers = {
                u for u, found in zip(units.tolist(), labels, strict=True) if found == label
            }
            raise LabelsRefused(
                f"The part {part} holds {held[part, label]} cases of {label!r}; at least {least} "
                f"are needed. The cohort has {labels.count(label)}, in {len(carriers)} patients, "
                "groups or single pictures that must not be parted.",
                advice="Add patients with this label, merge it with another label, or lower "
                "minimum_per_class. Where all files carry one made-up patient number, "
                "give patient_id in the labels table.",
                part=part,
                label=label,
                found=held[part, label],
                expected=least,
            )
