"""How a picture was taken: the header facts that a model or a validation may look at.

Nothing here names a person or a place: no name, no patient number, no
institution. Station and model of the device stay, because a model may learn
them by mistake and a validation must be able to look for that.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

from pydicom.dataset import Dataset

from medclf.dicom.reading import all_of, code_of, number_of, text_of

# PS3.5 section 6.2, VR AS: three digits and a unit.
_AGE = re.compile(r"(\d{1,3})([DWMY])")
_YEARS_PER_UNIT = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_OLDEST_YEARS = 130.0  # above, the birth date is a placeholder such as 1800-01-01

# View Code Sequence (CID 4010 DX View), as SNOMED CT and the older SNOMED-RT ids.
_VIEW_BY_CODE = {
    "399348003": "AP",
    "R-10206": "AP",
    "272479007": "PA",
    "R-10214": "PA",
    "R-40888": "PA",
    "399173006": "LL",
    "R-10236": "LL",
    "399198007": "RL",
    "R-10232": "RL",
}
# Anatomic Region Sequence (CID 4009 DX Anatomy Imaged): the chest in SNOMED CT and SNOMED-RT.
_BODY_PART_BY_CODE = {
    "816094009": "CHEST",
    "51185008": "CHEST",
    "T-D3000": "CHEST",
    "43799004": "CHEST",
    "39607008": "LUNG",
    "T-28000": "LUNG",
}


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What the header says of a picture; texts are empty where it says nothing.

    Attributes:
        modality: (0008,0060), upper case.
        body_part: (0018,0015), upper case, else told from the Anatomic Region Sequence.
        view_position: (0018,5101), upper case, else told from the View Code Sequence.
        laterality: `L`, `R` or empty.
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


def _coded(dataset: Dataset, keyword: str, sequence: str, known: dict[str, str]) -> str:
    plain = text_of(dataset, keyword).upper()
    if plain:
        return plain
    value, meaning = code_of(dataset, sequence)
    return known.get(value, meaning.upper())


def _one_of(text: str, allowed: str) -> str:
    return text if text and text in allowed else ""


def acquisition_of(dataset: Dataset, *, transfer_syntax_uid: str) -> Acquisition:
    """Gather the facts from a parsed data set; a value that cannot be read counts as absent."""
    bits_allocated = number_of(dataset, "BitsAllocated", absent=8)
    model = text_of(dataset, "ManufacturerModelName")
    station = text_of(dataset, "StationName")
    side = text_of(dataset, "ImageLaterality") or text_of(dataset, "Laterality")
    return Acquisition(
        rows=number_of(dataset, "Rows", absent=0),
        columns=number_of(dataset, "Columns", absent=0),
        frames=max(1, number_of(dataset, "NumberOfFrames", absent=1)),
        samples=number_of(dataset, "SamplesPerPixel", absent=1),
        bits_stored=number_of(dataset, "BitsStored", absent=bits_allocated),
        photometric=text_of(dataset, "PhotometricInterpretation").upper(),
        modality=text_of(dataset, "Modality").upper(),
        body_part=_coded(dataset, "BodyPartExamined", "AnatomicRegionSequence", _BODY_PART_BY_CODE),
        view_position=_coded(dataset, "ViewPosition", "ViewCodeSequence", _VIEW_BY_CODE),
        laterality=_one_of(side.upper(), "LR"),
        manufacturer=text_of(dataset, "Manufacturer"),
        device=model or station,
        site=station,
        sex=_one_of(text_of(dataset, "PatientSex").upper(), "FMO"),
        age_years=_age(dataset),
        sop_class_uid=text_of(dataset, "SOPClassUID"),
        transfer_syntax_uid=transfer_syntax_uid,
        patient_orientation=all_of(dataset, "PatientOrientation"),
    )
