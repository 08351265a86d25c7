"""From DICOM objects to pictures, through the one door."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing
from pydicom.sequence import Sequence

from medclf.errors import PixelsMisuse, PixelsRefused
from medclf.pixels.decode import POLICY, decode
from medclf.pixels.window import Window
from medclf.reasons import Reason

RAMP_8 = np.arange(256, dtype=np.uint8).reshape(16, 16)
RAMP_12 = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def test_eight_bit_grey_without_tables_comes_back_as_stored(make_instance):
    picture = decode(make_instance(RAMP_8))
    assert picture.array.dtype == np.uint8
    assert np.array_equal(picture.array, RAMP_8)
    assert picture.decoder == "raw"
    assert picture.policy == POLICY


def test_narrow_eight_bit_grey_is_not_stretched(make_instance):
    narrow = (RAMP_8 // 8 + 90).astype(np.uint8)
    assert np.array_equal(decode(make_instance(narrow)).array, narrow)


def test_picture_cannot_be_written_to(make_instance):
    with pytest.raises(ValueError, match="read-only"):
        decode(make_instance(RAMP_8)).array[0, 0] = 1


def test_monochrome1_is_inverted(make_instance):
    picture = decode(make_instance(RAMP_8, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(picture.array, 255 - RAMP_8)


def test_inverse_presentation_with_monochrome1_is_one_inversion(make_instance):
    instance = make_instance(
        RAMP_8, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"
    )
    assert np.array_equal(decode(instance).array, 255 - RAMP_8)


def test_twelve_bits_without_window_span_the_values_found(make_instance):
    array = decode(make_instance(RAMP_12 // 2 + 100, BitsStored=12)).array
    assert array.dtype == np.uint16
    assert (array.min(), array.max()) == (0, 65535)


def test_full_window_of_eight_bits_stays_eight_bits(make_instance):
    instance = make_instance(RAMP_8, WindowCenter="128", WindowWidth="256")
    assert np.array_equal(decode(instance).array, RAMP_8)


@settings(max_examples=40, deadline=None)
@given(
    centre=st.floats(-2000, 6000),
    width=st.floats(1.0, 9000),
    slope=st.floats(0.1, 4),
    intercept=st.floats(-2000, 2000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_agree_with_pydicom(centre, width, slope, intercept, function):
    dataset = Dataset()
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.BitsStored, dataset.RescaleSlope, dataset.RescaleIntercept = 12, slope, intercept
    dataset.WindowCenter, dataset.WindowWidth = centre, width
    dataset.VOILUTFunction = function
    values = np.arange(4096) * slope + intercept
    with np.errstate(over="ignore"):
        reference = apply_windowing(values, dataset)
    low = intercept
    expected = (reference - low) / (4095 * slope)
    found = Window(centre, width, function).apply(values)
    assert np.allclose(found, expected, atol=1e-9)


def test_first_of_several_windows_is_taken(make_instance):
    one = decode(make_instance(RAMP_12, BitsStored=12, WindowCenter="1000", WindowWidth="500"))
    two = decode(
        make_instance(
            RAMP_12, BitsStored=12, WindowCenter=["1000", "3000"], WindowWidth=["500", "100"]
        )
    )
    assert np.array_equal(one.array, two.array)


def test_window_of_no_width_counts_as_none(make_instance):
    with_none = decode(make_instance(RAMP_12, BitsStored=12))
    with_zero = decode(make_instance(RAMP_12, BitsStored=12, WindowCenter="0", WindowWidth="0"))
    assert np.array_equal(with_none.array, with_zero.array)


def test_padding_is_black_and_does_not_set_the_range(make_instance):
    stored = (RAMP_12 // 4 + 1000).astype(np.int16)
    stored[:4] = -2000
    array = decode(make_instance(stored, PixelPaddingValue=-2000)).array
    assert (array[:4] == 0).all()
    assert array[4:].min() == 0
    assert array.max() == 65535


def test_padding_of_monochrome1_is_black_too(make_instance):
    stored = RAMP_12.copy()
    stored[0] = 0
    instance = make_instance(
        stored,
        BitsStored=12,
        PhotometricInterpretation="MONOCHROME1",
        PixelPaddingValue=0,
        PixelPaddingRangeLimit=3,
    )
    assert (decode(instance).array[0] == 0).all()


def test_bits_above_the_high_bit_are_ignored(make_instance):
    overlaid = RAMP_12 | np.uint16(0xA000)
    clean = decode(make_instance(RAMP_12, BitsStored=12))
    assert np.array_equal(decode(make_instance(overlaid, BitsStored=12)).array, clean.array)


def test_high_bit_shifts_the_value(make_instance):
    shifted = decode(make_instance(RAMP_12 << 4, BitsStored=12, HighBit=15))
    assert np.array_equal(shifted.array, decode(make_instance(RAMP_12, BitsStored=12)).array)


def test_signed_values_are_extended_from_their_own_sign(make_instance):
    values = (RAMP_12.astype(np.int32) - 2048).astype(np.int16)
    packed = (values.view(np.uint16) & 0x0FFF).view(np.int16)
    array = decode(make_instance(packed, BitsStored=12)).array
    assert (np.diff(array.ravel().astype(int)) >= 0).all()


def _table(first: int, bits: int, entries: list[int]) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = entries
    item["LUTDescriptor"].VR = "US"
    item["LUTData"].VR = "US"
    return Sequence([item])


def test_modality_table_is_applied(make_instance):
    table = _table(0, 16, [65535 - 257 * i for i in range(256)])
    array = decode(make_instance(RAMP_8, ModalityLUTSequence=table)).array
    assert np.array_equal(array, 255 - RAMP_8)


def test_voi_table_goes_before_a_window(make_instance):
    table = _table(100, 12, [4095 - i for i in range(4096)])
    instance = make_instance(
        RAMP_12, BitsStored=12, VOILUTSequence=table, WindowCenter="5", WindowWidth="2"
    )
    index = np.clip(RAMP_12.astype(int) - 100, 0, 4095)
    expected = np.rint((4095 - index) / 4095 * 65535).astype(np.uint16)
    assert np.array_equal(decode(instance).array, expected)


def test_table_shorter_than_announced_is_refused(make_instance):
    table = _table(0, 16, [1, 2, 3])
    table[0].LUTDescriptor = [4000, 0, 16]
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(RAMP_8, VOILUTSequence=table))
    assert caught.value.reason is Reason.MALFORMED


def test_rescale_slope_of_zero_is_refused(make_instance):
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(RAMP_12, BitsStored=12, RescaleSlope="0", RescaleIntercept="0"))
    assert caught.value.reason is Reason.MALFORMED


def test_thirty_two_bit_values_are_rendered(make_instance):
    stored = RAMP_12.astype(np.uint32) * 1_000_003
    array = decode(make_instance(stored)).array
    assert (array.min(), array.max()) == (0, 65535)
    assert (np.diff(array.ravel().astype(int)) >= 0).all()


def test_picture_carries_aspect_and_laterality(make_instance):
    picture = decode(make_instance(RAMP_8, PixelSpacing=["0.4", "0.2"], ImageLaterality="L"))
    assert (picture.aspect, picture.laterality) == (2.0, "L")


def test_frame_that_is_not_there_is_misuse(make_instance):
    for number in (-1, 1):
        with pytest.raises(PixelsMisuse):
            decode(make_instance(RAMP_8), frame=number)
    assert np.array_equal(decode(make_instance(RAMP_8), frame=0).array, RAMP_8)


def test_several_frames_are_refused(make_instance):
    stacked = np.stack([RAMP_8, RAMP_8]).reshape(32, 16)
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(stacked, Rows=16, NumberOfFrames=2))
    assert caught.value.reason is Reason.MULTI_FRAME


def test_twice_the_announced_pixels_are_refused(make_instance):
    stacked = np.stack([RAMP_8, RAMP_8]).reshape(32, 16)
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(stacked, Rows=16))
    assert caught.value.reason is Reason.MALFORMED


def test_unknown_colour_space_is_refused(make_instance):
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(RAMP_8, PhotometricInterpretation="HSV"))
    assert caught.value.reason is Reason.PIXELS_UNDECODABLE


def test_contradicting_samples_are_refused(make_instance):
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(RAMP_8, PhotometricInterpretation="RGB"))
    assert caught.value.reason is Reason.MALFORMED
