"""TIFF files to arrays: strips or tiles of 8 or 16 bits, grey, RGB or palette.

Grey comes out bright is high, whichever way the file counts; alpha lies over black. What would
need a guess (signed and floating samples, separations, unnamed extra samples) is refused.
"""

import zlib
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from medclf.dicom.acquisition import likely_aspect
from medclf.dicom.tiff_header import TiffHeader, read_tiff
from medclf.errors import PixelsRefused
from medclf.pixels.raster import over_black, upright
from medclf.reasons import Reason

_NAME = f"imagecodecs {imagecodecs.__version__} tiff"
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YBR = 0, 1, 2, 3, 6
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _YBR: 3}
_DEFLATE, _JPEG = (8, 32946), 7  # TIFF technical note 2 and supplement 2
_JPEG_END = b"\xff\xd9"
_PADDED_END = 16  # bytes; the end marker and the padding that may follow it lie within
_PIECE = 1 << 20  # bytes inflated at a time
_PREMULTIPLIED, _ALPHA = 1, 2  # TIFF 6.0, ExtraSamples


def decode_tiff(data: bytes) -> tuple[NDArray[Any], str, float]:
    """Decode the only page of a TIFF file.

    Returns:
        (rows, columns) or (rows, columns, 3) RGB, uint8 or uint16, upright; the decoder with its
        version; height of a pixel by its width.

    Raises:
        InstanceRefused: as `read_tiff`.
        PixelsRefused: PIXELS_UNDECODABLE for what would need a guess.
        Exception: whatever libtiff reports, data that ends too early included; `decode` wraps it.
    """
    header = read_tiff(data)
    _check(header)
    _check_whole(data, header)
    array = imagecodecs.tiff_decode(data, index=header.index)
    if header.planar and array.ndim == 3 and array.shape[0] == header.samples:
        array = array.transpose(1, 2, 0)
    colours = _COLOURS[header.photometric]
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    expected: tuple[int, ...] = (header.rows, header.columns)
    if header.samples > 1:
        expected = (*expected, header.samples)
    if array.shape != expected or array.dtype != f"u{header.bits[0] // 8}":
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            f"The decoder gave {array.dtype} of shape {array.shape}; the header says {expected}.",
        )
    if header.samples > colours:
        array = over_black(array) if header.extra[0] == _ALPHA else array[:, :, :colours]
        array = array[:, :, 0] if colours == 1 and array.ndim == 3 else array
    if header.photometric == _WHITE_IS_ZERO:
        array = np.iinfo(array.dtype).max - array
    elif header.photometric == _PALETTE:
        array = _look_up(array, header)
    orientation = header.orientation if 1 <= header.orientation <= 8 else 1
    aspect = 1 / header.aspect if orientation >= 5 else header.aspect
    return upright(array, orientation), _NAME, likely_aspect(aspect)


def _check(header: TiffHeader) -> None:
    """Refuse what would need a guess."""
    bits, formats = set(header.bits), set(header.sample_format)
    extra = header.samples - _COLOURS.get(header.photometric, header.samples)
    if header.photometric not in _COLOURS:
        fault = f"PhotometricInterpretation {header.photometric}; grey, RGB, palette are read"
    elif header.photometric == _YBR and header.compression != _JPEG:
        fault = "YBR samples without JPEG compression"
    elif formats != {1}:
        fault = "signed or floating-point samples; unsigned ones are read"
    elif len(bits) != 1 or not bits <= {8, 16}:
        fault = f"samples of {sorted(bits)} bits; 8 or 16 are read"
    elif extra not in (0, 1) or (extra and header.extra[:1] not in ((_PREMULTIPLIED,), (_ALPHA,))):
        fault = f"{header.samples} samples a pixel, of which some mean nothing that is known"
    elif header.photometric == _PALETTE and len(header.colour_map) != 3 << header.bits[0]:
        fault = f"a colour map of {len(header.colour_map)} entries; {3 << header.bits[0]} are due"
    else:
        return
    raise PixelsRefused(Reason.PIXELS_UNDECODABLE, f"The TIFF file has {fault}.")


def _check_whole(data: bytes, header: TiffHeader) -> None:
    """Refuse damage that libtiff passes over: checksums of deflate, end markers of JPEG."""
    for start, stop in header.segments:
        if header.compression in _DEFLATE:
            stream = zlib.decompressobj()
            rest = data[start:stop]
            while rest and not stream.eof:  # by and by, since the size inflated is not known yet
                stream.decompress(rest, _PIECE)
                rest = stream.unconsumed_tail
            whole = stream.eof
        else:
            whole = header.compression != _JPEG or _JPEG_END in data[stop - _PADDED_END : stop]
        if not whole:
            raise PixelsRefused(Reason.TRUNCATED, "A strip or tile of the TIFF file is cut off.")


def _look_up(array: NDArray[Any], header: TiffHeader) -> NDArray[np.uint8]:
    """Look palette indices up; entries are of 16 bits, scaled by 256 or by 257."""
    table = np.array(header.colour_map, np.uint16).reshape(3, -1).T
    eight = (table >> 8 if table.max() > 255 else table).astype(np.uint8)
    return np.take(eight, array, axis=0)
