"""Process 14 frames: exact when whole, refused when data is missing, wherever it is missing."""

import imagecodecs
import numpy as np
import pytest

from medclf.errors import PixelsRefused
from medclf.pixels.codestream import read_codestream
from medclf.pixels.lossless_jpeg import decode_lossless_jpeg

END = b"\xff\xd9"


def _film(rows: int = 90, columns: int = 70, seed: int = 0) -> np.ndarray:
    """A made-up film of 12 bits: slow shades under the grain of an exposure."""
    random = np.random.default_rng(seed)
    shades = 1500 + 900 * np.sin(np.add.outer(np.arange(rows) / 31, np.arange(columns) / 17))
    return (shades + random.normal(0, 12, shades.shape)).clip(0, 4095).astype(np.uint16)


def _encoded(array: np.ndarray, bits: int, predictor: int) -> bytes:
    return imagecodecs.jpeg8_encode(array, lossless=True, predictor=predictor, bitspersample=bits)


def _decode(frame: bytes, *, colour: bool = False) -> np.ndarray:
    codestream = read_codestream(frame)
    return decode_lossless_jpeg(frame, precision=codestream.precision, colour=colour)[0]


def _is_refused(frame: bytes) -> bool:
    try:
        _decode(frame)
    except (PixelsRefused, imagecodecs.Jpeg8Error, imagecodecs.Jpegsof3Error):
        return True
    return False


DEPTHS = {8: _film() >> 4, 12: _film(), 16: _film() << 4 | _film() >> 8}


@pytest.fixture(params=[(bits, predictor) for bits in DEPTHS for predictor in range(1, 8)])
def coded(request):
    bits, predictor = request.param
    array = DEPTHS[bits].astype(np.uint8 if bits == 8 else np.uint16)
    return array, _encoded(array, bits, predictor)


def test_whole_frames_are_exact(coded):
    array, frame = coded
    assert np.array_equal(_decode(frame), array)


def test_frames_cut_at_the_end_are_refused_although_they_end_with_a_marker(coded):
    _, frame = coded
    header = frame.find(b"\xff\xda") + 20
    # From five bytes on: a sample takes four at most, and the last one alone may go unseen.
    cuts = [len(frame) - 2 - lost for lost in (5, 6, 8, 16, 64, 300, len(frame) // 2)]
    assert all(_is_refused(frame[:cut] + END) for cut in [*cuts, header])


def test_frames_that_lost_64_bytes_anywhere_are_refused(coded):
    _, frame = coded
    first = frame.find(b"\xff\xda") + 20
    starts = np.linspace(first, len(frame) - 2 - 64, 40).astype(int)
    kept = [start for start in starts if not _is_refused(frame[:start] + frame[start + 64 :])]
    assert kept == []


def test_flat_end_is_decoded_twice_and_still_exact_or_refused():
    array = _film()
    array[-30:] = 0  # the black border of a collimated film: nothing but shortest codes
    frame = _encoded(array, 12, 1)
    assert np.array_equal(_decode(frame), array)
    assert _is_refused(frame[:-120] + END)


def test_mid_grey_end_is_exact():
    array = _film()
    array[-3:] = 2048  # what libjpeg-turbo itself fills in
    assert np.array_equal(_decode(_encoded(array, 12, 1)), array)


def test_colour_is_exact_and_refused_when_cut():
    planes = [_film(seed=seed) >> 4 for seed in range(3)]
    array = np.stack(planes, axis=-1).astype(np.uint8)
    frame = imagecodecs.jpeg8_encode(
        array, lossless=True, predictor=1, colorspace="RGB", outcolorspace="RGB"
    )
    assert np.array_equal(_decode(frame, colour=True), array)
    for lost in (8, 64, 1000):
        with pytest.raises(PixelsRefused):
            _decode(frame[: -2 - lost] + END, colour=True)


def test_most_frames_are_decoded_only_once(monkeypatch):
    times = []
    decode = imagecodecs.jpeg8_decode

    def counted(*arguments, **keywords):
        times.append(1)
        return decode(*arguments, **keywords)

    monkeypatch.setattr(imagecodecs, "jpeg8_decode", counted)
    for seed in range(50):
        _decode(_encoded(_film(40, 30, seed=seed), 12, 1))
    assert 50 <= len(times) <= 60
