"""The first frame of an object with several, as an object of its own.

Every later step, in this process or in another, then sees a single frame and need not know.
"""

import dataclasses
from io import BytesIO

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import UID

from medclf.dicom.instance import Instance
from medclf.dicom.reading import CONVERSION_FAULTS, item_of, number_of
from medclf.errors import PixelsRefused
from medclf.reasons import Reason

# Of these functional groups (PS3.3 C.7.6.16) hangs what the stored values mean.
_MEANING_OF_VALUES = (
    ("PixelValueTransformationSequence", ("RescaleIntercept", "RescaleSlope", "RescaleType")),
    ("FrameVOILUTSequence", ("WindowCenter", "WindowWidth", "VOILUTFunction")),
)
# What belongs to all frames together, and what is set anew for one.
_OF_ALL_FRAMES = (
    "PixelData",
    "NumberOfFrames",
    "PerFrameFunctionalGroupsSequence",
    "FrameIncrementPointer",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)


def first_frame(instance: Instance) -> Instance:
    """Return an object that holds the first frame alone; a single frame comes back as it is.

    The digest stays that of the object as it came.

    Raises:
        PixelsRefused: PIXELS_MISSING, TRUNCATED or PIXELS_UNDECODABLE when there is no first frame.
    """
    if instance.acquisition.frames == 1 or instance.dataset is None:
        return instance
    try:
        dataset = _single(instance.dataset, instance.acquisition.transfer_syntax_uid)
        stream = BytesIO()
        pydicom.dcmwrite(stream, dataset)
    except CONVERSION_FAULTS as error:
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            f"The first frame cannot be taken out ({type(error).__name__}).",
        ) from error
    return dataclasses.replace(
        instance,
        data=stream.getvalue(),
        dataset=dataset,
        acquisition=dataclasses.replace(instance.acquisition, frames=1),
    )


def _single(dataset: Dataset, transfer_syntax_uid: str) -> Dataset:
    if "PixelData" not in dataset:
        raise PixelsRefused(Reason.PIXELS_MISSING, "The object holds no Pixel Data.")
    single = _without(dataset, _OF_ALL_FRAMES)
    single.NumberOfFrames = 1
    single.PixelData = _pixels(dataset, transfer_syntax_uid)
    single["PixelData"].VR = dataset["PixelData"].VR
    single["PixelData"].is_undefined_length = UID(transfer_syntax_uid).is_encapsulated
    for group, keywords in _MEANING_OF_VALUES:
        held = item_of(dataset, "PerFrameFunctionalGroupsSequence", group) or item_of(
            dataset, "SharedFunctionalGroupsSequence", group
        )
        for keyword in keywords:
            if held is not None and keyword in held:
                single[keyword] = held[keyword]
    return single


def _without(dataset: Dataset, keywords: tuple[str, ...]) -> FileDataset:
    """Copy a data set so that setting an element of the copy leaves the original alone."""
    left_out = {tag_for_keyword(keyword) for keyword in keywords}
    copy = Dataset()
    for tag in dataset.keys() - left_out:
        copy[tag] = dataset.get_item(tag)
    implicit, little = dataset.original_encoding
    return FileDataset(
        BytesIO(),
        copy,
        preamble=b"\0" * 128,
        file_meta=dataset.file_meta,
        is_implicit_VR=bool(implicit),
        is_little_endian=bool(little),
    )


def _pixels(dataset: Dataset, transfer_syntax_uid: str) -> bytes:
    data: bytes = dataset.PixelData
    if UID(transfer_syntax_uid).is_encapsulated:
        frames = number_of(dataset, "NumberOfFrames", absent=1)
        return encapsulate([get_frame(data, 0, number_of_frames=frames)])
    samples = number_of(dataset, "Rows", absent=0) * number_of(dataset, "Columns", absent=0)
    samples *= number_of(dataset, "SamplesPerPixel", absent=1)
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        samples = samples * 2 // 3  # two pixels share one pair of colour samples
    length = -(-samples * number_of(dataset, "BitsAllocated", absent=8) // 8)
    if not 0 < length <= len(data):
        raise PixelsRefused(
            Reason.TRUNCATED, f"The first frame needs {length} bytes; there are {len(data)}."
        )
    return data[:length] + b"\0" * (length % 2)
