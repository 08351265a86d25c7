"""PNG and JPEG headers are read without decoding, and lies in them are refused."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medclf.dicom.picture_header import jpeg_acquisition, png_acquisition
from medclf.errors import InstanceRefused
from medclf.reasons import Reason


def encoded(mode, file_format, size=(7, 5)):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((size[1], size[0]), np.uint8)).convert(mode).save(stream, file_format)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("mode", "samples", "photometric"),
    [
        ("L", 1, "MONOCHROME2"),
        ("RGB", 3, "RGB"),
        ("P", 1, "PALETTE COLOR"),
        ("LA", 2, "MONOCHROME2"),
    ],
)
def test_png_header_is_read(mode, samples, photometric):
    found = png_acquisition(encoded(mode, "PNG"))
    assert (found.rows, found.columns, found.samples) == (5, 7, samples)
    assert found.photometric == photometric


@pytest.mark.parametrize(("mode", "samples"), [("L", 1), ("RGB", 3), ("CMYK", 4)])
def test_jpeg_header_is_read(mode, samples):
    found = jpeg_acquisition(encoded(mode, "JPEG"))
    assert (found.rows, found.columns, found.samples, found.bits_stored) == (5, 7, samples, 8)


def test_progressive_jpeg_with_a_comment_and_fill_bytes_is_read():
    plain = encoded("L", "JPEG")
    comment = b"\xff\xff\xff\xfe" + struct.pack(">H", 6) + b"abcd"
    assert jpeg_acquisition(plain[:2] + comment + plain[2:]).columns == 7


def test_a_png_without_ihdr_is_malformed():
    data = encoded("L", "PNG").replace(b"IHDR", b"IDAT")
    with pytest.raises(InstanceRefused) as refusal:
        png_acquisition(data)
    assert refusal.value.reason is Reason.MALFORMED


def test_jpeg_ls_is_another_format():
    with pytest.raises(InstanceRefused) as refusal:
        jpeg_acquisition(b"\xff\xd8\xff\xf7\x00\x0b" + b"\0" * 20)
    assert refusal.value.reason is Reason.FORMAT_UNKNOWN


@pytest.mark.parametrize("length", [4, 10, 20, 32])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_file_that_ends_in_its_header_is_truncated(file_format, length):
    read = png_acquisition if file_format == "PNG" else jpeg_acquisition
    with pytest.raises(InstanceRefused) as refusal:
        read(encoded("L", file_format)[:length])
    assert refusal.value.reason is Reason.TRUNCATED


@given(st.binary(max_size=200))
def test_random_bytes_after_the_signature_are_refused_or_read(data):
    for read, signature in (
        (png_acquisition, b"\x89PNG\r\n\x1a\n"),
        (jpeg_acquisition, b"\xff\xd8"),
    ):
        try:
            found = read(signature + data)
        except InstanceRefused:
            continue
        assert found.rows > 0
        assert found.columns > 0


def test_a_jpeg_of_fill_bytes_is_given_up_soon():
    with pytest.raises(InstanceRefused) as refusal:
        jpeg_acquisition(b"\xff\xd8" + b"\xff" * 300_000)
    assert refusal.value.reason is Reason.MALFORMED
