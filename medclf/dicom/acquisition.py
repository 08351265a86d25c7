"""How a picture was taken: the header facts that a model or a validation may look at.

Nothing here names a person or a place: no name, no patient number, no
institution. Station and model of the device stay, because a model may learn
them by mistake and a validation must be able to look for that. Of modality, body part and view,
which are told in refusals and manifests, only words that are known stay.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from pydicom.dataset import Dataset

from medclf.dicom.modality import modality_of
from medclf.dicom.reading import all_of, code_of, item_of, number_of, text_of
from medclf.dicom.region import REGION_BY_CODE, Region, known_part, region_of
from medclf.dicom.view import VIEW_BY_CODE, known_view

# PS3.5 section 6.2, VR AS: three digits and a unit.
_AGE = re.compile(r"(\d{1,3})([DWMY])")
_YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_OLDEST_YEARS = 130.0  # above, the birth date is a placeholder such as 1800-01-01

# CID 244 Laterality, as SNOMED CT and SNOMED-RT.
_SIDE_BY_CODE = {"24028007": "R", "G-A100": "R", "7771000": "L", "G-A101": "L"}

# Attributes that tell height and width of a pixel, or of the distance between pixels, in this
# order, the most direct first.
_PIXEL_SIZES = (
    "PixelSpacing",  # (0028,0030), row spacing first
    "ImagerPixelSpacing",  # (0018,1164), at the detector
    "NominalScannedPixelSpacing",  # (0018,2010), digitised film
    "PixelAspectRatio",  # (0028,0034), vertical before horizontal
)
_MOST_ASPECT = 4.0  # beyond, and below its inverse, the header is wrong: no detector is so oblong
_ASPECT_ROUNDING = 0.005  # spacings are written with three digits; closer to 1 is square


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What the header says of a picture; texts are empty where it says nothing.

    Attributes:
        modality: (0008,0060), upper case; `UNKNOWN` for what is none.
        body_part: the known words of (0018,0015), upper case, else told from the Anatomic Region
            Sequence, of the object or of its frames; OTHER for words that are not known.
        view_position: the known words of (0018,5101), upper case, else told from the View Code
            Sequence.
        view_code: what the View Code Sequence says, as View Position would write it.
        laterality: `L`, `R` or empty; from image, series, frame or the region's modifier.
        manufacturer: (0008,0070).
        device: (0008,1090) Manufacturer's Model Name, else the station's name.
        site: (0008,1010) Station Name; never the institution.
        sex: `F`, `M`, `O` or empty.
        age_years: from Patient's Age, else from birth and study date; None when neither says.
        rows: pixels down, at least 1.
        columns: pixels across, at least 1.
        frames: at least 1.
        samples: samples per pixel, 1 to 4.
        bits_stored: 1 to 64.
        photometric: (0028,0004) Photometric Interpretation.
        sop_class_uid: empty for PNG and JPEG.
        transfer_syntax_uid: empty for PNG and JPEG.
        patient_orientation: (0020,0020), for example `L` and `F` joined by a backslash.
        presentation_intent: (0008,0068), `FOR PRESENTATION`, `FOR PROCESSING` or empty.
        image_type: (0008,0008), its first three values, the standard's own, joined by backslashes.
        conversion_type: (0008,0064), how a Secondary Capture was made.
        burned_in_annotation: (0028,0301), `YES`, `NO` or empty.
        pixel_aspect: height of a pixel by its width; 1 when unknown, absurd or within 0.5 % of 1.
        icc_profile: whether an ICC profile is held, by the object or by its optical path.
    """

    rows: int
    columns: int
    frames: int = 1
    samples: int = 1
    bits_stored: int = 8
    photometric: str = ""
    modality: str = ""
    body_part: str = ""
    view_position: str = ""
    laterality: str = ""
    manufacturer: str = ""
    device: str = ""
    site: str = ""
    sex: str = ""
    age_years: float | None = None
    sop_class_uid: str = ""
    transfer_syntax_uid: str = ""
    patient_orientation: str = ""
    view_code: str = ""
    presentation_intent: str = ""
    image_type: str = ""
    conversion_type: str = ""
    burned_in_annotation: str = ""
    pixel_aspect: float = 1.0
    icc_profile: bool = False

    @property
    def region(self) -> Region | None:
        """The region of the body; None when nothing is said."""
        return region_of(self.body_part, modality=self.modality)


def age_in_years(text: str) -> float | None:
    """Read an Age String (PS3.5 section 6.2, VR AS).

    >>> age_in_years("045Y"), age_in_years("006M"), age_in_years("old")
    (45.0, 0.5, None)
    """
    match = _AGE.fullmatch(text.strip().upper())
    if match is None:
        return None
    return int(match[1]) * _YEARS_PER_UNIT[match[2]]


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return None


def _age(dataset: Dataset) -> float | None:
    stated = age_in_years(text_of(dataset, "PatientAge"))
    if stated is not None:
        return stated
    born = _date(text_of(dataset, "PatientBirthDate"))
    seen = _date(text_of(dataset, "AcquisitionDate") or text_of(dataset, "StudyDate"))
    if born is None or seen is None:
        return None
    years = (seen - born).days / 365.25
    return years if 0 <= years <= _OLDEST_YEARS else None


