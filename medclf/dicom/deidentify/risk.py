"""Which objects are not taken: those whose pixels or streams probably hold words.

medclf cleans what is written about a picture, not what is written in it. Objects that
commonly show the patient's name are refused, unless the caller has looked and accepts them.
"""

import re

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.uid import UID

from medclf.dicom.deidentify.keys import is_registered
from medclf.dicom.instance import FileFormat, Instance
from medclf.dicom.reading import text_of
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

_IMAGES = "1.2.840.10008.5.1.4.1.1."
# PS3.4 annex B.5. Ultrasound, captures of screens and films, and video carry a text overlay as
# a rule (PS3.15 section E.3.1 names these families).
_ULTRASOUND = re.compile(r"(6|6\.1|6\.2|3|3\.1)")
_CAPTURE = re.compile(r"7(\.[1-4])?")
_VIDEO = re.compile(r"77\.1\.(1\.1|2\.1|4\.1)")
# MPEG and H.26x may carry text in the stream, JPEG XL boxes of metadata: neither is searched.
_UNSEARCHED = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.1\d\d")


def require_acceptable(instance: Instance, *, accept_pixel_text: bool) -> Dataset:
    """Return the header of an object that may be de-identified.

    Args:
        instance: checked by `medclf.dicom.instance`.
        accept_pixel_text: whether words in the pixels are somebody else's care.

    Raises:
        InstanceRefused: FORMAT_UNKNOWN, UID_INVALID, TRANSFER_SYNTAX_UNSUPPORTED,
            SECONDARY_CAPTURE or BURNED_IN_TEXT.
    """
    dataset = instance.dataset
    if instance.format is not FileFormat.DICOM or dataset is None:
        raise InstanceRefused(
            Reason.FORMAT_UNKNOWN, "The file is a picture without a DICOM header."
        )
    facts = instance.acquisition
    if not is_registered(facts.sop_class_uid):
        raise InstanceRefused(Reason.UID_INVALID, "The SOP class is not one that DICOM defines.")
    syntax = facts.transfer_syntax_uid
    if not _can_be_written(syntax) or _UNSEARCHED.fullmatch(syntax):
        raise InstanceRefused(
            Reason.TRANSFER_SYNTAX_UNSUPPORTED,
            "Words within pixels packed so cannot be found, or such a file not be written.",
        )
    if not accept_pixel_text:
        _refuse_text(facts.sop_class_uid.removeprefix(_IMAGES), dataset)
    return dataset


def _can_be_written(syntax: str) -> bool:
    """Tell whether pydicom knows a transfer syntax."""
    uid = UID(syntax, validation_mode=config.IGNORE)
    return not uid.is_private and uid.name != syntax and uid.is_transfer_syntax


def _refuse_text(sop_class: str, dataset: Dataset) -> None:
    if text_of(dataset, "BurnedInAnnotation").upper() == "YES":
        raise InstanceRefused(
            Reason.BURNED_IN_TEXT, "The header says that text is burned into the pixels."
        )
    # PS3.3 section C.8.6.1: how a Secondary Capture came to be; `WSD` is a workstation.
    converted = text_of(dataset, "ConversionType")
    if _CAPTURE.fullmatch(sop_class) or converted in ("DF", "DV", "SD", "WSD"):
        raise InstanceRefused(
            Reason.SECONDARY_CAPTURE, "Captures of screens and films often show names."
        )
    if _ULTRASOUND.fullmatch(sop_class) or _VIDEO.fullmatch(sop_class):
        raise InstanceRefused(
            Reason.BURNED_IN_TEXT, "Ultrasound and video pictures often show names."
        )
