"""The rows of a labels table, held in columns so that a million of them stay small.

A row as a Python object takes about two kilobytes; as an entry of Arrow columns it takes
little more than its text. Rows become objects one batch at a time, when they are looked at.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BATCH = 4096  # rows that are objects at a time


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What a labels table says about one file; "" and None where it says nothing.

    Attributes:
        line: in the table; 0 for a source without lines.
        path: absolute, or "" when the row names the file by its SOP Instance UID.
        digest: `sha256:…` that the file should have.
        patient_id: as written, to be made a pseudonym before it is kept.
        patient_key: a pseudonym that medclf made earlier, kept as it is.
        part: of the split, when the table fixes it.
        taken_on: `YYYY-MM`.
        findings: as in `medclf.cohort.case.Case`.
    """

    line: int
    label: str
    path: str = ""
    sop_instance_uid: str = ""
    digest: str = ""
    patient_id: str = ""
    patient_key: str = ""
    group_id: str = ""
    site: str = ""
    device: str = ""
    view: str = ""
    laterality: str = ""
    sex: str = ""
    age_years: float | None = None
    subtype: str = ""
    part: str = ""
    taken_on: str = ""
    findings: tuple[int, ...] = ()

    def differing(self, other: "LabelRow") -> tuple[str, ...]:
        """Return what two rows do not say alike, in the order of the fields; not the line."""
        return tuple(
            name for name in NAMES if name != "line" and getattr(self, name) != getattr(other, name)
        )


NAMES = tuple(field.name for field in fields(LabelRow))
_TYPES = {"line": pa.int32(), "age_years": pa.float64(), "findings": pa.list_(pa.int8())}
_SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in NAMES])


class LabelRows(Sequence[LabelRow]):
    """Rows of a labels table, in its order."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @classmethod
    def of(cls, rows: Iterable[LabelRow]) -> "LabelRows":
        """Hold rows; they are taken one by one."""
        batches: list[pa.RecordBatch] = []
        columns: dict[str, list[Any]] = {name: [] for name in NAMES}

        def close() -> None:
            batches.append(pa.RecordBatch.from_pydict(columns, schema=_SCHEMA))
            for values in columns.values():
                values.clear()

        count = 0
        for count, row in enumerate(rows, start=1):
            for name, values in columns.items():
                values.append(getattr(row, name))
            if count % _BATCH == 0:
                close()
        if count % _BATCH:
            close()
        return cls(pa.Table.from_batches(batches, schema=_SCHEMA))

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __iter__(self) -> Iterator[LabelRow]:
        for start in range(0, len(self), _BATCH):
            yield from self._objects(self._table.slice(start, _BATCH))

    @overload
    def __getitem__(self, place: int) -> LabelRow: ...
    @overload
    def __getitem__(self, place: slice) -> "LabelRows": ...
    def __getitem__(self, place: int | slice) -> "LabelRow | LabelRows":
        if isinstance(place, slice):
            return LabelRows(self._table.take(np.arange(len(self))[place]))
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return next(self._objects(self._table.slice(place % len(self), 1)))

    def column(self, name: str) -> pa.ChunkedArray:
        """Return one column."""
        return self._table.column(name)

    def pick(self, places: np.ndarray) -> "LabelRows":
        """Return the rows at some places, (m,) int64 in [0, len), in that order."""
        return LabelRows(self._table.take(pa.array(places, pa.int64())))

    @staticmethod
    def _objects(table: pa.Table) -> Iterator[LabelRow]:
        columns = [table.column(name).to_pylist() for name in NAMES]
        columns[-1] = [tuple(findings) for findings in columns[-1]]
        return (LabelRow(*values) for values in zip(*columns, strict=True))


class RowsByUid(Mapping[str, LabelRow]):
    """The rows that name their file by SOP Instance UID alone, found by it."""

    def __init__(self, rows: LabelRows) -> None:
        pathless = np.flatnonzero(pc.equal(rows.column("path"), "").to_numpy())
        order = pc.sort_indices(rows.column("sop_instance_uid").take(pa.array(pathless)))
        self._rows = rows.pick(pathless[order.to_numpy()])
        self._uids = self._rows.column("sop_instance_uid").combine_chunks()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[str]:
        return (row.sop_instance_uid for row in self._rows)

    def __getitem__(self, uid: str) -> LabelRow:
        place = bisect_left(range(len(self)), uid, key=lambda at: str(self._uids[at].as_py()))
        if place == len(self) or self._uids[place].as_py() != uid:
            raise KeyError(uid)
        return self._rows[place]

    def unseen(self, uids: pa.Array) -> Iterator[str]:
        """Yield the UIDs that are not among some, in order."""
        absent = pc.invert(pc.is_in(self._uids, value_set=uids))
        return iter(self._uids.filter(absent).to_pylist())