def _one_of(text: str, *allowed: str) -> str:
    return text if text in allowed else ""


def _named(
    holder: Dataset | None, sequence: str, known: dict[str, str], words: Callable[[str], str]
) -> str:
    """Return what a code sequence says: by its code, else by the known words of its meaning."""
    value, meaning = ("", "") if holder is None else code_of(holder, sequence)
    return known.get(value) or words(meaning)


def _body_part(dataset: Dataset, frame: Dataset | None) -> str:
    return (
        known_part(text_of(dataset, "BodyPartExamined"))
        or _named(dataset, "AnatomicRegionSequence", REGION_BY_CODE, known_part)
        or _named(frame, "AnatomicRegionSequence", REGION_BY_CODE, known_part)
    )


def _side(text: str) -> str:
    return _one_of(text.upper(), "L", "R")


def _laterality(dataset: Dataset, frame: Dataset | None) -> str:
    """Return the side: Image Laterality rules over Laterality of the series (PS3.3 C.7.6.1)."""
    told = text_of(dataset, "ImageLaterality") or text_of(dataset, "Laterality")
    if not told and frame is not None:
        told = text_of(frame, "FrameLaterality")
    if told:
        return _side(told)
    for holder in (dataset, frame):
        region = item_of(holder, "AnatomicRegionSequence")
        side = _named(region, "AnatomicRegionModifierSequence", _SIDE_BY_CODE, _side)
        if side:
            return side
    return ""


def pixel_aspect_of(dataset: Dataset) -> float:
    """Return height by width of a pixel; 1 where nothing, or nothing possible, is said.

    PS3.3 C.7.6.3.1.7: Pixel Aspect Ratio counts where no spacing is given, so spacings come first.
    """
    measures = item_of(dataset, "SharedFunctionalGroupsSequence", "PixelMeasuresSequence")
    for holder in (dataset, measures):
        for keyword in _PIXEL_SIZES:
            aspect = None if holder is None else _ratio(all_of(holder, keyword))
            if aspect is not None:
                return likely_aspect(aspect)
    return 1.0


def likely_aspect(aspect: float) -> float:
    """Return an aspect that pixels may have; 1 where it is absurd or only rounded.

    >>> likely_aspect(1.2), likely_aspect(1.003), likely_aspect(2000.0)
    (1.2, 1.0, 1.0)
    """
    possible = 1 / _MOST_ASPECT <= aspect <= _MOST_ASPECT
    return aspect if possible and abs(aspect - 1) > _ASPECT_ROUNDING else 1.0


def _ratio(text: str) -> float | None:
    """Return the first of two sizes by the second; None unless both can be those of a pixel."""
    try:
        height, width = (float(part) for part in text.split("\\"))
        aspect = height / width
    except (ValueError, ArithmeticError):
        return None
    return aspect if height > 0 and 1 / _MOST_ASPECT <= aspect <= _MOST_ASPECT else None


def _holds_icc_profile(dataset: Dataset) -> bool:
    path = item_of(dataset, "OpticalPathSequence")  # PS3.3 section C.8.12.5
    return "ICCProfile" in dataset or (path is not None and "ICCProfile" in path)


def acquisition_of(dataset: Dataset, *, transfer_syntax_uid: str) -> Acquisition:
    """Gather the facts from a parsed data set; a value that cannot be read counts as absent."""
    bits_allocated = number_of(dataset, "BitsAllocated", absent=8)
    model = text_of(dataset, "ManufacturerModelName")
    station = text_of(dataset, "StationName")
    frame = item_of(dataset, "SharedFunctionalGroupsSequence", "FrameAnatomySequence")
    view_code = _named(dataset, "ViewCodeSequence", VIEW_BY_CODE, known_view)
    return Acquisition(
        rows=number_of(dataset, "Rows", absent=0),
        columns=number_of(dataset, "Columns", absent=0),
        frames=max(1, number_of(dataset, "NumberOfFrames", absent=1)),
        samples=number_of(dataset, "SamplesPerPixel", absent=1),
        bits_stored=number_of(dataset, "BitsStored", absent=bits_allocated),
        photometric=text_of(dataset, "PhotometricInterpretation").upper(),
        modality=modality_of(text_of(dataset, "Modality")),
        body_part=_body_part(dataset, frame),
        view_position=known_view(text_of(dataset, "ViewPosition")) or view_code,
        laterality=_laterality(dataset, frame),
        manufacturer=text_of(dataset, "Manufacturer"),
        device=model or station,
        site=station,
        sex=_one_of(text_of(dataset, "PatientSex").upper(), "F", "M", "O"),
        age_years=_age(dataset),
        sop_class_uid=text_of(dataset, "SOPClassUID"),
        transfer_syntax_uid=transfer_syntax_uid,
        patient_orientation=all_of(dataset, "PatientOrientation"),
        view_code=view_code,
        presentation_intent=text_of(dataset, "PresentationIntentType").upper(),
        image_type="\\".join(all_of(dataset, "ImageType").upper().split("\\")[:3]),
        conversion_type=text_of(dataset, "ConversionType").upper(),
        burned_in_annotation=_one_of(text_of(dataset, "BurnedInAnnotation").upper(), "YES", "NO"),
        pixel_aspect=pixel_aspect_of(dataset),
        icc_profile=_holds_icc_profile(dataset),
    )
