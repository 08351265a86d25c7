"""Colour objects: exact RGB, planes, YBR and palettes."""

import numpy as np
import pytest
from pydicom.pixels.processing import convert_color_space

from medclf.errors import PixelsRefused
from medclf.pixels.decode import decode
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
