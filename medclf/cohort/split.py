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

from medclf.cohort.assign import assign, deal_order
from medclf.cohort.leakage import check, require_clean
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
            neither patients nor groups are known.
        minimum_per_class: cases of every label that every part must hold.
        seed: of the draw among equals.
    """

    train: float = Field(default=0.6, gt=0, lt=1)
    tune: float = Field(default=0.1, gt=0, lt=1)
    calibrate: float = Field(default=0.1, gt=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)
    unit: Literal["auto", "patient", "group", "image"] = "auto"
    minimum_per_class: int = Field(default=2, ge=1, le=10_000)
    seed: int = Field(ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def _whole(self) -> "SplitConfig":
        total = sum(self.fractions.values())
        if abs(total - 1) > _ROUNDING:
            raise ValueError(f"train, tune, calibrate and test sum to {total:g}, not to 1")
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


def split_cohort(manifest: Manifest, config: SplitConfig) -> Split:
    """Share a cohort out, or take the parts that its labels table fixes.

    Raises:
        LabelsRefused: a patient, group or picture crosses the parts that the table
            fixes; a label is too rare in a part; patients or groups are not known as
            `config.unit` asks.
    """
    _check_labels(manifest)
    _check_unit(manifest, config)
    units = find_units(manifest)
    given = manifest.column("part")
    if any(given):
        parts, source = _check_given(manifest), "labels table"
    else:
        parts, source = _share_out(manifest, units, config), "seed"
    require_clean(check(manifest, parts))
    _check_minimum(manifest, parts, units, config)
    return _build(manifest, units, parts, config, source)


def _share_out(manifest: Manifest, units: np.ndarray, config: SplitConfig) -> list[str]:
    indices = manifest.label_indices(manifest.labels)
    count = int(units.max()) + 1 if len(units) else 0
    counts = np.zeros((count, len(manifest.labels)), dtype=np.int64)
    np.add.at(counts, (units, indices), 1)
    names = [""] * count
    for unit, picture in zip(units, manifest.column("picture"), strict=True):
        names[unit] = min(names[unit] or picture, picture)
    fractions = config.fractions
    chosen = assign(
        counts,
        deal_order(names, counts.sum(axis=1), seed=config.seed),
        np.array(list(fractions.values())),
        minimum=config.minimum_per_class,
    )
    asked = list(fractions)
    return [asked[part] for part in chosen[units]]


def _build(
    manifest: Manifest, units: np.ndarray, parts: list[str], config: SplitConfig, source: str
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
    }
    return Split(manifest=manifest.digest, table=table, facts=facts)


def _check_unit(manifest: Manifest, config: SplitConfig) -> None:
    known = {name: sum(map(bool, manifest.column(name))) for name in ("patient", "group")}
    if config.unit in known and known[config.unit] < len(manifest):
        raise LabelsRefused(
            f"The split is to go by {config.unit}, but only {known[config.unit]} of "
            f"{len(manifest)} cases name one.",
            advice=f"Fill in {config.unit}_id in the labels table, or set `unit: auto`.",
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
