"""The manifest: the one table that says which images a cohort holds and what they are.

It is made once by `medclf.cohort.ingest`, saved with digests of every row, and every
later step names it by its own digest. Where the files lie is not part of what they
are: the base folder is kept beside the manifest and outside its digest.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from medclf.cohort.case import (
    SCHEMA,
    Case,
    Refusal,
    cases_in,
    refusals_as_csv,
    refusals_from_csv,
)
from medclf.cohort.sealed import digest_of, seal, unseal
from medclf.dicom.instance import Instance, Limits, open_instance
from medclf.errors import LabelsRefused, ManifestTampered

FORMAT = "medclf-manifest/2"
_NAME = "manifest"
_REFUSED = "refused.csv"
_LOCATION = "location.json"
_CASE_FIELDS = tuple(field.name for field in fields(Case))
_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Manifest:
    """The cases of a cohort, sorted by path.

    Attributes:
        table: a row for each accepted image; columns as in `Case`.
        base: the folder that relative paths start from.
        refused: files that are not in the cohort, sorted by path.
        facts: where it comes from: kind, label column, digest of the labels table,
            columns that were passed over, notes.
    """

    table: pa.Table
    base: Path
    refused: tuple[Refusal, ...]
    facts: Mapping[str, Any]

    @classmethod
    def from_cases(
        cls,
        cases: Iterable[Case],
        *,
        base: Path,
        refused: Iterable[Refusal] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> "Manifest":
        """Build a manifest; the order in which cases come does not matter."""
        ordered = sorted(cases, key=lambda case: case.path)
        columns = {name: [getattr(case, name) for case in ordered] for name in _CASE_FIELDS}
        table = pa.table(columns, schema=SCHEMA)
        return cls.from_table(table, base=base, refused=refused, facts=facts)

    @classmethod
    def from_table(
        cls,
        table: pa.Table,
        *,
        base: Path,
        refused: Iterable[Refusal] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> "Manifest":
        """Build a manifest from rows that are sorted by path already."""
        return cls(
            table=table,
            base=base,
            refused=tuple(sorted(refused, key=lambda refusal: (refusal.path, refusal.reason))),
            facts=dict(facts or {}),
        )

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> list[Any]:
        """Return one column as Python values, in row order."""
        values: list[Any] = self.table.column(name).to_pylist()
        return values

    def case(self, row: int) -> Case:
        """Return one row, counted from 0."""
        return next(cases_in(self.table.slice(row, 1)))

    def cases(self) -> Iterator[Case]:
        """Yield every row, in order."""
        return cases_in(self.table)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels that occur, sorted; the blank one of an unlabelled cohort left out."""
        return tuple(sorted(set(pc.unique(self.table.column("label")).to_pylist()) - {""}))

    @property
    def findings(self) -> tuple[str, ...]:
        """The names of the findings of each case; empty for a cohort with one label each."""
        return tuple(self.facts.get("findings", ()))

    def label_counts(self) -> dict[str, int]:
        """Return how many cases carry each label, in the order of the labels."""
        counted = pc.value_counts(self.table.column("label"))
        pairs = zip(*(counted.field(n).to_pylist() for n in ("values", "counts")), strict=True)
        return dict(sorted(pairs))

    def finding_counts(self) -> dict[str, Counter[int]]:
        """Return how often each finding is 1, 0, -1 and -2 (see `Case.findings`)."""
        count = len(self.findings)
        flat = pc.list_flatten(self.table.column("findings")).to_numpy().reshape(-1, max(count, 1))
        return {name: Counter(flat[:, at].tolist()) for at, name in enumerate(self.findings)}

    def label_indices(self, labels: tuple[str, ...]) -> np.ndarray:
        """Return the place of each row's label in a label space.

        Args:
            labels: the label space, in the model's order.

        Returns:
            (n,) int64, in [0, len(labels)).

        Raises:
            LabelsRefused: a row carries a label outside the label space.
        """
        found = self.table.column("label")
        unknown = sorted(set(pc.unique(found).to_pylist()) - set(labels))
        if unknown:
            raise LabelsRefused(
                f"The manifest holds labels outside the label space: {', '.join(unknown)!r}.",
                advice=f"Expected only {', '.join(labels)}; ingest again with this label space.",
                found=unknown,
                expected=list(labels),
            )
        places = pc.index_in(found, value_set=pa.array(labels, pa.string()))
        return np.asarray(places.to_numpy(), dtype=np.int64)

    @cached_property
    def digest(self) -> str:
        """The digest that names this manifest; the base folder does not enter it."""
        return digest_of(self.table, self._facts(), self._files())

    def path_of(self, row: int) -> Path:
        """Return where the file of a row lies."""
        return self.base / str(self.table.column("path")[row].as_py())

    def open(self, row: int, *, limits: Limits = _DEFAULT_LIMITS) -> Instance:
        """Read the image of a row and make sure that it is the one that was ingested.

        Raises:
            InstanceRefused: the file is gone or can no longer be read.
            ManifestTampered: its bytes are not those of the manifest.
        """
        instance = open_instance(self.path_of(row), limits=limits)
        expected = str(self.table.column("digest")[row].as_py())
        if instance.digest != expected:
            raise ManifestTampered(
                f"The image of row {row + 1} of the manifest has changed since ingest: "
                f"expected {expected}, found {instance.digest}.",
                advice="Restore the original file, or run `medclf ingest` again.",
                row=row + 1,
                expected=expected,
                found=instance.digest,
            )
        return instance

    def save(self, folder: Path) -> None:
        """Write the manifest into a folder: Parquet, row digests, JSON, refused.csv.

        Raises:
            OSError: it cannot be written; an older manifest there stays whole.
        """
        location = json.dumps({"base": str(self.base.absolute())}) + "\n"
        seal(
            folder,
            _NAME,
            table=self.table,
            facts=self._facts(),
            files=self._files(),
            unsealed={_LOCATION: location.encode()},
        )

    @classmethod
    def load(
        cls, folder: Path, *, base: Path | None = None, expected: str | None = None
    ) -> "Manifest":
        """Read a manifest and check every byte of it.

        Args:
            folder: where it was saved.
            base: where the images lie now; None takes the place they were ingested from.
            expected: the digest that was recorded elsewhere (package, audit trail).

        Raises:
            LabelsRefused: there is no manifest, or none of this format.
            ManifestTampered: a byte differs; the message names the file and the row.
        """
        sealed = unseal(
            folder,
            _NAME,
            file_format=FORMAT,
            missing_advice="Run `medclf ingest` first.",
        )
        if expected is not None and sealed.digest != expected:
            raise ManifestTampered(
                f"{folder / 'manifest.json'} is another manifest: expected {expected}, "
                f"found {sealed.digest}.",
                advice="Restore the manifest that was recorded, or train again on this one.",
                path=str(folder),
                expected=expected,
                found=sealed.digest,
            )
        counted = ("format", "rows", "labels", "refused")
        return cls(
            table=sealed.table.cast(SCHEMA),
            base=base or _location_in(folder),
            refused=refusals_from_csv(sealed.files[_REFUSED]),
            facts={name: fact for name, fact in sealed.facts.items() if name not in counted},
        )

    def _facts(self) -> dict[str, Any]:
        return {
            **self.facts,
            "format": FORMAT,
            "rows": len(self),
            "labels": self.label_counts(),
            "refused": dict(sorted(Counter(r.reason.value for r in self.refused).items())),
        }

    def _files(self) -> dict[str, bytes]:
        return {_REFUSED: refusals_as_csv(self.refused)}


def _location_in(folder: Path) -> Path:
    path = folder / _LOCATION
    try:
        return Path(json.loads(path.read_bytes())["base"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ManifestTampered(
            f"{path} is missing or is not what was written ({type(error).__name__}).",
            advice="Run `medclf ingest` again, or name the folder of the images.",
            path=str(path),
        ) from error
