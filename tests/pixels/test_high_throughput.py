"""High-throughput JPEG 2000: the fast decoder only where it cannot go wrong unseen."""

import imagecodecs
import numpy as np
import pytest
from pydicom import uid

from medclf.errors import PixelsRefused
from medclf.pixels.codestream import Coding, read_codestream
from medclf.pixels.decode import decode
from medclf.pixels.high_throughput import suits_openjph
from medclf.reasons import Reason

SMOOTH = (np.add.outer(np.arange(64), np.arange(80)) * 20).astype(np.uint16)  # 0..2840
FRAME = imagecodecs.htj2k_encode(SMOOTH, reversible=True)


def test_lossless_frames_go_to_openjph(make_instance):
    for array in (SMOOTH, (SMOOTH >> 4).astype(np.uint8), np.full_like(SMOOTH, 65535)):
        frame = imagecodecs.htj2k_encode(array, reversible=True)
        picture = decode(make_instance(array, frame=frame, syntax=uid.HTJ2KLossless))
        assert np.array_equal(picture.array, decode(make_instance(array)).array)
        assert picture.decoder.endswith(" htj2k")


def test_signed_values_are_exact(make_instance):
    array = SMOOTH.astype(np.int16) - 1000
    frame = imagecodecs.htj2k_encode(array, reversible=True)
    picture = decode(make_instance(array, frame=frame, syntax=uid.HTJ2KLossless))
    assert np.array_equal(picture.array, decode(make_instance(array)).array)


def test_lossy_frames_go_to_openjpeg_which_clips(make_instance):
    edge = np.where(np.indices((64, 80)).sum(axis=0) % 9 < 4, 255, 0).astype(np.uint8)
    frame = imagecodecs.htj2k_encode(edge, level=0.05, reversible=False)
    picture = decode(make_instance(edge, frame=frame, syntax=uid.HTJ2K))
    assert picture.decoder.endswith(" jpeg2k")
    assert np.abs(picture.array.astype(int) - edge).max() < 128  # no white became black


@pytest.mark.parametrize("lost", [1, 10, 200])
def test_frames_that_do_not_account_for_every_byte_are_not_for_openjph(make_instance, lost):
    middle = len(FRAME) // 2
    for damaged in (FRAME[: -2 - lost] + b"\xff\xd9", FRAME[:middle] + FRAME[middle + lost :]):
        codestream = read_codestream(damaged)
        assert codestream.coding is Coding.HTJ2K
        assert not suits_openjph(codestream, transfer_syntax=uid.HTJ2KLossless)
        with pytest.raises(PixelsRefused):
            decode(make_instance(SMOOTH, frame=damaged, syntax=uid.HTJ2KLossless))


def test_tiles_beside_the_picture_are_not_for_openjph_which_would_never_end(make_instance):
    frame = bytearray(FRAME)
    frame[4 + 2 + 34 - 1] = 15  # the last byte of YTOsiz
    codestream = read_codestream(bytes(frame))
    assert codestream.rows == SMOOTH.shape[0]
    assert not codestream.plain
    with pytest.raises(PixelsRefused):
        decode(make_instance(SMOOTH, frame=bytes(frame), syntax=uid.HTJ2KLossless))


def test_frame_whose_decoder_gives_up_is_refused(make_instance):
    body = bytearray(FRAME)
    start = body.find(b"\xff\x93") + 2  # SOD: packets from here on
    body[start : start + 60] = b"\xff\x7f" * 30
    with pytest.raises(PixelsRefused) as caught:
        decode(make_instance(SMOOTH, frame=bytes(body), syntax=uid.HTJ2KLossless))
    assert caught.value.reason is Reason.PIXELS_UNDECODABLE
