"""Decodes every file that others can decode, and writes down how the results compare.

    python -m validation.decoding_table --data shared/data/dicom --out validation/evidence/decoding

Two folders are read: real files of many makers, and the test files that come with pydicom and
highdicom. Each is opened by medclf as any image would be. The same bytes go to pydicom 3 with each
of its plugins that is installed here, GDCM among them, and every frame is compared: stored
values bit for bit, as they lie in their containers; colour JPEG after it has become RGB, since
libjpeg-turbo converts while it decodes. Files that medclf does not accept, for reasons other than
their pixels (no preamble, a UID that is none), are decoded all the same, to compare the pixels.

Writes `table.csv` and `table.md`, in which files are named by the last parts of their paths.
"""

import argparse
import csv
import io
import logging
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from medclf.dicom.instance import parse_instance
from medclf.dicom.reading import number_of, text_of
from medclf.durable import write_text
from medclf.errors import InstanceRefused, MedclfError
from medclf.pixels.codecs import compressed_frames, stored_values
from medclf.pixels.header import read_header
from medclf.pixels.stored import Stored

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_DEFAULT = "1.2.840.10008.1.2"
_LOSSY_LEVELS = 1  # the bound for JPEG: decoders round the cosine transform differently
_NAMED_BY = 3  # parts of a path

# pydicom's plugin for Pillow adds half the range where the codestream is signed and the header
# says unsigned; GDCM and OpenJPEG leave the bits as they are, as medclf does.
_PECULIAR = {("TOSHIBA_J2K_SIZ1_PixRep0.dcm", "pillow"), ("TOSHIBA_J2K_SIZ0_PixRep1.dcm", "pillow")}

# Number of Frames is no number and there are bytes for fifteen; pydicom refuses the file, and
# GDCM shows the first frame, which is a guess.
_GUESSED = {"badVR.dcm"}


@dataclass(frozen=True, slots=True)
class Row:
    """One file.

    Attributes:
        file: last parts of its path.
        transfer_syntax: name, or UID where it has none.
        photometric: as the header says.
        frames: as the header says.
        accepted: `yes`, or the reason code of the refusal.
        decoder: that gave the stored values; empty when none did.
        why_not: reason code where the pixels could not be decoded.
        others: for each plugin `equal`, `off by n`, `another shape` or `cannot`.
        fault: why the bound of the issue is not held; empty where it is.
    """

    file: str
    transfer_syntax: str = ""
    photometric: str = ""
    frames: int = 0
    accepted: str = "yes"
    decoder: str = ""
    why_not: str = ""
    others: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def compare(path: Path) -> Row:
    """Decode one file here and by others."""
    data = path.read_bytes()
    name = "/".join(path.parts[-_NAMED_BY:])
    accepted = "yes"
    try:
        dataset = parse_instance(data).dataset
    except InstanceRefused as refusal:
        accepted, dataset = refusal.reason.value, _forced(data)
    if dataset is None or not any(keyword in dataset for keyword in _PIXELS):
        return Row(name, accepted="not DICOM" if dataset is None else accepted)
    # Without a header of its own, a data set has the default transfer syntax (PS3.5 section 10).
    syntax = text_of(getattr(dataset, "file_meta", Dataset()), "TransferSyntaxUID") or _DEFAULT
    frames, decoder, why_not = _decoded(dataset, syntax)
    others, faults = {}, []
    for plugin in _plugins(syntax):
        verdict = _against(dataset, syntax, plugin, frames)
        others[plugin or "pydicom"] = verdict
        peculiar = (path.name, plugin) in _PECULIAR
        if verdict != "cannot" and not _within(verdict, decoder) and not peculiar:
            faults.append(f"{plugin or 'pydicom'} decodes it: {verdict}")
    # GDCM aborts the process on other depths.
    known_depth = number_of(dataset, "BitsAllocated", absent=0) in (8, 16, 32)
    if known_depth and all(verdict == "cannot" for verdict in others.values()):
        others["gdcm itself"] = verdict = _against_gdcm(path, frames)
        guessed = path.name in _GUESSED
        if verdict != "cannot" and not _within(verdict, decoder) and not guessed:
            faults.append(f"GDCM decodes it: {verdict}")
    return Row(
        file=name,
        transfer_syntax=UID(syntax).name,
        photometric=text_of(dataset, "PhotometricInterpretation"),
        frames=max(1, number_of(dataset, "NumberOfFrames", absent=1)),
        accepted=accepted,
        decoder=decoder,
        why_not=why_not,
        others=others,
        fault="; ".join(faults),
    )


