"""PNG and JPEG files."""

import io

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from medclf.dicom.instance import parse_instance
from medclf.errors import PixelsRefused
from medclf.pixels.decode import decode
from medclf.reasons import Reason

RNG = np.random.default_rng(3)
RGB = cv2.GaussianBlur(RNG.integers(0, 256, (60, 80, 3), dtype=np.uint8), (0, 0), 2)


def _file(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "array",
    [RGB[:, :, 0], RGB, RGB[:, :, 0].astype(np.uint16) * 200, RGB.astype(np.uint16) * 200],
    ids=["grey 8", "rgb 8", "grey 16", "rgb 16"],
)
def test_png_is_exact(array):
    written = array[:, :, ::-1] if array.ndim == 3 else array
    data = cv2.imencode(".png", written)[1].tobytes()
    picture = decode(parse_instance(data))
    assert picture.array.dtype == array.dtype
    assert np.array_equal(picture.array, array)


def test_alpha_lies_over_black():
    alpha = np.full((60, 80, 1), 255, np.uint8)
    alpha[:30] = 0
    data = _file(Image.fromarray(np.concatenate([RGB, alpha], axis=2)), "PNG")
    array = decode(parse_instance(data)).array
    assert (array[:30] == 0).all()
    assert np.array_equal(array[30:], RGB[30:])


def test_grey_alpha_becomes_grey():
    data = _file(Image.fromarray(RGB[:, :, 0]).convert("LA"), "PNG")
    assert np.array_equal(decode(parse_instance(data)).array, RGB[:, :, 0])


def test_palette_png_becomes_rgb():
    image = Image.fromarray(RGB).quantize(16)
    array = decode(parse_instance(_file(image, "PNG"))).array
    assert np.array_equal(array, np.asarray(image.convert("RGB")))


def test_two_level_png_is_black_and_white():
    image = Image.fromarray(RGB[:, :, 0]).convert("1")
    array = decode(parse_instance(_file(image, "PNG"))).array
    assert set(np.unique(array)) <= {0, 255}


@pytest.mark.parametrize("lost", [1, 5, 12, 13, 30, 500, 4000])
def test_truncated_png_is_refused(lost):
    data = cv2.imencode(".png", RGB)[1].tobytes()
    with pytest.raises(PixelsRefused):
        decode(parse_instance(data[:-lost]))


def test_flipped_bit_in_a_png_is_refused():
    data = bytearray(cv2.imencode(".png", RGB)[1].tobytes())
    data[len(data) // 2] ^= 4
    with pytest.raises(PixelsRefused) as caught:
        decode(parse_instance(bytes(data)))
    assert caught.value.reason is Reason.PIXELS_UNDECODABLE


def test_jpeg_is_what_libjpeg_gives():
    data = simplejpeg.encode_jpeg(RGB)
    picture = decode(parse_instance(data))
    assert np.array_equal(picture.array, np.asarray(Image.open(io.BytesIO(data))))
    assert picture.decoder.startswith("simplejpeg ")


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kept", [0.4, 0.7, 0.95, 0.999])
def test_truncated_jpeg_is_refused(progressive, kept):
    data = _file(Image.fromarray(RGB), "JPEG", progressive=progressive)
    with pytest.raises(PixelsRefused):
        decode(parse_instance(data[: int(len(data) * kept)]))


@pytest.mark.parametrize("kept", [0.6, 0.8, 0.95])
def test_truncated_jpeg_with_an_end_marker_is_refused(kept):
    data = _file(Image.fromarray(RGB), "JPEG")
    with pytest.raises(PixelsRefused) as caught:
        decode(parse_instance(data[: int(len(data) * kept)] + b"\xff\xd9"))
    assert caught.value.reason is Reason.PIXELS_UNDECODABLE


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone_as_pillow_does(orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _file(Image.fromarray(RGB), "JPEG", exif=exif.tobytes(), quality=95)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.array_equal(decode(parse_instance(data)).array, expected)


def test_grey_jpeg_with_three_channels_stays_rgb():
    grey = np.repeat(RGB[:, :, :1], 3, axis=2)
    array = decode(parse_instance(simplejpeg.encode_jpeg(grey))).array
    assert array.ndim == 3


def test_cmyk_jpeg_is_refused():
    data = _file(Image.fromarray(RGB).convert("CMYK"), "JPEG")
    with pytest.raises(PixelsRefused) as caught:
        decode(parse_instance(data))
    assert caught.value.reason is Reason.PIXELS_UNDECODABLE
