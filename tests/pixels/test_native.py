"""Uncompressed frames: found by their place, unpacked from bits, kept as floating-point numbers."""

import numpy as np
import pytest
from pydicom import uid
from pydicom.pixels import pixel_array

from medclf.errors import PixelsMisuse, PixelsRefused
from medclf.pixels.codecs import stored_values
from medclf.pixels.decode import decode
from medclf.pixels.header import read_header
from medclf.reasons import Reason

FRAMES = (np.arange(3 * 6 * 10).reshape(3, 6, 10) * 7 % 4096).astype(np.uint16)


def _stored(instance, frame=0):
    syntax = instance.acquisition.transfer_syntax_uid
    header = read_header(instance.dataset, transfer_syntax=syntax)
    return stored_values(instance.dataset, header, frame=frame)


@pytest.fixture
def three_frames(make_instance):
    return make_instance(FRAMES.reshape(18, 10), Rows=6, NumberOfFrames=3, BitsStored=12)


def test_each_frame_is_found_by_its_place(three_frames):
    for number in range(3):
        stored = _stored(three_frames, number)
        assert np.array_equal(stored.patterns, FRAMES[number])
        assert stored.decoder == "raw"


def test_frame_that_is_not_there_is_misuse(three_frames):
    for number in (-1, 3):
        with pytest.raises(PixelsMisuse):
            _stored(three_frames, number)


def test_raw_values_are_a_view_of_the_bytes(make_instance):
    assert not _stored(make_instance(FRAMES[0])).patterns.flags.owndata


@pytest.mark.parametrize("high_bit", [11, 13, 15])
@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_big_endian_values_are_those_of_little_endian_wherever_they_lie(
    make_instance, high_bit, kind
):
    values = np.arange(4096, dtype=kind).reshape(64, 64) - (2048 if kind is np.int16 else 0)
    words = (values << (high_bit - 11)).astype(kind)
    window = {"BitsStored": 12, "HighBit": high_bit, "WindowCenter": 1024, "WindowWidth": 4096}
    little = make_instance(words, **window)
    big = make_instance(words.byteswap(), syntax=uid.ExplicitVRBigEndian, **window)
    for instance in (little, big):
        stored = _stored(instance)
        assert np.array_equal(stored.values_of(stored.patterns), values)
    assert np.array_equal(decode(big).array, decode(little).array)


def test_bytes_for_one_frame_more_are_refused(make_instance):
    instance = make_instance(FRAMES.reshape(18, 10), Rows=6, NumberOfFrames=2)
    with pytest.raises(PixelsRefused) as caught:
        _stored(instance)
    assert caught.value.reason is Reason.MALFORMED


def test_single_bits_are_unpacked_even_where_frames_begin_within_a_byte(make_instance):
    bits = np.random.default_rng(0).integers(0, 2, (3, 5, 7), dtype=np.uint8)
    packed = np.packbits(bits.ravel(), bitorder="little")
    instance = make_instance(
        packed.reshape(1, -1), Rows=5, Columns=7, NumberOfFrames=3, BitsAllocated=1, BitsStored=1
    )
    for number in range(3):
        assert np.array_equal(_stored(instance, number).patterns, bits[number])
        assert np.array_equal(decode(instance, frame=number).array, bits[number] * 255)


def test_subsampled_ybr_is_spread_as_pydicom_does(make_instance):
    packed = np.random.default_rng(1).integers(0, 256, (6, 20), dtype=np.uint8)
    instance = make_instance(
        packed,
        Rows=6,
        Columns=10,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="YBR_FULL_422",
    )
    assert np.array_equal(_stored(instance).patterns, pixel_array(instance.dataset, raw=True))
    assert np.array_equal(decode(instance).array, pixel_array(instance.dataset))


@pytest.mark.parametrize("name", ["Float", "DoubleFloat"])
def test_floating_point_pixels_are_stretched_and_what_is_no_number_is_black(make_instance, name):
    kind = np.float32 if name == "Float" else np.float64
    values = np.linspace(-2.5, 7.5, 60, dtype=kind).reshape(6, 10)
    values[0, :3] = (np.nan, np.inf, -9999)
    instance = make_instance(values, **{f"{name}PixelPaddingValue": -9999.0})
    stored, array = _stored(instance), decode(instance).array
    assert np.array_equal(stored.patterns, values, equal_nan=True)
    assert (array[0, :3] == 0).all()
    assert array[-1, -1] == 65535
    assert (np.diff(array.ravel()[3:].astype(int)) > 0).all()