def _forced(data: bytes) -> Dataset | None:
    """Read what medclf refused with pydicom, as leniently as it can."""
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        list(dataset)
    except Exception:  # noqa: BLE001 - whatever it is, pydicom cannot read it
        return None
    return dataset if len(dataset) else None


def _decoded(dataset: Dataset, syntax: str) -> tuple[list[Stored], str, str]:
    try:
        header = read_header(dataset, transfer_syntax=syntax)
        index = compressed_frames(dataset, header)
        frames = [
            stored_values(dataset, header, frame=number, index=index)
            for number in range(header.frames)
        ]
    except MedclfError as refusal:
        return [], "", str(getattr(refusal, "reason", type(refusal).__name__))
    except Exception as error:  # noqa: BLE001 - as `decode` does, which wraps it
        return [], "", f"pixels_undecodable ({type(error).__name__})"
    return frames, frames[0].decoder, ""


def _plugins(syntax: str) -> tuple[str, ...]:
    try:
        return tuple(get_decoder(UID(syntax)).available_plugins) or ("",)
    except (NotImplementedError, ValueError):
        return ()


def _against(dataset: Dataset, syntax: str, plugin: str, frames: list[Stored]) -> str:
    """Compare every frame with what a plugin of pydicom gives; say by how much they differ."""
    peer = get_decoder(UID(syntax))
    worst = 0.0
    count = max(1, number_of(dataset, "NumberOfFrames", absent=1))
    for number in range(count):
        try:
            theirs, said = peer.as_array(dataset, index=number, raw=True, decoding_plugin=plugin)
        except Exception:  # noqa: BLE001 - whatever it is, this peer cannot decode the file
            return "cannot"
        if not frames:
            return "decodes what medclf does not"
        stored = frames[number]
        photometric = str(said["photometric_interpretation"])
        if theirs.ndim == 3 and stored.photometric == "RGB" and photometric != "RGB":
            theirs, _ = peer.as_array(dataset, index=number, decoding_plugin=plugin)
        if theirs.shape != stored.patterns.shape:
            return "another shape"
        worst = max(worst, _difference(stored, theirs))
    return "equal" if worst == 0 else f"off by {worst:g}"


