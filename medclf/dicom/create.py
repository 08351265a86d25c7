"""Making valid DICOM objects from arrays: phantoms, and research pictures turned into DICOM.

The patient, study, equipment and pixel modules that all image objects share are
here; what is special to each kind stands in `create_xray`, `create_fundus` and
`create_microscopy`. What is written decodes to the very same pixels.
"""

import math
from datetime import UTC, datetime
from fractions import Fraction
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from medclf.dicom.create_fundus import add_fundus_modules
from medclf.dicom.create_microscopy import add_microscopy_modules
from medclf.dicom.create_xray import add_xray_modules
from medclf.dicom.facts import Facts, Subject
from medclf.dicom.kind import (
    DIGITAL_XRAY_PRESENTATION,
    OPHTHALMIC_8_BIT,
    VL_MICROSCOPIC,
    Kind,
)
from medclf.dicom.reading import CONVERSION_FAULTS
from medclf.dicom.uid import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    is_valid_uid,
    uid_from,
)
from medclf.errors import DicomMisuse

__all__ = ["Facts", "Subject", "create_image", "dataset_bytes", "uid_from"]

_SOP_CLASS = {
    Kind.XRAY: DIGITAL_XRAY_PRESENTATION,
    Kind.FUNDUS: OPHTHALMIC_8_BIT,
    Kind.PATHOLOGY: VL_MICROSCOPIC,
}
_JPEG_BASELINE_METHOD = "ISO_10918_1"  # PS3.3 section C.7.6.1.1.5.1
_PIXEL_DATA = 0x7FE00010
_MOST_RATIO = 1_000_000  # Pixel Aspect Ratio is of whole numbers
_BABY_YEARS = 2.0  # below, an age is told in months


def create_image(array: np.ndarray[Any, Any], *, subject: Subject, facts: Facts) -> FileDataset:
    """Build a data set that holds one picture and everything its SOP class requires.

    Args:
        array: (h, w) uint8, or uint16 with values below 2**`facts.bits_stored`, bright where
            the object is dense (MONOCHROME2 sense, also when MONOCHROME1 is to be stored:
            the stored values are then the complement); or (h, w, 3) uint8 RGB.
        subject: who is in the picture.
        facts: how it was taken.

    Returns:
        A data set with file meta information, ready for `dataset_bytes`.

    Raises:
        DicomMisuse: the array does not fit the kind or the facts, or a fact breaks a rule.
    """
    stored = _stored(array, facts)
    for name in ("study_uid", "series_uid", "sop_instance_uid"):
        if not is_valid_uid(getattr(facts, name)):
            raise DicomMisuse(f"{name} is not a UID.", advice="Make one with `uid_from`.")
    if not subject.patient_id or len(subject.patient_id) > 64 or "\\" in subject.patient_id:
        raise DicomMisuse("patient_id is empty, too long or holds a backslash.")
    if subject.sex not in ("F", "M", "O", "") or facts.laterality not in ("L", "R", ""):
        raise DicomMisuse("sex must be F, M, O or empty, laterality L, R or empty.")
    if not (math.isfinite(facts.aspect) and facts.aspect > 0):
        raise DicomMisuse(f"The pixel aspect is {facts.aspect}; a number above 0 is expected.")
    try:
        return _filled(stored, subject, facts)
    except ValueError as error:  # pydicom: a text too long, a value its VR cannot hold
        raise DicomMisuse("A fact about the picture does not fit its DICOM attribute.") from error


def dataset_bytes(dataset: Dataset) -> bytes:
    """Return a data set as a whole PS3.10 file, explicit VR little endian.

    The same data set gives the same bytes.

    Raises:
        DicomMisuse: the data set names no SOP class or instance, or holds a value that
            its VR cannot.
    """
    if "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
        raise DicomMisuse("The data set names no SOP class or no SOP instance.")
    stream = BytesIO()
    try:
        pydicom.dcmwrite(stream, _with_file_meta(dataset), enforce_file_format=True)
    except CONVERSION_FAULTS as error:
        raise DicomMisuse(f"The data set cannot be written ({type(error).__name__}).") from error
    return stream.getvalue()


def _filled(stored: np.ndarray[Any, Any], subject: Subject, facts: Facts) -> FileDataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = UID(_SOP_CLASS[facts.kind])
    dataset.SOPInstanceUID = facts.sop_instance_uid
    _add_patient(dataset, subject)
    _add_study_and_series(dataset, facts)
    _add_equipment(dataset, facts)
    _add_image(dataset, facts)
    _add_pixels(dataset, stored, facts)
    match facts.kind:
        case Kind.XRAY:
            add_xray_modules(dataset, facts)
        case Kind.FUNDUS:
            add_fundus_modules(dataset, facts)
        case Kind.PATHOLOGY:
            add_microscopy_modules(dataset, facts, patient_id=subject.patient_id)
    for held in dataset:  # pydicom warns of a value its VR cannot hold; here it is an error
        if held.tag != _PIXEL_DATA:
            DataElement(held.tag, held.VR, held.value, validation_mode=pydicom.config.RAISE)
    return _with_file_meta(dataset)


def _with_file_meta(dataset: Dataset) -> FileDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    return FileDataset(
        BytesIO(),
        dataset,
        preamble=b"\0" * 128,
        file_meta=meta,
        is_implicit_VR=False,
        is_little_endian=True,
    )


