"""PNG and JPEG files to arrays, with the same strictness as DICOM."""

from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from medclf.errors import PixelsRefused
from medclf.pixels.codecs import decode_jpeg
from medclf.pixels.codestream import Coding, read_codestream
from medclf.reasons import Reason

_PNG_END = b"IEND\xaeB`\x82"  # the last chunk's type and CRC (PNG specification 11.2.5)


def decode_png(data: bytes) -> tuple[NDArray[Any], str]:
    """Decode a PNG file; palettes become RGB, alpha lies over black.

    Returns:
        (rows, columns) or (rows, columns, 3), uint8 or uint16; the decoder with its version.

    Raises:
        PixelsRefused: TRUNCATED when the end chunk is missing.
        Exception: whatever libpng reports, wrong checksums included; `decode` wraps it.
    """
    if _PNG_END not in data:
        raise PixelsRefused(Reason.TRUNCATED, "The PNG file has no end chunk.")
    array = imagecodecs.png_decode(data)
    if array.ndim == 3 and array.shape[2] in (2, 4):
        array = over_black(array)
    return array, f"imagecodecs {imagecodecs.__version__} png"


def decode_jpeg_file(data: bytes) -> tuple[NDArray[Any], str]:
    """Decode a JPEG file and turn it upright by its Exif orientation.

    Returns:
        (rows, columns) or (rows, columns, 3) RGB, uint8; the decoder with its version.

    Raises:
        PixelsRefused: TRUNCATED without an end marker, PIXELS_UNDECODABLE for CMYK, 12 bits and
            other codings.
        Exception: whatever libjpeg reports, warnings included; `decode` wraps it.
    """
    codestream = read_codestream(data)
    if codestream is None or codestream.coding is not Coding.JPEG_DCT or codestream.precision != 8:
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE, "The JPEG file is not an 8-bit baseline or progressive one."
        )
    if codestream.components not in (1, 3):
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            f"The JPEG file has {codestream.components} components (CMYK?); 1 or 3 are read.",
            components=codestream.components,
        )
    if not codestream.complete:
        raise PixelsRefused(Reason.TRUNCATED, "The JPEG file has no end marker.")
    array, decoder = decode_jpeg(data, codestream, rgb=False)
    return upright(array, codestream.orientation), decoder


def over_black(array: NDArray[Any]) -> NDArray[Any]:
    """Composite over black; fully opaque pixels come through exactly."""
    top = int(np.iinfo(array.dtype).max)
    colour, alpha = array[:, :, :-1].astype(np.uint64), array[:, :, -1:].astype(np.uint64)
    flat = ((colour * alpha + top // 2) // top).astype(array.dtype)
    return flat[:, :, 0] if flat.shape[2] == 1 else flat


def upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Undo an Exif orientation (CIPA DC-008 4.6.4, tag 0x0112).

    Orientations 5 to 8 have rows and columns exchanged; 2, 4, 5 and 7 are mirrored.
    """
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)