def _against_gdcm(path: Path, frames: list[Stored]) -> str:
    """Compare with what GDCM makes of the file without pydicom; whole objects only."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    if not reader.Read():
        return "cannot"
    image = reader.GetImage()
    kind = image.GetPixelFormat()
    flat = (image.GetBuffer() or "").encode("utf-8", "surrogateescape")  # pixels come as text
    letter = "i" if kind.GetPixelRepresentation() else "u"
    if kind.GetBitsAllocated() not in (8, 16, 32) or not flat:
        return "cannot"
    if not frames:
        return "decodes what medclf does not"
    theirs = np.frombuffer(flat, f"<{letter}{kind.GetBitsAllocated() // 8}")
    shape = frames[0].patterns.shape
    if theirs.size != len(frames) * int(np.prod(shape)):
        return "another shape"
    pairs = zip(frames, theirs.reshape(-1, *shape), strict=True)
    worst = max(_difference(stored, array) for stored, array in pairs)
    return "equal" if worst == 0 else f"off by {worst:g}"


def _difference(stored: Stored, theirs: NDArray[Any]) -> float:
    """Return the largest difference of values, modulo the container, in which signs are alike."""
    if stored.floating:
        same = np.array_equal(stored.patterns, theirs, equal_nan=True)
        return 0.0 if same else float("inf")
    bits = 8 * min(stored.patterns.dtype.itemsize, theirs.dtype.itemsize)
    ours = stored.values_of(stored.patterns)
    apart = (ours - theirs.astype(np.int64)) % (1 << bits)
    return float(np.minimum(apart, (1 << bits) - apart).max())


def _within(verdict: str, decoder: str) -> bool:
    if verdict == "equal":
        return True
    lossy = decoder.startswith("simplejpeg") or decoder.endswith("jpeg8")
    return lossy and verdict == f"off by {_LOSSY_LEVELS}"


def files(data: Path) -> Iterator[Path]:
    """Yield the files of the table in `data`, then pydicom's and highdicom's own."""
    with (data / "table.csv").open(newline="", encoding="utf-8") as stream:
        yield from (data / line["path"] for line in csv.DictReader(stream))
    own = Path(pydicom.__file__).parent / "data" / "test_files"
    yield from sorted(path for path in own.rglob("*") if path.is_file())


def compare_all(paths: Iterator[Path]) -> list[Row]:
    """Compare every file, without the warnings that damaged ones call forth."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [compare(path) for path in paths]
    finally:
        logging.disable(logging.NOTSET)


def as_csv(rows: list[Row]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([one.name for one in fields(Row)])
    for row in rows:
        cells = [getattr(row, one.name) for one in fields(Row)]
        writer.writerow([_told(cell) if isinstance(cell, dict) else cell for cell in cells])
    return stream.getvalue()


def as_markdown(rows: list[Row]) -> str:
    with_pixels = [row for row in rows if row.transfer_syntax]
    lines = [
        "# Files decoded here and by others",
        "",
        summary(rows),
        "",
        "| file | transfer syntax | photometric | frames | accepted | decoder here | others |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in with_pixels:
        decoder = row.decoder or f"none: {row.why_not}"
        cells = [row.file, row.transfer_syntax, row.photometric, row.frames, row.accepted, decoder]
        lines.append("| " + " | ".join(map(str, [*cells, _told(row.others) or "none"])) + " |")
    without = sorted({row.accepted for row in rows if not row.transfer_syntax})
    counts = ", ".join(
        f"`{reason}` {sum(r.accepted == reason for r in rows if not r.transfer_syntax)}"
        for reason in without
    )
    lines += ["", f"Files without pixels, by how they are refused: {counts}.", ""]
    return "\n".join(lines)


def summary(rows: list[Row]) -> str:
    """Say in one sentence what came out."""
    known = [
        row
        for row in rows
        if any(told != "cannot" for told in row.others.values())
        and not row.file.endswith(tuple(_GUESSED))
    ]
    faults = sum(bool(row.fault) for row in rows)
    alone = sum(bool(row.decoder) and row not in known for row in rows)
    return (
        f"{len(rows)} files. Others decode {len(known)}; of these {len(known) - faults} are equal "
        f"here (bit for bit; lossy JPEG within {_LOSSY_LEVELS} level) and {faults} are not. "
        f"medclf decodes {alone} more that no other here can."
    )


def _told(others: dict[str, str]) -> str:
    return ", ".join(f"{name}: {verdict}" for name, verdict in others.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with table.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    asked = parser.parse_args()
    rows = compare_all(files(asked.data))
    asked.out.mkdir(parents=True, exist_ok=True)
    write_text(asked.out / "table.csv", as_csv(rows))
    write_text(asked.out / "table.md", as_markdown(rows))
    print(as_markdown(rows))
    for row in rows:
        if row.fault:
            print(f"NOT EQUAL {row.file}: {row.fault}", file=sys.stderr)
    return int(any(row.fault for row in rows))


if __name__ == "__main__":
    sys.exit(main())
