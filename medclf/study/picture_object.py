"""One picture file to one DICOM object with the very pixels that medclf decodes from it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from medclf.cohort.labels import LabelRow
from medclf.dicom.create import Facts, Subject, create_image, dataset_bytes, uid_from
from medclf.dicom.instance import FileFormat, Instance, Kind
from medclf.errors import InstanceRefused, PixelsRefused
from medclf.pixels.isolation import Decode
from medclf.pixels.transforms.resample import luminance
from medclf.reasons import Reason

_NOT_KNOWN = datetime(2000, 1, 1, tzinfo=UTC)  # a DX needs a date; the derivation says it is none
_VIEWS = frozenset(("PA", "AP", "LL", "RL"))
_STATION_LENGTH = 16  # Station Name is a short string (SH, PS3.5 section 6.2)
_MODEL_LENGTH = 64  # Manufacturer's Model Name is a long string (LO)


@dataclass(frozen=True)
class Belonging:
    """Where an object belongs.

    Attributes:
        patient_id: pseudonym for the header.
        number: of the image in the patient's study, from 1.
        seed: of the object's own UID, together with the source's digest.
    """

    patient_id: str
    number: int
    seed: str


def picture_object(
    instance: Instance,
    row: LabelRow,
    belonging: Belonging,
    *,
    kind: Kind,
    decode: Decode,
) -> bytes:
    """Return a DX, Ophthalmic Photography 8 Bit or VL Microscopic file.

    An X-ray in colour is stored as the luminance that the preprocessing would take.

    Args:
        instance: a PNG, JPEG or TIFF.
        row: what the labels table says about it.
        belonging: its patient and place.
        kind: decides the SOP class.
        decode: turns the file into a picture.

    Raises:
        InstanceRefused: KIND_WRONG for a file that is DICOM already.
        PixelsRefused: as `decode`; PIXELS_UNDECODABLE for 16-bit pictures of the kinds
            whose SOP class holds 8 bits.
        DicomMisuse: a picture too large for DICOM.
    """
    if instance.format is FileFormat.DICOM:
        raise InstanceRefused(
            Reason.KIND_WRONG, "The file is DICOM already; a PNG, JPEG or TIFF is expected."
        )
    picture = decode(instance)
    array = picture.array
    if kind is Kind.XRAY:
        array = luminance(array)
    elif array.dtype != np.uint8:
        raise PixelsRefused(
            Reason.PIXELS_UNDECODABLE,
            f"The picture has 16 bits a sample; a {kind} object holds 8.",
        )
    is_jpeg = instance.format is FileFormat.JPEG
    study = f"medclf dicomize {belonging.patient_id}"
    facts = Facts(
        kind=kind,
        study_uid=uid_from(f"{study} study"),
        series_uid=uid_from(f"{study} series"),
        sop_instance_uid=uid_from(f"{study} {belonging.seed} {instance.digest}"),
        taken_at=_NOT_KNOWN,
        manufacturer="unknown",
        device=_one_line(row.device)[:_MODEL_LENGTH] or "unknown",
        station=_one_line(row.site)[:_STATION_LENGTH],
        view=row.view if kind is Kind.XRAY and row.view in _VIEWS else "",
        laterality=row.laterality,
        bits_stored=8 * array.dtype.itemsize,
        aspect=picture.aspect,
        lossy_ratio=array.nbytes / len(instance.data) if is_jpeg else None,
        derivation=(
            f"Converted from {instance.format.upper()}; "
            "date, time and pixel spacing are nominal, not measured."
        ),
        instance_number=belonging.number,
    )
    subject = Subject(patient_id=belonging.patient_id, sex=row.sex, age_years=row.age_years)
    return dataset_bytes(create_image(array, subject=subject, facts=facts))


def _one_line(text: str) -> str:
    """Return a text that a DICOM string may hold: no line breaks, no value separator."""
    return " ".join(text.replace("\\", "/").split())
