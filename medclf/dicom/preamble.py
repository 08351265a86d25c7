"""The 128 bytes before `DICM`: what they may be, and how they are made harmless.

DICOM leaves the preamble to whoever writes the file (PS3.10 section 7.1), so that a file can be a
picture and a program at once: what starts it depends on who opens it. A preamble that another
program would run, render or unpack is refused; TIFF's, which the standard names, is not.
"""

import re

from medclf.errors import InstanceRefused
from medclf.reasons import Reason

PREAMBLE_BYTES = 128
PREFIX = b"DICM"
_NEUTRAL = bytes(PREAMBLE_BYTES)

# Signatures at byte 0 that loaders, shells and unpackers go by, and of pictures other than TIFF.
_PROGRAMS = (
    b"\x7fELF",
    b"MZ",  # DOS, Windows
    b"\xfe\xed\xfa\xce",  # Mach-O, 32 and 64 bit, either byte order, and fat
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",  # also Java classes
    b"\xca\xfe\xba\xbf",
    b"\xbe\xba\xfe\xca",
    b"\xbf\xba\xfe\xca",
    b"#!",
    b"\0asm",
    b"dex\n",
    b"BC\xc0\xde",  # LLVM bitcode
    b"L\0\0\0\x01\x14\x02\0",  # Windows shortcut
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",  # OLE: old Office, Windows installers
    b"@echo",
    b"%!PS",
    b"{\\rtf",
)
_ARCHIVES = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x07\x08",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a",
    b"MSCF",
    b"\x28\xb5\x2f\xfd",  # Zstandard
)
_PICTURES = (b"GIF87a", b"GIF89a", b"\x89PNG", b"\xff\xd8\xff", b"BM", b"RIFF", b"\0\0\x01\0")
_FOREIGN = _PROGRAMS + _ARCHIVES + _PICTURES
# Readers look beyond byte 0: for PDF within the first 1024 bytes, for markup anywhere. A preamble
# that is leftover memory holds `<` and a letter by chance, hence a whole tag is asked for.
_BEYOND = re.compile(rb"%pdf-|<(!doctype|!--|\?xml|\?php|\?=|%@|[a-z][a-z0-9:-]+[\s/>])")
_AT_START = re.compile(rb"(\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<[a-z!?%/]")


def check_preamble(data: bytes) -> None:
    """Refuse a DICOM file that some other program would take for its own.

    Args:
        data: a file with preamble and prefix.

    Raises:
        InstanceRefused: PREAMBLE_EXECUTABLE.
    """
    preamble = data[:PREAMBLE_BYTES]
    if preamble == _NEUTRAL:
        return
    text = preamble.replace(b"\0", b"").lower()  # without zeros UTF-16 reads as ASCII
    if preamble.startswith(_FOREIGN) or _AT_START.match(text) or _BEYOND.search(text):
        raise InstanceRefused(
            Reason.PREAMBLE_EXECUTABLE,
            "The 128 bytes before DICM are those of a program, an archive, a web page or another "
            "picture; zeros or TIFF are expected.",
        )


def neutral_preamble(data: bytes) -> bytes:
    r"""Return a DICOM file with zeros for its preamble: what is to be kept or sent on.

    A file whose preamble is zero already, or that is not DICOM, comes back as it is. The digest
    of an object is that of the bytes as they came, before this.

    >>> neutral_preamble(b"A" * 128 + b"DICM...")[120:]
    b'\x00\x00\x00\x00\x00\x00\x00\x00DICM...'
    """
    end = PREAMBLE_BYTES + len(PREFIX)
    if data[PREAMBLE_BYTES:end] != PREFIX or data[:PREAMBLE_BYTES] == _NEUTRAL:
        return data
    return _NEUTRAL + data[PREAMBLE_BYTES:]
