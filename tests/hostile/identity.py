"""Hostile files that are something else as well, or have identifiers that no object may have."""

from collections.abc import Iterator

from hostile.building import Hostile, body, element, header

from medclf.reasons import Reason


def preambles() -> Iterator[Hostile]:
    """A sound file behind the beginning of another program's."""
    starts = {
        "ELF": b"\x7fELF\x02\x01\x01",
        "PE": b"MZ\x90\0\x03\0\0\0",
        "Mach-O": b"\xcf\xfa\xed\xfe",
        "shell": b"#!/bin/sh\necho hello\nexit\n",
        "HTML": b"<html><script>alert(1)</script><!--",
        "SVG": b"<svg onload=alert(1)>",
        "XML": b"<?xml version='1.0'?>",
        "PDF": b"%PDF-1.7\n%",
        "ZIP": b"PK\x03\x04\x14\0",
        "GIF": b"GIF89a\x40\0\x40\0",
        "PNG": b"\x89PNG\r\n\x1a\n",
        "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF",
    }
    for name, start in starts.items():
        data = start.ljust(128, b"\0") + (header() + body())[128:]
        yield Hostile("preambles", name, data, frozenset({Reason.PREAMBLE_EXECUTABLE}))


def uids() -> Iterator[Hostile]:
    """UIDs that are paths, commands, or end early."""
    values = (
        "../../../../etc/passwd", "/etc/passwd", "1.2/../3", "C:\\1.2", "1.2\0.3", "1.2.3\n4",
        "1.2.ä", "1.2.３", "1..2", ".1", "1.", "1.02", "1." + "9" * 63, "$(id)", "%2e%2e%2f", "",
    )  # fmt: skip
    for value in values:
        for tag in (0x00080016, 0x00080018, 0x0020000D, 0x0020000E):
            if value == "" and tag >> 16 == 0x0020:
                continue  # study and series may be unnamed
            raw = value.encode()
            uid = element(tag, "UI", raw + b"\0" * (len(raw) % 2))
            data = header() + body(before=uid)
            reasons = frozenset({Reason.UID_INVALID})
            yield Hostile("UIDs", f"{tag:08x} {value!r:.20}", data, reasons)
