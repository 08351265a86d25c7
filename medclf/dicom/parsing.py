"""From scanned bytes to a pydicom data set that holds what the scan saw, and nothing else.

pydicom finds the parts of a file by rules of its own: a damaged group 0002 can make it start
elsewhere, and it inflates without a bound. Here each part is handed to it as the scan found it.
Nothing that it could repeat in a warning reaches it: a Specific Character Set that names no
character set, which pydicom would look up as a Python codec, is blanked first.
"""

import re
from io import BytesIO
from typing import BinaryIO, cast

import pydicom
from pydicom.charset import python_encoding
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset

from medclf.dicom.in_place import LARGE, Whole
from medclf.dicom.limits import Limits
from medclf.dicom.preamble import PREAMBLE_BYTES
from medclf.dicom.reading import CONVERSION_FAULTS
from medclf.dicom.safety import Scanned, scan
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

_KNOWN = frozenset(python_encoding)
# Common slips that pydicom mends: `ISO-IR 100`, `ISO 2022-IR-87`.
_MISSPELT = re.compile(r"ISO[ _-](2022[ _-])?IR[ _-]\d{1,3}")


def parse_dataset(data: bytes, limits: Limits, *, defer_bytes: int | None = LARGE) -> FileDataset:
    """Scan a DICOM file and parse it.

    Args:
        data: a file with preamble and `DICM` prefix (PS3.10 section 7.1).
        limits: what is refused for its size.
        defer_bytes: values longer than this stay in the file until they are asked for, and are
            then converted; None reads all at once, as they lie.

    Returns:
        The data set, its preamble zero whatever the file's was: whoever writes it again passes
        nothing foreign on.

    Raises:
        InstanceRefused: as `medclf.dicom.safety.scan`, and MALFORMED for what pydicom refuses.
    """
    scanned = scan(data, limits)
    try:
        return _parse(scanned, defer_bytes)
    except (*CONVERSION_FAULTS, RecursionError, pydicom.errors.InvalidDicomError) as error:
        raise InstanceRefused(
            Reason.MALFORMED, f"The DICOM file cannot be parsed ({type(error).__name__})."
        ) from error


def _parse(scanned: Scanned, defer_bytes: int | None) -> FileDataset:
    meta = FileMetaDataset(
        read_dataset(BytesIO(scanned.meta), is_implicit_VR=False, is_little_endian=True)
    )
    stream = Whole(_with_known_character_sets(scanned))
    stream.seek(scanned.start)
    little = not scanned.big_endian
    # A `Whole` has the part of a binary file that pydicom uses.
    binary = cast(BinaryIO, stream)
    dataset = read_dataset(binary, scanned.implicit, little, defer_size=defer_bytes)
    found = FileDataset(
        stream,
        dataset,
        preamble=bytes(PREAMBLE_BYTES),
        file_meta=meta,
        is_implicit_VR=scanned.implicit,
        is_little_endian=little,
    )
    found.set_original_encoding(scanned.implicit, little, dataset.original_character_set)
    return found


def _with_known_character_sets(scanned: Scanned) -> bytes:
    """Return the bytes with every unknown Specific Character Set blank: the default repertoire.

    The text stays readable where it is ASCII, and is replaced character by character elsewhere.
    """
    unknown = [
        element
        for element in scanned.character_sets
        if not _is_known(scanned.body[element.start : element.start + element.length])
    ]
    if not unknown:
        return scanned.body
    patched = bytearray(scanned.body)
    for element in unknown:
        patched[element.start : element.start + element.length] = b" " * element.length
    return bytes(patched)


def _is_known(value: bytes) -> bool:
    """Tell whether every value names a character set of PS3.3 section C.12.1.1.2."""
    if len(value) > 1024:
        return False
    names = (name.strip(" \0") for name in value.decode("latin-1").split("\\"))
    return all(name in _KNOWN or _MISSPELT.fullmatch(name) for name in names)
