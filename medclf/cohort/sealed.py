"""Tables on disk of which no byte can change unnoticed, and whose damage can be placed.

A sealed table is three files: `NAME.parquet` with the rows, `NAME.rows` with the
SHA-256 of each row, and `NAME.json` with the facts and the digests of the files.
The table's digest covers facts and rows but not the Parquet encoding, so another
version of the Parquet library gives the same digest for the same content.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import rfc8785

from medclf.digest import digest_bytes, digest_file, digest_json
from medclf.durable import write_bytes
from medclf.errors import LabelsRefused, ManifestTampered

_ROW_BATCH = 4096  # rows turned into Python values at a time, so that memory stays flat
_ROW_GROUP = 1 << 14  # encoded at a time, with a few megabytes for each
_ADVICE = "Restore it from a backup, or make it again with `medclf ingest`."


@dataclass(frozen=True)
class Sealed:
    """A sealed table as read back and checked.

    Attributes:
        table: the rows.
        facts: as given when it was sealed.
        files: the checked bytes of the files sealed beside the table, by name.
        digest: of rows, facts and files.
    """

    table: pa.Table
    facts: Mapping[str, Any]
    files: Mapping[str, bytes]
    digest: str


def digest_of(table: pa.Table, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> str:
    """Return the digest that `seal` records for the same content."""
    return digest_json(_content(table, _row_digests(table), facts, files))


def seal(
    folder: Path,
    name: str,
    *,
    table: pa.Table,
    facts: Mapping[str, Any],
    files: Mapping[str, bytes],
    unsealed: Mapping[str, bytes] = MappingProxyType({}),
) -> None:
    """Write a sealed table in place of the one that stands there.

    All is written beside first, so that a full disk leaves the old one whole. A crash
    between the renames leaves none, which reads as missing and never as half.

    Args:
        folder: made when missing; other files in it are left alone.
        name: of the three files.
        table: the rows.
        facts: plain JSON values, `format` among them.
        files: written beside and sealed too.
        unsealed: written beside at the same moment, outside the digest.

    Raises:
        OSError: a file cannot be written.
    """
    rows = _row_digests(table)
    content = _content(table, rows, facts, files)
    folder.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=folder))
    try:
        _write_parquet(stage / f"{name}.parquet", table)
        record = {
            **content,
            "encoding": {f"{name}.parquet": digest_file(stage / f"{name}.parquet")},
            "digest": digest_json(content),
        }
        record["record_digest"] = digest_json(record)  # so that damage in here is placed in here
        written = {
            **files,
            **unsealed,
            f"{name}.rows": rows,
            f"{name}.json": _json_bytes(record),  # last: it makes the others valid
        }
        for file_name, data in written.items():
            write_bytes(stage / file_name, data)
        (folder / f"{name}.json").unlink(missing_ok=True)
        for file_name in (f"{name}.parquet", *written):
            (stage / file_name).replace(folder / file_name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def unseal(folder: Path, name: str, *, file_format: str, missing_advice: str) -> Sealed:
    """Read a sealed table and check every byte of it.

    Args:
        folder: where it was sealed.
        name: what it was sealed as.
        file_format: that the facts must name under `format`.
        missing_advice: what to do when there is none.

    Raises:
        LabelsRefused: there is none, or it is of another format.
        ManifestTampered: a byte is not the one that was recorded; the message names
            the file and, where it can be told, the first row.
    """
    path = folder / f"{name}.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabelsRefused(
            f"There is no readable {path} ({type(error).__name__}).",
            advice=missing_advice,
            path=str(path),
        ) from error
    record = _checked_record(data, path)
    facts = record["facts"]
    if facts.get("format") != file_format:
        raise LabelsRefused(
            f"{path} is of the format {facts.get('format')!r}; this version reads {file_format!r}.",
            advice="Make it again with this version of medclf.",
            path=str(path),
        )
    files = {
        file_name: _checked_bytes(folder / file_name, expected)
        for file_name, expected in sorted(record["files"].items())
    }
    rows = _checked_bytes(folder / f"{name}.rows", record["rows_digest"])
    table = _checked_table(folder / f"{name}.parquet", rows, record)
    return Sealed(table=table, facts=facts, files=files, digest=record["digest"])


def _content(
    table: pa.Table, rows: bytes, facts: Mapping[str, Any], files: Mapping[str, bytes]
) -> dict[str, Any]:
    return {
        "facts": dict(facts),
        "columns": table.schema.names,
        "rows_digest": digest_bytes(rows),
        "files": {name: digest_bytes(data) for name, data in files.items()},
    }


def _json_bytes(record: object) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


def _write_parquet(path: Path, table: pa.Table) -> None:
    """Encode with everything fixed that the library leaves open; it writes no time."""
    with path.open("wb") as stream:
        with pq.ParquetWriter(
            stream,
            table.schema,
            compression="zstd",
            compression_level=3,
            version="2.6",
            data_page_version="1.0",
            use_dictionary=True,
            write_statistics=False,
            store_schema=False,
        ) as writer:
            # Joined group by group: the same bytes however the columns are cut into pieces.
            for start in range(0, table.num_rows, _ROW_GROUP):
                writer.write_table(table.slice(start, _ROW_GROUP).combine_chunks(), _ROW_GROUP)
        stream.flush()
        os.fsync(stream.fileno())


def _row_digests(table: pa.Table) -> bytes:
    """Return 64 hex digits and a line end for each row."""
    digests = bytearray()
    for batch in table.to_batches(max_chunksize=_ROW_BATCH):
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        digests += b"".join(map(_digest_row, rows))
    return bytes(digests)


def _digest_row(row: tuple[object, ...]) -> bytes:
    text = json.dumps(row, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest().encode() + b"\n"


def _checked_record(data: bytes, path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(data)
        content = {name: record[name] for name in ("facts", "columns", "rows_digest", "files")}
        recorded = record["record_digest"]
        found = digest_json({k: v for k, v in record.items() if k != "record_digest"})
        agrees = record["digest"] == digest_json(content)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
        rfc8785.CanonicalizationError,
    ) as error:
        raise ManifestTampered(
            f"{path} is not the JSON that was written ({type(error).__name__}).",
            advice=_ADVICE,
            path=str(path),
        ) from error
    if found != recorded:
        raise _tampered(path, expected=recorded, found=found)
    if not agrees or _json_bytes(record) != data:
        raise ManifestTampered(
            f"{path} is not written as medclf writes it.",
            advice=_ADVICE,
            path=str(path),
        )
    return record


def _checked_bytes(path: Path, expected: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ManifestTampered(
            f"{path} was recorded and cannot be read ({type(error).__name__}).",
            advice=_ADVICE,
            path=str(path),
            expected=expected,
        ) from error
    found = digest_bytes(data)
    if found != expected:
        raise _tampered(path, expected=expected, found=found)
    return data


def _checked_table(path: Path, rows: bytes, record: Mapping[str, Any]) -> pa.Table:
    """Read the Parquet file; name the first row that differs before the file as a whole."""
    expected = str(record["encoding"].get(path.name))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ManifestTampered(
            f"{path} was recorded and cannot be read ({type(error).__name__}).",
            advice=_ADVICE,
            path=str(path),
            expected=expected,
        ) from error
    found = digest_bytes(data)
    try:
        table = pq.read_table(io.BytesIO(data))
        computed = _row_digests(table)
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise _tampered(path, expected=expected, found=found) from error
    if computed != rows:
        recorded_lines, computed_lines = rows.splitlines(), computed.splitlines()
        pairs = zip(recorded_lines, computed_lines, strict=False)
        shorter = min(len(recorded_lines), len(computed_lines))
        first = next((i for i, (a, b) in enumerate(pairs) if a != b), shorter)
        raise _tampered(path, expected=expected, found=found, row=first + 1)
    if found != expected or table.schema.names != record["columns"]:
        raise _tampered(path, expected=expected, found=found)
    return table


def _tampered(path: Path, *, expected: str, found: str, row: int | None = None) -> ManifestTampered:
    where = f", row {row}," if row else ""
    return ManifestTampered(
        f"{path}{where} is not what was recorded: expected {expected}, found {found}.",
        advice=_ADVICE,
        path=str(path),
        expected=expected,
        found=found,
        row=row,
    )
