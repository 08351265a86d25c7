"""A TIFF directory is read without trust in any of its offsets and counts."""

import struct
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from medclf.dicom.instance import parse_instance
from medclf.dicom.limits import Limits
from medclf.dicom.tiff_header import read_tiff, tiff_acquisition
from medclf.errors import InstanceRefused
from medclf.reasons import Reason


def _file(array: np.ndarray, **how: object) -> bytes:
    stream = BytesIO()
    tifffile.imwrite(stream, array, **how)
    return stream.getvalue()


PLAIN = _file(np.zeros((30, 20), np.uint16), photometric="minisblack")


def _directory(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
    body = b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    head = struct.pack("<2sHLH", b"II", 42, 8, len(entries))
    return head + body + struct.pack("<L", following)


ENOUGH = [(256, 4, 1, 20), (257, 4, 1, 30), (258, 3, 1, 8), (262, 3, 1, 1)]


def test_facts_are_those_of_the_first_page():
    acquisition = tiff_acquisition(PLAIN)
    assert (acquisition.rows, acquisition.columns, acquisition.samples) == (30, 20, 1)
    assert (acquisition.bits_stored, acquisition.photometric) == (16, "MONOCHROME2")
    assert acquisition.frames == 1


def test_pages_are_counted():
    assert tiff_acquisition(_file(np.zeros((3, 30, 20), np.uint8), photometric=1)).frames == 3


def test_large_claims_are_refused_before_decoding():
    entries = [(256, 4, 1, 1 << 20), (257, 4, 1, 1 << 20), *ENOUGH[2:]]
    data = _directory(*entries, (273, 4, 1, 8), (279, 4, 1, 4))
    with pytest.raises(InstanceRefused) as caught:
        parse_instance(data, limits=Limits())
    assert caught.value.reason is Reason.PIXELS_TOO_MANY


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"II*\0", Reason.TRUNCATED),
        (b"II*\0\0\0\0\0", Reason.MALFORMED),
        (b"II*\0" + struct.pack("<L", 4000), Reason.TRUNCATED),
        (_directory(*ENOUGH), Reason.MALFORMED),  # no strips
        (_directory(*ENOUGH, (273, 4, 1, 8), (279, 4, 1, 4000)), Reason.TRUNCATED),
        (_directory(*ENOUGH, (273, 4, 1 << 30, 8), (279, 4, 1, 4)), Reason.MALFORMED),
        (_directory(*ENOUGH, following=8), Reason.MALFORMED),  # a circle
        (_directory((256, 4, 1, 20)), Reason.MALFORMED),
        (_directory(*ENOUGH, (322, 4, 1, 1 << 30), (323, 4, 1, 1 << 30)), Reason.MALFORMED),
    ],
)
def test_directories_that_lie_are_refused(data, reason):
    with pytest.raises(InstanceRefused) as caught:
        read_tiff(data)
    assert caught.value.reason is reason


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(PLAIN) - 1), st.binary(min_size=1, max_size=8))
def test_damaged_headers_are_read_or_refused(at, bytes_):
    damaged = PLAIN[:at] + bytes_ + PLAIN[at + len(bytes_) :]
    try:
        header = read_tiff(damaged)
    except InstanceRefused:
        return
    assert header.rows > 0
    assert header.columns > 0
