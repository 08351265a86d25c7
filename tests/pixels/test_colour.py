"""Colour objects: exact RGB, planes, YBR and palettes."""

import numpy as np
import pytest
from pydicom.pixels.processing import convert_color_space

from medclf.errors import PixelsRefused
from medclf.pixels.colour import render_colour
from medclf.pixels.decode import decode
from medclf.pixels.stored import Stored
from medclf.reasons import Reason

RGB = np.random.default_rng(1).integers(0, 256, (12, 10, 3), dtype=np.uint8)


def test_eight_bit_rgb_comes_back_as_stored(make_instance):
    assert np.array_equal(decode(make_instance(RGB)).array, RGB)


def test_colour_by_plane_gives_the_same_picture(make_instance):
    planes = np.ascontiguousarray(RGB.transpose(2, 0, 1)).reshape(12, 10, 3)
    assert np.array_equal(decode(make_instance(planes, PlanarConfiguration=1)).array, RGB)


def test_sixteen_bit_rgb_comes_back_as_stored(make_instance):
    deep = RGB.astype(np.uint16) * 256 + 17
    assert np.array_equal(decode(make_instance(deep)).array, deep)


def test_twelve_bit_rgb_is_scaled_to_the_full_range(make_instance):
    deep = np.full((4, 4, 3), 4095, np.uint16)
    assert (decode(make_instance(deep, BitsStored=12)).array == 65535).all()


def test_ybr_full_becomes_rgb(make_instance):
    ybr = convert_color_space(RGB.copy(), "RGB", "YBR_FULL")
    array = decode(make_instance(ybr, PhotometricInterpretation="YBR_FULL")).array
    assert np.array_equal(array, convert_color_space(ybr, "YBR_FULL", "RGB"))
    assert np.abs(array.astype(int) - RGB).max() <= 2


@pytest.mark.parametrize("scale", [1, 256, 257])
def test_palette_entries_of_sixteen_bits_become_eight(make_instance, scale):
    index = np.arange(256, dtype=np.uint8).reshape(16, 16)
    entries = (np.arange(256) * scale).astype("<u2").tobytes()
    attributes = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        attributes[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        attributes[f"{colour}PaletteColorLookupTableData"] = entries
    array = decode(make_instance(index, **attributes)).array
    assert np.array_equal(array, np.repeat(index[..., None], 3, axis=2))


def test_palette_without_a_table_is_refused(make_instance):
    index = np.arange(256, dtype=np.uint8).reshape(16, 16)
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(index, PhotometricInterpretation="PALETTE COLOR"))
    assert caught.value.reason is Reason.PIXELS_UNDECODABLE


def _stored(array: np.ndarray, photometric: str, bits: int) -> Stored:
    return Stored(
        patterns=array, shift=0, bits=bits, signed=False, photometric=photometric, decoder=""
    )


def test_ybr_of_more_than_eight_bits_comes_back_as_the_rgb_it_was():
    rgb = np.random.default_rng(4).integers(0, 4096, (9, 8, 3)).astype(float)
    forward = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    ybr = np.rint(rgb @ forward.T + [0, 2048, 2048]).clip(0, 4095).astype(np.uint16)
    found = render_colour(_stored(ybr, "YBR_FULL", 12))
    assert found.dtype == np.uint16
    assert np.abs(found / 65535 * 4095 - rgb).max() < 2.5  # rounded in YBR, where Cb counts 1.77


def test_partial_range_is_widened():
    named = {  # ITU-R BT.601, studio range: black, white, and the primaries
        (16, 128, 128): (0, 0, 0),
        (235, 128, 128): (255, 255, 255),
        (81, 90, 240): (255, 0, 0),
        (145, 54, 34): (0, 255, 0),
        (41, 240, 110): (0, 0, 255),
    }
    ybr = np.array([list(named)], np.uint8)
    found = render_colour(_stored(ybr, "YBR_PARTIAL", 8)).astype(int)
    assert np.abs(found - np.array([list(named.values())])).max() <= 2
