"""Which kind of picture an object holds, told from its header and never from its file name.

The SOP class decides first and the Modality must agree with it. A Secondary Capture may hold
anything, so there the Modality decides; a VL Photographic object is a fundus photograph when
Modality, or the body part of an external camera's, say so. Everything else has no kind: the
caller then says what it found (`CT instead of X-ray`) from the modality.
"""

from enum import StrEnum

from pydicom import uid

from medclf.dicom.region import Region, region_of, shows_front_of_eye


class Kind(StrEnum):
    """The three kinds of picture that medclf reads."""

    XRAY = "xray"
    FUNDUS = "fundus"
    PATHOLOGY = "pathology"


COMPUTED_RADIOGRAPHY = str(uid.ComputedRadiographyImageStorage)
DIGITAL_XRAY_PRESENTATION = str(uid.DigitalXRayImageStorageForPresentation)
DIGITAL_XRAY_PROCESSING = str(uid.DigitalXRayImageStorageForProcessing)
MAMMOGRAPHY_PRESENTATION = str(uid.DigitalMammographyXRayImageStorageForPresentation)
MAMMOGRAPHY_PROCESSING = str(uid.DigitalMammographyXRayImageStorageForProcessing)
OPHTHALMIC_8_BIT = str(uid.OphthalmicPhotography8BitImageStorage)
OPHTHALMIC_16_BIT = str(uid.OphthalmicPhotography16BitImageStorage)
VL_MICROSCOPIC = str(uid.VLMicroscopicImageStorage)
VL_SLIDE_COORDINATES = str(uid.VLSlideCoordinatesMicroscopicImageStorage)
VL_WHOLE_SLIDE = str(uid.VLWholeSlideMicroscopyImageStorage)
VL_PHOTOGRAPHIC = str(uid.VLPhotographicImageStorage)

# Without the single-bit form: one bit a pixel is a drawing, not a picture.
_SECONDARY_CAPTURE = frozenset(
    (
        str(uid.SecondaryCaptureImageStorage),
        str(uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage),
        str(uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage),
        str(uid.MultiFrameTrueColorSecondaryCaptureImageStorage),
    )
)
_FOR_PROCESSING = frozenset((DIGITAL_XRAY_PROCESSING, MAMMOGRAPHY_PROCESSING))

# Not here on purpose: Breast Tomosynthesis and Breast Projection (enhanced, many frames of one
# exposure), XA and RF (moving pictures), intra-oral X-rays.
_KIND_BY_SOP_CLASS = {
    COMPUTED_RADIOGRAPHY: Kind.XRAY,
    DIGITAL_XRAY_PRESENTATION: Kind.XRAY,
    DIGITAL_XRAY_PROCESSING: Kind.XRAY,
    MAMMOGRAPHY_PRESENTATION: Kind.XRAY,
    MAMMOGRAPHY_PROCESSING: Kind.XRAY,
    OPHTHALMIC_8_BIT: Kind.FUNDUS,
    OPHTHALMIC_16_BIT: Kind.FUNDUS,
    VL_MICROSCOPIC: Kind.PATHOLOGY,
    VL_SLIDE_COORDINATES: Kind.PATHOLOGY,
    VL_WHOLE_SLIDE: Kind.PATHOLOGY,
}

_KIND_BY_MODALITY = {
    "CR": Kind.XRAY,
    "DX": Kind.XRAY,
    "MG": Kind.XRAY,
    "RG": Kind.XRAY,  # conventional film, digitised
    "OP": Kind.FUNDUS,
    "SM": Kind.PATHOLOGY,
    "GM": Kind.PATHOLOGY,
}


def is_secondary_capture(sop_class_uid: str) -> bool:
    """Tell whether any device may have written the object from anything (PS3.4 B.5)."""
    return sop_class_uid in _SECONDARY_CAPTURE


def is_for_processing(*, sop_class_uid: str, presentation_intent: str) -> bool:
    """Tell whether an object holds raw detector data, not yet made for a reader's eye.

    Args:
        sop_class_uid: (0008,0016); DX and MG have a class of their own for it.
        presentation_intent: (0008,0068) Presentation Intent Type, PS3.3 section C.8.11.1.
    """
    return sop_class_uid in _FOR_PROCESSING or presentation_intent == "FOR PROCESSING"


def kind_of(*, sop_class_uid: str, modality: str, body_part: str) -> Kind | None:
    """Return the kind of picture, or None when it is none of the three or cannot be told.

    The region of an X-ray is not judged here: which one a study wants is its own rule.

    Args:
        sop_class_uid: (0008,0016), PS3.4 annex B.5.
        modality: (0008,0060), PS3.3 section C.7.3.1.1.1; must agree with the SOP
            class unless empty.
        body_part: (0018,0015) or the meaning of the Anatomic Region Sequence.
    """
    by_modality = _KIND_BY_MODALITY.get(modality)
    if is_secondary_capture(sop_class_uid):
        kind = by_modality
    elif sop_class_uid == VL_PHOTOGRAPHIC:
        photographs_eye = modality in ("XC", "") and region_of(body_part) is Region.EYE
        kind = Kind.FUNDUS if modality == "OP" or photographs_eye else None
    else:
        kind = _KIND_BY_SOP_CLASS.get(sop_class_uid)
        if modality and by_modality is not kind:
            kind = None
    if kind is Kind.FUNDUS and shows_front_of_eye(body_part):
        return None
    return kind
