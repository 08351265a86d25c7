"""From the Pixel Data element to stored values: one decoder for each way of packing.

Raw data is viewed in place. Compressed frames go to imagecodecs and simplejpeg, which are several
times faster than pydicom's defaults. The word of a decoder that knows the coding is final: what it
finds damaged no other may heal. What none of them knows goes to pydicom's own decoders and GDCM.
"""

import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from medclf.errors import PixelsMisuse, PixelsRefused
from medclf.pixels.by_pydicom import by_pydicom, no_codestream
from medclf.pixels.codestream import Codestream, Coding, Transform, read_codestream
from medclf.pixels.frames import FrameIndex, index_frames
from medclf.pixels.header import PixelHeader
from medclf.pixels.high_throughput import decode_high_throughput, suits_openjph
from medclf.pixels.lossless_jpeg import decode_lossless_jpeg
from medclf.pixels.native import native_values, unpacked
from medclf.pixels.stored import Stored, as_stored
from medclf.reasons import Reason

_NATIVE = frozenset(
    {
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
    }
)
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"  # PS3.5 section A.4.13
_RLE_HEADER = 64  # bytes
_IMAGECODECS = f"imagecodecs {imagecodecs.__version__}"
_SIMPLEJPEG = f"simplejpeg {simplejpeg.__version__}"


def stored_values(
    dataset: Dataset, header: PixelHeader, *, frame: int = 0, index: FrameIndex | None = None
) -> Stored:
    """Decode one frame of a data set.

    Args:
        dataset: with Pixel Data.
        header: of the same data set.
        frame: which, from 0.
        index: from `compressed_frames`, so that many frames are found by one look.

    Raises:
        PixelsMisuse: there is no such frame.
        PixelsRefused: TRUNCATED, MALFORMED, PIXELS_UNDECODABLE or TRANSFER_SYNTAX_UNSUPPORTED.
        Exception: whatever a foreign decoder throws; `decode` wraps it.
    """
    if not 0 <= frame < header.frames:
        raise PixelsMisuse(f"There is no frame {frame}; the object has 0 to {header.frames - 1}.")
    index = index or compressed_frames(dataset, header)
    if index is None:
        return native_values(dataset, header, frame=frame)
    data = index.frame(frame)
    if header.transfer_syntax == uid.RLELossless:
        return _run_lengths(data, header)
    if header.transfer_syntax == _DEFLATED_FRAMES:
        return _deflated(data, header)
    codestream = read_codestream(data)
    if codestream is None:
        raise no_codestream(header)
    _check_agreement(codestream, header)
    if codestream.coding is Coding.JPEG_OTHER:
        return by_pydicom(dataset, header, frame=frame)
    return _compressed(data, codestream, header)


def compressed_frames(dataset: Dataset, header: PixelHeader) -> FrameIndex | None:
    """Find where the frames lie; None for uncompressed objects, which need no index.

    Raises:
        PixelsRefused: as `index_frames`.
    """
    if header.transfer_syntax in _NATIVE or header.floating:
        return None
    return index_frames(dataset, frames=header.frames)


