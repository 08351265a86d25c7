"""Compressed transfer syntaxes: exact where lossless, refused where damaged."""

import zlib

import imagecodecs
import numpy as np
import pytest
import simplejpeg
from pydicom import uid
from pydicom.pixels import get_encoder

from medclf.errors import PixelsRefused
from medclf.pixels.codecs import stored_values
from medclf.pixels.decode import decode
from medclf.pixels.header import read_header
from medclf.reasons import Reason

SMOOTH = (np.add.outer(np.arange(64), np.arange(80)) * 20).astype(np.uint16)  # 0..2840
COLOUR = np.stack([SMOOTH % 256, SMOOTH // 16 % 256, SMOOTH // 32 % 256], -1).astype(np.uint8)

LOSSLESS = {
    "jpeg lossless": (uid.JPEGLosslessSV1, lambda a: imagecodecs.ljpeg_encode(a)),
    "jpeg-ls": (uid.JPEGLSLossless, lambda a: imagecodecs.jpegls_encode(a)),
    "jpeg 2000": (
        uid.JPEG2000Lossless,
        lambda a: imagecodecs.jpeg2k_encode(a, level=0, codecformat="j2k"),
    ),
    "htj2k": (uid.HTJ2KLossless, lambda a: imagecodecs.htj2k_encode(a, reversible=True)),
}


@pytest.fixture(params=LOSSLESS)
def lossless(request):
    return LOSSLESS[request.param]


def test_lossless_grey_equals_the_raw_object(make_instance, lossless):
    syntax, encode = lossless
    packed = decode(make_instance(SMOOTH, frame=encode(SMOOTH), syntax=syntax))
    assert np.array_equal(packed.array, decode(make_instance(SMOOTH)).array)
    assert packed.decoder.startswith(f"imagecodecs {imagecodecs.__version__} ")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("mended", [False, True])
def test_truncated_lossless_frames_are_refused(make_instance, lossless, kept, mended):
    syntax, encode = lossless
    frame = encode(SMOOTH)
    cut = frame[: int(len(frame) * kept)] + (b"\xff\xd9" if mended else b"")
    instance = make_instance(SMOOTH, frame=cut, syntax=syntax)
    with pytest.raises(PixelsRefused) as caught:
        decode(instance)
    assert caught.value.reason in {Reason.TRUNCATED, Reason.PIXELS_UNDECODABLE}


def test_baseline_jpeg_in_grey_and_colour(make_instance):
    grey = simplejpeg.encode_jpeg(COLOUR[:, :, :1].copy(), colorspace="GRAY", quality=95)
    picture = decode(make_instance(COLOUR[:, :, 0], frame=grey, syntax=uid.JPEGBaseline8Bit))
    assert np.array_equal(picture.array, simplejpeg.decode_jpeg(grey, "GRAY")[:, :, 0])
    colour = simplejpeg.encode_jpeg(COLOUR, quality=95)
    instance = make_instance(
        COLOUR,
        frame=colour,
        syntax=uid.JPEGBaseline8Bit,
        PhotometricInterpretation="YBR_FULL_422",
    )
    assert np.array_equal(decode(instance).array, simplejpeg.decode_jpeg(colour, "RGB"))


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.97])
@pytest.mark.parametrize("mended", [False, True])
def test_truncated_baseline_jpeg_is_refused(make_instance, kept, mended):
    noise = np.random.default_rng(2).integers(0, 256, (64, 80, 1), dtype=np.uint8)
    frame = simplejpeg.encode_jpeg(noise, colorspace="GRAY")
    cut = frame[: int(len(frame) * kept)] + (b"\xff\xd9" if mended else b"")
    with pytest.raises(PixelsRefused):
        decode(make_instance(noise[:, :, 0], frame=cut, syntax=uid.JPEGBaseline8Bit))


def test_extended_jpeg_of_twelve_bits(make_instance):
    frame = imagecodecs.jpeg8_encode(SMOOTH, level=95, bitspersample=12)
    instance = make_instance(SMOOTH, frame=frame, syntax=uid.JPEGExtended12Bit, BitsStored=12)
    found = decode(instance).array.astype(int)
    wanted = decode(make_instance(SMOOTH, BitsStored=12)).array.astype(int)
    assert np.abs(found - wanted).max() < 65535 * 0.01


