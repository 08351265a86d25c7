"""A file that is a picture and a program at once is refused; no foreign preamble is passed on."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.dicom.instance import parse_instance
from medclf.dicom.preamble import check_preamble, neutral_preamble
from medclf.errors import InstanceRefused
from medclf.reasons import Reason


def behind(preamble):
    return preamble.ljust(128, b"\0")[:128] + b"DICM"


FOREIGN = {
    "elf": b"\x7fELF\x02\x01\x01",
    "windows": b"MZ\x90\0",
    "mach-o": b"\xcf\xfa\xed\xfe",
    "mach-o fat": b"\xca\xfe\xba\xbe",
    "shell": b"#!/bin/sh\n",
    "batch": b"@echo off\r\n",
    "html": b"<!DOCTYPE html><p>",
    "html later": b"GE PACS  <script>alert(1)</script>",
    "html in capitals": b"  <HTML>",
    "html in utf-16": "\ufeff<html><body>".encode("utf-16-le"),
    "html closed by the prefix": b" <b",
    "svg": b'\n<svg xmlns="http://www.w3.org/2000/svg">',
    "xml": b'<?xml version="1.0"?>',
    "php": b"hello <?php system($_GET[0]); ?>",
    "pdf": b"%PDF-1.7\n",
    "pdf later": b"\n\n%PDF-1.4",
    "zip": b"PK\x03\x04",
    "gzip": b"\x1f\x8b\x08",
    "gif": b"GIF89a",
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff\xe0",
    "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "shortcut": b"L\0\0\0\x01\x14\x02\0",
    "postscript": b"%!PS-Adobe-3.0",
}


@pytest.mark.parametrize("preamble", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_preamble_that_another_program_would_open_is_refused(preamble):
    with pytest.raises(InstanceRefused) as refusal:
        check_preamble(behind(preamble))
    assert refusal.value.reason is Reason.PREAMBLE_EXECUTABLE


@pytest.mark.parametrize(
    "preamble",
    [
        b"",
        b"II*\0\x08\0\0\0",  # TIFF, either byte order, and BigTIFF: PS3.10 section 7.1
        b"MM\0*\0\0\0\x08",
        b"II+\0\x08\0\0\0",
        b"MM\0+\0\x08\0\0",
        b"made by a scanner, 5 < 6 and <3",
        bytes(range(1, 128)),
    ],
)
def test_zeros_tiff_and_harmless_words_pass(preamble):
    check_preamble(behind(preamble))


def test_leftover_memory_is_hardly_ever_taken_for_a_program():
    memory = np.random.default_rng(0).integers(0, 256, (20_000, 128), np.uint8)
    refused = 0
    for row in memory:
        try:
            check_preamble(row.tobytes() + b"DICM")
        except InstanceRefused:
            refused += 1
    assert refused < 100


@given(st.binary(max_size=300))
def test_only_the_preamble_of_dicom_changes(data):
    found = neutral_preamble(data)
    if data[128:132] == b"DICM":
        assert found == bytes(128) + data[128:]
    else:
        assert found == data
    assert neutral_preamble(found) == found


def test_a_real_polyglot_is_refused_and_a_tiff_preamble_goes_no_further(write_dicom, tmp_path):
    data = write_dicom(tmp_path / "a.dcm").read_bytes()
    with pytest.raises(InstanceRefused) as refusal:
        parse_instance(b"MZ".ljust(128, b"\0") + data[128:])
    assert refusal.value.reason is Reason.PREAMBLE_EXECUTABLE
    instance = parse_instance(b"II*\0".ljust(128, b"\x07") + data[128:])
    again = BytesIO()
    instance.dataset.save_as(again)
    assert again.getvalue()[:132] == bytes(128) + b"DICM"
    assert pydicom.dcmread(BytesIO(again.getvalue())) == pydicom.dcmread(BytesIO(data))