def _run_lengths(data: bytes, header: PixelHeader) -> Stored:
    """RLE Lossless, PS3.5 annex G: bytes in planes, most significant first."""
    size = max(1, header.bits_allocated // 8)
    _check_segments(data, expected=header.samples * size)
    flat = imagecodecs.dicomrle_decode(data, f"<u{size}")
    return _from_planes(flat, header, decoder=f"{_IMAGECODECS} dicomrle")


def _check_segments(data: bytes, *, expected: int) -> None:
    """Check the header of an RLE frame (PS3.5 section G.5), which its decoder believes blindly."""
    if len(data) <= _RLE_HEADER:
        raise PixelsRefused(Reason.TRUNCATED, "The RLE frame ends within its header.")
    count, *offsets = struct.unpack_from("<16L", data)
    starts = offsets[:count]
    if (
        count != expected
        or starts[0] < _RLE_HEADER
        or starts != sorted(set(starts))
        or starts[-1] >= len(data)
    ):
        raise PixelsRefused(
            Reason.MALFORMED,
            f"The RLE frame tells {count} segments, of which {expected} in ascending order are due "
            f"within {len(data)} bytes.",
            found=count,
            expected=expected,
        )


def _deflated(data: bytes, header: PixelHeader) -> Stored:
    """Inflate a frame that was deflated by itself, to the size that the header asks for."""
    expected = header.rows * header.columns * header.samples * header.bits_allocated
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    flat = stream.decompress(data, (expected + 7) // 8 + 1)
    return _from_planes(flat, header, decoder=f"zlib {zlib.ZLIB_RUNTIME_VERSION}", planar=False)


def _from_planes(
    flat: bytes | bytearray, header: PixelHeader, *, decoder: str, planar: bool = True
) -> Stored:
    samples = header.rows * header.columns * header.samples
    expected = (samples * header.bits_allocated + 7) // 8
    if len(flat) < expected:
        raise PixelsRefused(
            Reason.TRUNCATED,
            f"The frame holds {len(flat)} bytes; the header asks for {expected}.",
            found=len(flat),
            expected=expected,
        )
    if header.bits_allocated == 1:
        return as_stored(unpacked(flat, header, first=0), header, decoder=decoder)
    array = np.frombuffer(flat, f"<u{header.bits_allocated // 8}", count=samples)
    if header.samples == 1 or not (planar or header.planar):
        array = array.reshape(header.shape)
    else:
        array = array.reshape(header.samples, header.rows, header.columns).transpose(1, 2, 0)
    shift = header.high_bit + 1 - header.bits_stored
    return as_stored(array, header, decoder=decoder, shift=shift)


def _check_agreement(codestream: Codestream, header: PixelHeader) -> None:
    found = (codestream.rows, codestream.columns, codestream.components)
    expected = (header.rows, header.columns, header.samples)
    if found != expected:
        raise PixelsRefused(
            Reason.MALFORMED,
            f"The compressed frame has rows, columns, components {found}; the header says "
            f"{expected}.",
            found=found,
            expected=expected,
        )
    if not codestream.complete:
        raise PixelsRefused(Reason.TRUNCATED, "The compressed frame has no end marker.")


def _compressed(frame: bytes, codestream: Codestream, header: PixelHeader) -> Stored:
    colour = header.samples == 3
    photometric = header.photometric
    bits = header.bits_stored
    match codestream.coding:
        case Coding.JPEG_DCT:
            partial = photometric.startswith("YBR_PARTIAL")
            array, decoder = decode_jpeg(
                frame, codestream, rgb=photometric == "RGB", as_stored=partial
            )
            photometric = "RGB" if colour and not partial else photometric
        case Coding.JPEG_LOSSLESS:
            array, decoder = decode_lossless_jpeg(
                frame, precision=codestream.precision, colour=colour
            )
        case Coding.JPEG_LS:
            array, decoder = imagecodecs.jpegls_decode(frame), f"{_IMAGECODECS} jpegls"
            bits = codestream.precision
        case _:  # JPEG 2000, both kinds
            if suits_openjph(codestream, transfer_syntax=header.transfer_syntax):
                array, decoder = decode_high_throughput(frame, codestream)
            else:
                array, decoder = imagecodecs.jpeg2k_decode(frame), f"{_IMAGECODECS} jpeg2k"
            bits = codestream.precision
            undone = codestream.transform is Transform.YBR or photometric.endswith(("RCT", "ICT"))
            photometric = "RGB" if colour and undone else photometric
    if array.shape != header.shape:
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            f"The decoder gave shape {array.shape}; the header says {header.shape}.",
        )
    return as_stored(
        array,
        header,
        decoder=decoder,
        photometric=photometric,
        bits=bits,
        signed=codestream.signed and not colour,
    )


def decode_jpeg(
    data: bytes, codestream: Codestream, *, rgb: bool, as_stored: bool = False
) -> tuple[NDArray[Any], str]:
    """Decode a baseline, extended or progressive JPEG, refusing damaged data.

    Args:
        data: the whole codestream.
        codestream: what it says of itself; 1 or 3 components.
        rgb: what three components are when no marker tells: RGB, else YBR.
        as_stored: leave three components as they are, whatever they mean.

    Returns:
        (rows, columns) or (rows, columns, 3) RGB, uint8, or uint16 above 8 bits; the decoder.
    """
    if codestream.precision > 8:
        return imagecodecs.jpeg8_decode(data), f"{_IMAGECODECS} jpeg8"
    target = "GRAY" if codestream.components == 1 else "RGB"
    array = simplejpeg.decode_jpeg(data, target, strict=True)
    unmarked = rgb and codestream.transform is Transform.UNSAID
    if target == "RGB" and (unmarked or as_stored):
        # libjpeg takes unmarked components for YBR; damaged data was refused above.
        array = imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB")
        return array, f"{_IMAGECODECS} jpeg8"
    return (array[:, :, 0] if target == "GRAY" else array), _SIMPLEJPEG
