"""The one door from a checked image object to a picture.

Whatever the format, the transfer syntax and the maker: either a `Picture` that looks as the
sender meant it, or `PixelsRefused` with a coded reason. No half pictures.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from medclf.dicom.instance import FileFormat, Instance
from medclf.errors import MedclfError, PixelsRefused
from medclf.pixels.codecs import stored_values
from medclf.pixels.colour import render_colour, render_palette
from medclf.pixels.grey import render_grey
from medclf.pixels.header import GREY, PALETTE, read_header
from medclf.pixels.picture import POLICY, Picture
from medclf.pixels.raster import decode_jpeg_file, decode_png
from medclf.reasons import Reason

__all__ = ["POLICY", "Picture", "decode"]


def decode(instance: Instance) -> Picture:
    """Decode an image object into what a person would see.

    DICOM: Modality LUT, VOI LUT or first window, and polarity are applied (PS3.3 C.11, policy
    `medclf-pixels/1`); presentation states and ICC profiles are not. PNG and JPEG: as stored,
    upright.

    Raises:
        PixelsRefused: MULTI_FRAME, PIXELS_MISSING, TRUNCATED, MALFORMED,
            TRANSFER_SYNTAX_UNSUPPORTED, or PIXELS_UNDECODABLE for anything a decoder reports.
    """
    try:
        array, decoder = _decoded(instance)
    except MedclfError:
        raise
    # Last line of this door: a dozen foreign decoders, in C and in Python, throw what they like.
    except Exception as error:
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            f"The pixels cannot be decoded ({type(error).__name__}).",
            error=type(error).__name__,
        ) from error
    return Picture(array=np.ascontiguousarray(array), decoder=decoder)


def _decoded(instance: Instance) -> tuple[NDArray[Any], str]:
    match instance.format:
        case FileFormat.PNG:
            return decode_png(instance.data)
        case FileFormat.JPEG:
            return decode_jpeg_file(instance.data)
        case FileFormat.DICOM:
            if instance.dataset is None:
                raise PixelsRefused(Reason.PIXELS_MISSING, "The instance has no data set.")
            if instance.acquisition.frames != 1:
                raise PixelsRefused(
                    Reason.MULTI_FRAME,
                    f"The object has {instance.acquisition.frames} frames; one is expected.",
                    frames=instance.acquisition.frames,
                )
            return _dicom(instance.dataset, instance.acquisition.transfer_syntax_uid)


def _dicom(dataset: Dataset, transfer_syntax: str) -> tuple[NDArray[Any], str]:
    if "PixelData" not in dataset:
        floating = "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset
        reason = Reason.PIXELS_UNDECODABLE if floating else Reason.PIXELS_MISSING
        raise PixelsRefused(reason, "The object holds no integer Pixel Data.")
    header = read_header(dataset, transfer_syntax=transfer_syntax)
    stored = stored_values(dataset, header)
    if stored.photometric in GREY:
        array = render_grey(stored, dataset, bits_stored=header.bits_stored)
    elif stored.photometric == PALETTE:
        array = render_palette(stored, dataset)
    else:
        array = render_colour(stored)
    return array, stored.decoder
