"""From the Pixel Data element to stored values: one decoder for each way of packing.

Raw data is viewed in place. Compressed frames go to imagecodecs and simplejpeg, which are several
times faster than pydicom's defaults and refuse damaged data; what they cannot do (big endian,
single bits, subsampled raw YBR) goes to pydicom's own decoders.
"""

from typing import Any

import imagecodecs
import numpy as np
import pydicom
import simplejpeg
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder

from medclf.errors import PixelsRefused
from medclf.pixels.codestream import Codestream, Coding, Transform, read_codestream
from medclf.pixels.header import PixelHeader
from medclf.pixels.stored import Stored, as_stored
from medclf.reasons import Reason

_RAW = frozenset(
    {uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian}
)
_VIEWED_DEPTHS = (8, 16, 32)
_IMAGECODECS = f"imagecodecs {imagecodecs.__version__}"
_SIMPLEJPEG = f"simplejpeg {simplejpeg.__version__}"
_PYDICOM = f"pydicom {pydicom.__version__}"


def stored_values(dataset: Dataset, header: PixelHeader) -> Stored:
    """Decode the only frame of a data set.

    Raises:
        PixelsRefused: TRUNCATED, MALFORMED, PIXELS_UNDECODABLE or TRANSFER_SYNTAX_UNSUPPORTED.
        Exception: whatever a foreign decoder throws; `decode` wraps it.
    """
    if header.transfer_syntax in _RAW:
        return _raw(dataset, header)
    if not uid.UID(header.transfer_syntax).is_encapsulated:
        return _by_pydicom(dataset, header)
    frame = get_frame(
        dataset.PixelData, 0, number_of_frames=1, extended_offsets=_extended_offsets(dataset)
    )
    if header.transfer_syntax == uid.RLELossless:
        return _rle(dataset, frame, header)
    codestream = read_codestream(frame)
    if codestream is None:
        return _by_pydicom(dataset, header)
    _check_agreement(codestream, header)
    return _compressed(frame, codestream, header)


def _raw(dataset: Dataset, header: PixelHeader) -> Stored:
    subsampled = header.photometric == "YBR_FULL_422"
    data: bytes = dataset.PixelData
    samples = header.rows * header.columns * header.samples
    if subsampled:
        samples = samples * 2 // 3  # PS3.3 C.7.6.3.1.2: two chroma samples for two pixels
    expected = (samples * header.bits_allocated + 7) // 8
    if len(data) < expected:
        raise PixelsRefused(
            Reason.TRUNCATED,
            f"Pixel Data has {len(data)} bytes; the header asks for {expected}.",
            found=len(data),
            expected=expected,
        )
    if len(data) >= 2 * expected and len(data) > expected + 1:
        raise PixelsRefused(
            Reason.MALFORMED,
            f"Pixel Data has {len(data)} bytes, enough for two frames of {expected}; the header "
            "speaks of one.",
            found=len(data),
            expected=expected,
        )
    if subsampled or header.bits_allocated not in _VIEWED_DEPTHS:
        return _by_pydicom(dataset, header)
    array = np.frombuffer(data, f"<u{header.bits_allocated // 8}", count=samples)
    if header.samples == 1 or not header.planar:
        array = array.reshape(header.shape)
    else:
        array = array.reshape(header.samples, header.rows, header.columns).transpose(1, 2, 0)
    shift = header.high_bit + 1 - header.bits_stored
    return as_stored(array, header, decoder="raw", shift=shift)


