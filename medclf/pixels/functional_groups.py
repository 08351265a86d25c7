"""What an enhanced multi-frame object says of one frame, told as a single-frame object would.

Rescale, windows and spacing stand in functional groups there (PS3.3 C.7.6.16): shared by all
frames, or one item a frame. The frame's own word goes before the shared one, and both before
the top level, which should then say nothing.
"""

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medclf.dicom.reading import CONVERSION_FAULTS
from medclf.errors import PixelsRefused
from medclf.reasons import Reason

_SHARED, _EACH = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
# PS3.3 C.7.6.16.2.9, .10 and .1: the groups that a picture depends on.
_GROUPS = {
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope", "ModalityLUTSequence"),
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    "PixelMeasuresSequence": ("PixelSpacing",),
}
# What else a picture depends on, and only the top level says.
_TOP_LEVEL = (
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "FloatPixelPaddingValue",
    "FloatPixelPaddingRangeLimit",
    "DoubleFloatPixelPaddingValue",
    "DoubleFloatPixelPaddingRangeLimit",
    "PresentationLUTShape",
    "PixelAspectRatio",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    *(keyword for keywords in _GROUPS.values() for keyword in keywords),
)


def of_frame(dataset: Dataset, frame: int) -> Dataset:
    """Return a data set that holds what counts for one frame; the same where nothing differs.

    Args:
        dataset: of the whole object.
        frame: which, from 0.

    Raises:
        PixelsRefused: MALFORMED when the functional groups cannot be read or lack the frame.
    """
    if _SHARED not in dataset and _EACH not in dataset:
        return dataset
    merged = Dataset()
    merged.set_original_encoding(*dataset.original_encoding)
    try:
        _take(merged, dataset, _TOP_LEVEL)
        shared, each = dataset.get(_SHARED) or Sequence(), dataset.get(_EACH) or Sequence()
        if each and frame >= len(each):
            raise PixelsRefused(
                Reason.MALFORMED,
                f"There are functional groups for {len(each)} frames, none for frame {frame}.",
            )
        for item in [*shared[:1], *each[frame : frame + 1]]:
            for name, keywords in _GROUPS.items():
                for group in (item.get(name) or Sequence())[:1]:
                    _take(merged, group, keywords)
    except CONVERSION_FAULTS as error:
        raise PixelsRefused(
            Reason.MALFORMED, f"The functional groups cannot be read ({type(error).__name__})."
        ) from error
    return merged


def _take(merged: Dataset, source: Dataset, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        if keyword in source:
            merged[keyword] = source[keyword]