def test_codestream_that_claims_another_size_is_refused_before_decoding(make_instance):
    frame = imagecodecs.jpegls_encode(np.zeros((600, 800), np.uint16))
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(SMOOTH, frame=frame, syntax=uid.JPEGLSLossless))
    assert caught.value.reason is Reason.MALFORMED


def test_run_length_frames_are_exact_and_truncated_ones_refused(make_instance):
    for array in (SMOOTH, COLOUR):
        frame = pydicom_rle(array)
        found = decode(make_instance(array, frame=frame, syntax=uid.RLELossless))
        assert np.array_equal(found.array, decode(make_instance(array)).array)
        for kept in (0.2, 0.5, 0.9):
            cut = frame[: int(len(frame) * kept)]
            with pytest.raises(PixelsRefused):
                decode(make_instance(array, frame=cut, syntax=uid.RLELossless))


@pytest.mark.parametrize("at", range(0, 12))
@pytest.mark.parametrize("value", [0xAB, 0xFF])
def test_run_length_headers_that_lie_are_refused(make_instance, at, value):
    frame = bytearray(pydicom_rle(SMOOTH))
    frame[at] = value
    with pytest.raises(PixelsRefused):
        decode(make_instance(SMOOTH, frame=bytes(frame), syntax=uid.RLELossless))


def pydicom_rle(array: np.ndarray) -> bytes:
    """Encode by pydicom's own encoder, which is another implementation than the decoder's."""
    encoder = get_encoder(uid.RLELossless)
    return encoder.encode(
        array,
        rows=array.shape[0],
        columns=array.shape[1],
        samples_per_pixel=1 if array.ndim == 2 else 3,
        bits_allocated=8 * array.dtype.itemsize,
        bits_stored=8 * array.dtype.itemsize,
        pixel_representation=0,
        photometric_interpretation="MONOCHROME2" if array.ndim == 2 else "RGB",
        number_of_frames=1,
        planar_configuration=0,
        encoding_plugin="pydicom",
    )


def test_garbage_for_a_frame_is_refused(make_instance):
    for syntax in (uid.JPEG2000Lossless, uid.RLELossless, uid.JPEGBaseline8Bit):
        with pytest.raises(PixelsRefused):
            decode(make_instance(SMOOTH, frame=b"\x00\x01" * 100, syntax=syntax))


def test_frames_deflated_by_themselves_are_exact_and_truncated_ones_refused(make_instance):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    frame = packer.compress(SMOOTH.tobytes()) + packer.flush()
    # pydicom writes no such objects, so another encapsulated syntax lends its name.
    whole, cut = (
        make_instance(SMOOTH, frame=data, syntax=uid.RLELossless).dataset
        for data in (frame, frame[: len(frame) // 2])
    )
    header = read_header(whole, transfer_syntax="1.2.840.10008.1.2.8.1")
    assert np.array_equal(stored_values(whole, header).patterns, SMOOTH)
    with pytest.raises(PixelsRefused) as caught:
        stored_values(cut, header)
    assert caught.value.reason is Reason.TRUNCATED


def test_partial_range_label_keeps_libjpeg_from_converting(make_instance):
    components = np.full((16, 16, 3), (16, 128, 128), np.uint8)
    frame = imagecodecs.jpeg8_encode(components, level=100, colorspace="RGB", outcolorspace="RGB")
    frame = frame.replace(b"Adobe", b"Other")  # so that no marker tells what the components are
    instance = make_instance(
        components,
        frame=frame,
        syntax=uid.JPEGBaseline8Bit,
        PhotometricInterpretation="YBR_PARTIAL_422",
    )
    assert decode(instance).array.max() <= 2  # black of the studio range


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_each_compressed_frame_is_found(make_instance, lossless, frame):
    syntax, encode = lossless
    arrays = [SMOOTH, SMOOTH[::-1].copy(), SMOOTH // 2]
    instance = make_instance(
        SMOOTH, frames=[encode(array) for array in arrays], syntax=syntax, NumberOfFrames=3
    )
    header = read_header(instance.dataset, transfer_syntax=syntax)
    stored = stored_values(instance.dataset, header, frame=frame)
    assert np.array_equal(stored.patterns, arrays[frame])