def _rle(dataset: Dataset, frame: bytes, header: PixelHeader) -> Stored:
    """RLE Lossless, PS3.5 annex G: bytes in planes, most significant first."""
    if header.bits_allocated not in _VIEWED_DEPTHS:
        return _by_pydicom(dataset, header)
    flat = imagecodecs.dicomrle_decode(frame, f"<u{header.bits_allocated // 8}")
    planes = np.frombuffer(flat, f"<u{header.bits_allocated // 8}")
    samples = header.rows * header.columns * header.samples
    if planes.size < samples:
        raise PixelsRefused(
            Reason.TRUNCATED,
            f"The RLE frame holds {planes.size} values; the header asks for {samples}.",
            found=int(planes.size),
            expected=samples,
        )
    array = planes[:samples].reshape(header.samples, header.rows, header.columns)
    array = array[0] if header.samples == 1 else array.transpose(1, 2, 0)
    shift = header.high_bit + 1 - header.bits_stored
    return as_stored(array, header, decoder=f"{_IMAGECODECS} dicomrle", shift=shift)


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
            array, decoder = decode_jpeg(frame, codestream, rgb=photometric == "RGB")
            photometric = "RGB" if colour else photometric
        case Coding.JPEG_LOSSLESS:
            array, decoder = _decode_lossless_jpeg(frame, colour=colour)
        case Coding.JPEG_LS:
            array, decoder = imagecodecs.jpegls_decode(frame), f"{_IMAGECODECS} jpegls"
            bits = codestream.precision
        case Coding.JPEG_2000:
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


def _decode_lossless_jpeg(frame: bytes, *, colour: bool) -> tuple[NDArray[Any], str]:
    """Decode JPEG process 14 twice, since neither decoder reports data that ends early.

    libjpeg-turbo goes on with zeros, jpegsof3 with what follows, so that on damaged data they
    differ; on intact data both are exact.
    """
    space = "RGB" if colour else None
    array = imagecodecs.jpeg8_decode(frame, colorspace=space, outcolorspace=space)
    if not np.array_equal(array, imagecodecs.jpegsof3_decode(frame)):
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            "Two decoders disagree on the lossless JPEG frame, as they do when data is missing.",
        )
    return array, f"{_IMAGECODECS} jpeg8"


def decode_jpeg(data: bytes, codestream: Codestream, *, rgb: bool) -> tuple[NDArray[Any], str]:
    """Decode a baseline, extended or progressive JPEG, refusing damaged data.

    Args:
        data: the whole codestream.
        codestream: what it says of itself; 1 or 3 components.
        rgb: what three components are when no marker tells: RGB, else YBR.

    Returns:
        (rows, columns) or (rows, columns, 3) RGB, uint8, or uint16 above 8 bits; the decoder.
    """
    if codestream.precision > 8:
        return imagecodecs.jpeg8_decode(data), f"{_IMAGECODECS} jpeg8"
    target = "GRAY" if codestream.components == 1 else "RGB"
    array = simplejpeg.decode_jpeg(data, target, strict=True)
    if target == "RGB" and rgb and codestream.transform is Transform.UNSAID:
        # libjpeg takes unmarked components for YBR; damaged data was refused above.
        array = imagecodecs.jpeg8_decode(data, colorspace="RGB", outcolorspace="RGB")
        return array, f"{_IMAGECODECS} jpeg8"
    return (array[:, :, 0] if target == "GRAY" else array), _SIMPLEJPEG


def _by_pydicom(dataset: Dataset, header: PixelHeader) -> Stored:
    try:
        decoder = get_decoder(uid.UID(header.transfer_syntax))
    except NotImplementedError as error:
        raise PixelsRefused(
            Reason.TRANSFER_SYNTAX_UNSUPPORTED,
            f"There is no decoder for transfer syntax {header.transfer_syntax}.",
            transfer_syntax=header.transfer_syntax,
        ) from error
    array, facts = decoder.as_array(dataset, index=0)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    photometric = str(facts["photometric_interpretation"])
    return as_stored(little, header, decoder=_PYDICOM, photometric=photometric)


def _extended_offsets(dataset: Dataset) -> tuple[bytes, bytes] | None:
    offsets, lengths = dataset.get("ExtendedOffsetTable"), dataset.get("ExtendedOffsetTableLengths")
    return (offsets, lengths) if offsets and lengths else None
