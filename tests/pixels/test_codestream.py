"""What compressed frames say of themselves."""

import imagecodecs
import numpy as np
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from medclf.pixels.codestream import Coding, Transform, read_codestream

GREY = np.arange(48 * 32, dtype=np.uint16).reshape(48, 32)


def test_size_depth_and_coding_are_read():
    for data, coding in (
        (imagecodecs.ljpeg_encode(GREY), Coding.JPEG_LOSSLESS),
        (imagecodecs.jpegls_encode(GREY), Coding.JPEG_LS),
        (imagecodecs.jpeg2k_encode(GREY, level=0, codecformat="j2k"), Coding.JPEG_2000),
        (imagecodecs.jpeg2k_encode(GREY, level=0, codecformat="jp2"), Coding.JPEG_2000),
    ):
        found = read_codestream(data)
        assert found is not None
        assert (found.coding, found.rows, found.columns, found.components) == (coding, 48, 32, 1)
        assert found.complete
        assert not found.signed


def test_jfif_marks_a_colour_transform_and_rgb_names_none():
    colour = np.zeros((16, 16, 3), np.uint8)
    jfif = read_codestream(simplejpeg.encode_jpeg(colour))
    assert jfif is not None
    assert jfif.transform is Transform.YBR
    plain = read_codestream(imagecodecs.jpeg8_encode(colour, colorspace="RGB", outcolorspace="RGB"))
    assert plain is not None
    assert plain.transform is Transform.NONE


def test_missing_end_marker_is_noticed():
    found = read_codestream(imagecodecs.jpegls_encode(GREY)[:-2])
    assert found is not None
    assert not found.complete


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_declined(tail):
    for start in (b"\xff\xd8", b"\xff\xd8\xff\xe1\x00\x40Exif\0\0II", b"\xff\x4f\xff\x51", b""):
        read_codestream(start + tail)
