"""The one door from a checked image object to a picture.

Whatever the format, the transfer syntax and the maker: either a `Picture` that looks as the
sender meant it, or `PixelsRefused` with a coded reason. No half pictures.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from pydicom.dataset import Dataset

from medclf.dicom.acquisition import pixel_aspect_of
from medclf.dicom.instance import FileFormat, Instance
from medclf.errors import MedclfError, PixelsMisuse, PixelsRefused
from medclf.pixels.codecs import compressed_frames, stored_values
from medclf.pixels.colour import render_colour, render_palette
from medclf.pixels.frames import FrameIndex
from medclf.pixels.functional_groups import of_frame
from medclf.pixels.grey import render_grey
from medclf.pixels.header import GREY, PALETTE, PixelHeader, read_header
from medclf.pixels.picture import POLICY, Picture
from medclf.pixels.raster import decode_jpeg_file, decode_png
from medclf.pixels.tiff import decode_tiff
from medclf.reasons import Reason

__all__ = ["POLICY", "Picture", "decode", "decode_frames"]

_T = TypeVar("_T")


def decode(instance: Instance, *, frame: int | None = None) -> Picture:
    """Decode an image object into what a person would see.

    DICOM: Modality LUT, VOI LUT or first window, and polarity are applied (PS3.3 C.11, policy
    `medclf-pixels/2`), from functional groups too; presentation states and ICC profiles are
    not. PNG, JPEG and TIFF: as stored, upright.

    Args:
        instance: checked.
        frame: which, from 0; None stands for the only one.

    Raises:
        PixelsMisuse: there is no such frame.
        PixelsRefused: MULTI_FRAME when no frame is named and there are several, PIXELS_MISSING,
            TRUNCATED, MALFORMED, TRANSFER_SYNTAX_UNSUPPORTED, or PIXELS_UNDECODABLE for
            anything a decoder reports.
    """
    frames = instance.acquisition.frames
    if frame is None and frames != 1:
        raise PixelsRefused(
            Reason.MULTI_FRAME,
            f"The object has {frames} frames; one is expected.",
            frames=frames,
        )
    number = frame or 0
    if not 0 <= number < frames:
        raise PixelsMisuse(f"There is no frame {number}; the object has 0 to {frames - 1}.")
    return _guarded(lambda: _decoded(instance, number))


def decode_frames(instance: Instance) -> Iterator[Picture]:
    """Decode the frames of an object one after the other, each when it is asked for.

    Raises:
        PixelsRefused: as `decode`, for the frame that is next.
    """
    if instance.format is not FileFormat.DICOM:
        yield decode(instance)
        return
    dataset, header = _checked(instance)
    index = _guarded(lambda: compressed_frames(dataset, header))
    for number in range(instance.acquisition.frames):

        def one(number: int = number) -> Picture:
            return _dicom(instance, dataset, header, frame=number, index=index)

        yield _guarded(one)


def _guarded(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except MedclfError:
        raise
    # Last line of this door: a dozen foreign decoders, in C and in Python, throw what they like.
    except Exception as error:
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            f"The pixels cannot be decoded ({type(error).__name__}).",
            error=type(error).__name__,
        ) from error


def _decoded(instance: Instance, frame: int) -> Picture:
    aspect = 1.0
    match instance.format:
        case FileFormat.PNG:
            array, decoder = decode_png(instance.data)
        case FileFormat.JPEG:
            array, decoder = decode_jpeg_file(instance.data)
        case FileFormat.TIFF:
            array, decoder, aspect = decode_tiff(instance.data)
        case FileFormat.DICOM:
            dataset, header = _checked(instance)
            return _dicom(instance, dataset, header, frame=frame, index=None)
    return Picture(array=np.ascontiguousarray(array), decoder=decoder, aspect=aspect)


def _checked(instance: Instance) -> tuple[Dataset, PixelHeader]:
    dataset = instance.dataset
    pixels = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
    if dataset is None or not any(keyword in dataset for keyword in pixels):
        raise PixelsRefused(Reason.PIXELS_MISSING, "The object holds no pixel data.")
    syntax = instance.acquisition.transfer_syntax_uid
    return dataset, read_header(dataset, transfer_syntax=syntax)


def _dicom(
    instance: Instance,
    dataset: Dataset,
    header: PixelHeader,
    *,
    frame: int,
    index: FrameIndex | None,
) -> Picture:
    stored = stored_values(dataset, header, frame=frame, index=index)
    said = of_frame(dataset, frame)
    if stored.photometric in GREY:
        array = render_grey(stored, said, bits_stored=header.bits_stored)
    elif stored.photometric == PALETTE:
        array = render_palette(stored, dataset)
    else:
        array = render_colour(stored)
    return Picture(
        array=np.ascontiguousarray(array),
        decoder=stored.decoder,
        aspect=pixel_aspect_of(said),
        laterality=instance.acquisition.laterality,
    )
