"""TIFF files of another writer: exact, upright, bright is high; refused where they are damaged."""

from io import BytesIO

import numpy as np
import pytest
import tifffile

from medclf.dicom.instance import FileFormat, parse_instance
from medclf.errors import InstanceRefused, PixelsRefused
from medclf.pixels.decode import decode
from medclf.reasons import Reason

GREY = (np.add.outer(np.arange(70) * 3, np.arange(90) * 2) % 256).astype(np.uint8)
DEEP = GREY.astype(np.uint16) * 257 ^ 5
COLOUR = np.stack([GREY, 255 - GREY, np.roll(GREY, 9, axis=1)], axis=-1)


def _written(array: np.ndarray, *, big: bool = False, order: str = "<", **how: object) -> bytes:
    stream = BytesIO()
    with tifffile.TiffWriter(stream, bigtiff=big, byteorder=order) as writer:
        writer.write(array, **how)
    return stream.getvalue()


def _array(data: bytes) -> np.ndarray:
    return decode(parse_instance(data)).array


@pytest.mark.parametrize("array", [GREY, DEEP, COLOUR, COLOUR.astype(np.uint16) * 257])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"order": ">"},
        {"big": True},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib", "rowsperstrip": 7},
        {"compression": "zstd", "tile": (32, 32)},
        {"tile": (16, 48)},
    ],
)
def test_lossless_files_are_exact(array, how):
    photometric = "rgb" if array.ndim == 3 else "minisblack"
    data = _written(array, photometric=photometric, **how)
    assert np.array_equal(_array(data), array)


def test_packed_bytes_are_exact():
    assert np.array_equal(_array(_written(GREY, compression="packbits")), GREY)


def test_planes_one_after_the_other_become_pixels():
    planes = np.moveaxis(COLOUR, -1, 0).copy()
    data = _written(planes, photometric="rgb", planarconfig="separate")
    assert np.array_equal(_array(data), COLOUR)


def test_white_is_zero_is_turned_over():
    assert np.array_equal(_array(_written(DEEP, photometric="miniswhite")), 65535 - DEEP)


@pytest.mark.parametrize("array", [GREY, COLOUR])
def test_jpeg_inside_is_decoded_as_the_writer_reads_it(array):
    photometric = "rgb" if array.ndim == 3 else "minisblack"
    data = _written(array, photometric=photometric, compression="jpeg")
    wanted = tifffile.imread(BytesIO(data)).astype(int)
    assert np.abs(_array(data) - wanted).max() <= 1


def test_palette_becomes_colour():
    table = np.stack([np.arange(256), 255 - np.arange(256), np.arange(256) // 2]).astype(np.uint16)
    data = _written(GREY, photometric="palette", colormap=table * 257)
    assert np.array_equal(_array(data), np.moveaxis(table.astype(np.uint8)[:, GREY], 0, -1))


def test_alpha_lies_over_black():
    alpha = np.where(GREY > 127, 255, 0).astype(np.uint8)
    data = _written(np.dstack([COLOUR, alpha]), photometric="rgb", extrasamples=["unassalpha"])
    assert np.array_equal(_array(data), np.where(alpha[:, :, None] > 0, COLOUR, 0))


def test_orientation_and_resolution_are_heeded():
    data = _written(
        GREY, resolution=(200, 100), resolutionunit="inch", extratags=[(274, 3, 1, 6, True)]
    )
    picture = decode(parse_instance(data))
    assert np.array_equal(picture.array, np.rot90(GREY, -1))
    assert picture.aspect == pytest.approx(0.5)


@pytest.mark.parametrize("array", [GREY.astype(np.float32), GREY.astype(np.int16)])
def test_signed_and_floating_samples_are_refused(array):
    with pytest.raises(PixelsRefused) as caught:
        _array(_written(array, photometric="minisblack"))
    assert caught.value.reason is Reason.PIXELS_UNDECODABLE


def test_several_pages_are_several_frames_and_reduced_copies_are_not():
    with pytest.raises(PixelsRefused) as caught:
        _array(_written(np.stack([GREY, GREY]), photometric="minisblack"))
    assert caught.value.reason is Reason.MULTI_FRAME
    stream = BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(GREY)
        writer.write(GREY[::2, ::2], subfiletype=1)
    assert np.array_equal(_array(stream.getvalue()), GREY)


@pytest.mark.parametrize("before", [1, 2])
def test_picture_behind_its_reduced_copies_is_the_one_decoded(before):
    stream = BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        for _ in range(before):
            writer.write(GREY[::2, ::2], subfiletype=1)
        writer.write(DEEP)
    instance = parse_instance(stream.getvalue())
    assert (instance.acquisition.rows, instance.acquisition.columns) == DEEP.shape
    assert np.array_equal(decode(instance).array, DEEP)


def test_only_picture_is_taken_even_where_it_calls_itself_reduced():
    assert np.array_equal(_array(_written(GREY, subfiletype=1)), GREY)


@pytest.mark.parametrize("compression", ["none", "lzw", "zlib", "zstd", "jpeg"])
def test_files_that_end_too_early_are_refused(compression):
    data = _written(GREY, compression=compression)
    for kept in (0.3, 0.6, 0.95):
        with pytest.raises((InstanceRefused, PixelsRefused)):
            _array(data[: int(len(data) * kept)])


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd", "jpeg"])
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_strips_that_end_too_early_are_refused(compression, kept):
    data = bytearray(_written(GREY, compression=compression))
    with tifffile.TiffFile(BytesIO(data)) as file:
        start, length = file.pages[0].dataoffsets[-1], file.pages[0].databytecounts[-1]
    cut = start + int(length * kept)
    data[cut : start + length] = bytes(start + length - cut)
    with pytest.raises(PixelsRefused):
        _array(bytes(data))


def test_dicom_file_with_a_tiff_preamble_is_dicom(make_instance):
    data = bytearray(make_instance(GREY).data)
    data[:4] = b"II*\0"
    assert parse_instance(bytes(data)).format is FileFormat.DICOM
