"""What must be told about a picture before it can become a DICOM object."""

from dataclasses import dataclass
from datetime import date, datetime

from medclf.dicom.kind import Kind


@dataclass(frozen=True, slots=True)
class Subject:
    """The person, or phantom, in the picture.

    Attributes:
        patient_id: at most 64 characters, not empty.
        sex: `F`, `M`, `O` or empty.
        birth_date: None when unknown.
        age_years: at the time of the picture, in [0, 999]; None when unknown.
        name: in DICOM form `Family^Given`; may be empty.
    """

    patient_id: str
    sex: str = ""
    birth_date: date | None = None
    age_years: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """How the picture was taken and where it belongs.

    Attributes:
        kind: decides the SOP class: Digital X-Ray for presentation, Ophthalmic
            Photography 8 Bit, or VL Microscopic.
        study_uid: Study Instance UID; images of one visit share it.
        series_uid: Series Instance UID.
        sop_instance_uid: this image's own.
        taken_at: date and time of acquisition, aware of its time zone.
        manufacturer: not empty.
        device: model name, not empty.
        station: station name; may be empty.
        serial: device serial number, not empty.
        software: software version of the device, not empty.
        view: `PA`, `AP`, `LL`, `RL` or empty when unknown, then taken as frontal where an
            orientation must be written; X-rays only.
        laterality: `L`, `R` or empty when unknown. An X-ray is then stored as unpaired
            (`U`), a fundus photograph, whose SOP class knows no unknown, as `B`; both read
            back as empty.
        body_part: upper case; X-rays only.
        photometric: `MONOCHROME1` or `MONOCHROME2` for grey; ignored for colour.
        bits_stored: 8 for uint8 arrays, 9 to 16 for uint16 arrays.
        window: centre and width in stored values; None is the identity window.
        spacing_mm: distance of pixel centres; nominal when the truth is unknown,
            which `derivation` should then say.
        aspect: height of a pixel by its width, above 0; `spacing_mm` is then that across.
        lossy_ratio: compression ratio when the pixels were ever JPEG compressed.
        derivation: Derivation Description; may be empty.
        series_number: at least 1.
        instance_number: at least 1.
        accession_number: at most 16 characters; may be empty.
    """

    kind: Kind
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    taken_at: datetime
    manufacturer: str = "medclf"
    device: str = "medclf"
    station: str = ""
    serial: str = "0"
    software: str = "1"
    view: str = ""
    laterality: str = ""
    body_part: str = "CHEST"
    photometric: str = "MONOCHROME2"
    bits_stored: int = 8
    window: tuple[float, float] | None = None
    spacing_mm: float = 0.2
    aspect: float = 1.0
    lossy_ratio: float | None = None
    derivation: str = ""
    series_number: int = 1
    instance_number: int = 1
    accession_number: str = ""