def _stored(array: np.ndarray[Any, Any], facts: Facts) -> np.ndarray[Any, Any]:
    colour = array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8
    grey = array.ndim == 2 and array.dtype in (np.uint8, np.uint16)
    if not (grey or colour) or 0 in array.shape or max(array.shape) > 65535:
        raise DicomMisuse(
            f"An array of shape {array.shape} and type {array.dtype} cannot be stored.",
            advice="Give (h, w) uint8 or uint16, or (h, w, 3) uint8.",
        )
    if colour and facts.kind is Kind.XRAY:
        raise DicomMisuse("An X-ray has one channel.", advice="Convert to grey first.")
    if array.dtype == np.uint16 and facts.kind is not Kind.XRAY:
        raise DicomMisuse(f"A {facts.kind} object holds 8 bits.", advice="Scale to uint8 first.")
    fits = facts.bits_stored == 8 if array.dtype == np.uint8 else 8 < facts.bits_stored <= 16
    if not fits or int(array.max()) >= 1 << facts.bits_stored:
        raise DicomMisuse(
            f"The array does not fit bits_stored={facts.bits_stored}.",
            advice="8 for uint8; 9 to 16 for uint16, enough for the largest value.",
        )
    if colour or facts.photometric == "MONOCHROME2":
        return array
    if facts.photometric != "MONOCHROME1":
        raise DicomMisuse(f"Photometric interpretation {facts.photometric} cannot be written.")
    return ((1 << facts.bits_stored) - 1 - array.astype(np.int32)).astype(array.dtype)


def _age_string(years: float) -> str:
    if years < _BABY_YEARS:
        return f"{int(years * 12):03d}M"
    return f"{int(years):03d}Y"


def _add_patient(dataset: Dataset, subject: Subject) -> None:
    """Patient (PS3.3 C.7.1.1) and Patient Study (C.7.2.2)."""
    dataset.PatientName = subject.name
    dataset.PatientID = subject.patient_id
    dataset.PatientBirthDate = f"{subject.birth_date:%Y%m%d}" if subject.birth_date else ""
    dataset.PatientSex = subject.sex
    if subject.age_years is not None:
        dataset.PatientAge = _age_string(subject.age_years)


def _date_and_time(moment: datetime) -> tuple[str, str]:
    return f"{moment:%Y%m%d}", f"{moment:%H%M%S}"


def _add_study_and_series(dataset: Dataset, facts: Facts) -> None:
    """General Study (PS3.3 C.7.2.1) and General Series (C.7.3.1)."""
    if facts.taken_at.tzinfo is None:
        raise DicomMisuse("taken_at has no time zone.", advice="Give an aware datetime.")
    moment = facts.taken_at.astimezone(UTC)
    dataset.TimezoneOffsetFromUTC = "+0000"
    dataset.StudyDate, dataset.StudyTime = _date_and_time(moment)
    dataset.ContentDate, dataset.ContentTime = _date_and_time(moment)
    dataset.AcquisitionDate, dataset.AcquisitionTime = _date_and_time(moment)
    dataset.AcquisitionDateTime = f"{moment:%Y%m%d%H%M%S}"
    dataset.StudyInstanceUID = facts.study_uid
    dataset.SeriesInstanceUID = facts.series_uid
    dataset.StudyID = "1"
    dataset.AccessionNumber = facts.accession_number
    dataset.ReferringPhysicianName = ""
    dataset.SeriesNumber = facts.series_number


def _add_equipment(dataset: Dataset, facts: Facts) -> None:
    """General Equipment and Enhanced General Equipment (PS3.3 C.7.5.1, C.7.5.2)."""
    dataset.Manufacturer = facts.manufacturer
    dataset.ManufacturerModelName = facts.device
    dataset.DeviceSerialNumber = facts.serial
    dataset.SoftwareVersions = facts.software
    if facts.station:
        dataset.StationName = facts.station


def _add_image(dataset: Dataset, facts: Facts) -> None:
    """General Image (PS3.3 C.7.6.1) and Acquisition Context (C.7.6.14)."""
    dataset.InstanceNumber = facts.instance_number
    # DERIVED would claim another DICOM image as its source; a converted file has none.
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.BurnedInAnnotation = "NO"
    dataset.AcquisitionContextSequence = []
    dataset.LossyImageCompression = "00"
    if facts.derivation:
        dataset.DerivationDescription = facts.derivation
    if facts.lossy_ratio is not None:
        dataset.LossyImageCompression = "01"
        dataset.LossyImageCompressionRatio = f"{facts.lossy_ratio:.2f}"
        dataset.LossyImageCompressionMethod = _JPEG_BASELINE_METHOD


def _add_pixels(dataset: Dataset, stored: np.ndarray[Any, Any], facts: Facts) -> None:
    """Image Pixel (PS3.3 C.7.6.3), uncompressed."""
    colour = stored.ndim == 3
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else facts.photometric
    if colour:
        dataset.PlanarConfiguration = 0
    if facts.aspect != 1 and facts.kind is not Kind.XRAY:  # there the spacing says it
        ratio = Fraction(facts.aspect).limit_denominator(_MOST_RATIO)
        dataset.PixelAspectRatio = [ratio.numerator, ratio.denominator]
    dataset.BitsAllocated = 8 * stored.dtype.itemsize
    dataset.BitsStored = facts.bits_stored
    dataset.HighBit = facts.bits_stored - 1
    dataset.PixelRepresentation = 0
    if not colour:
        inverse = facts.photometric == "MONOCHROME1"
        dataset.PresentationLUTShape = "INVERSE" if inverse else "IDENTITY"
    data = np.ascontiguousarray(stored, dtype=stored.dtype.newbyteorder("<")).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if stored.dtype == np.uint8 else "OW"
