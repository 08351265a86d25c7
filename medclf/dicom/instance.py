"""One checked image object: the only form in which an image enters medclf.

Bytes come in, an `Instance` comes out or `InstanceRefused` with a coded reason.
Nothing is decoded here: that is the work of `medclf.pixels`.
"""

import hashlib
import hmac
import math
import os
import stat
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from pydicom.dataset import Dataset

from medclf.dicom.acquisition import Acquisition, acquisition_of
from medclf.dicom.kind import Kind, kind_of
from medclf.dicom.limits import Limits
from medclf.dicom.parsing import parse_dataset
from medclf.dicom.picture_header import (
    JPEG_SIGNATURE,
    PNG_SIGNATURE,
    jpeg_acquisition,
    png_acquisition,
)
from medclf.dicom.preamble import PREAMBLE_BYTES, PREFIX
from medclf.dicom.reading import text_of
from medclf.dicom.safety import check_budget
from medclf.dicom.tiff_header import TIFF_SIGNATURES, tiff_acquisition
from medclf.dicom.uid import is_valid_uid
from medclf.digest import digest_bytes
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

__all__ = [
    "Acquisition",
    "FileFormat",
    "Instance",
    "Kind",
    "Limits",
    "open_instance",
    "parse_instance",
    "patient_key",
]

_DEFAULT_LIMITS = Limits()


class FileFormat(StrEnum):
    """How the bytes are packed, told from their first bytes."""

    DICOM = "dicom"
    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"


@dataclass(frozen=True)
class Instance:
    """One checked image object.

    Attributes:
        data: the bytes as they came.
        format: told from the bytes.
        kind: None when the header cannot tell (PNG, JPEG, TIFF) or names another kind (CT, MR …).
        acquisition: the header's facts.
        sop_instance_uid: empty for PNG, JPEG and TIFF.
        study_uid: empty for PNG, JPEG and TIFF, and where the header names none.
        series_uid: empty for PNG, JPEG and TIFF, and where the header names none.
        dataset: the parsed DICOM data set; None for PNG, JPEG and TIFF. Not to be changed.
    """

    data: bytes = field(repr=False)
    format: FileFormat
    kind: Kind | None
    acquisition: Acquisition
    sop_instance_uid: str = ""
    study_uid: str = ""
    series_uid: str = ""
    dataset: Dataset | None = field(default=None, repr=False, compare=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `data`, taken when first asked for: it costs as much as decoding."""
        return digest_bytes(self.data)


def format_of(data: bytes) -> FileFormat | None:
    """Tell the format from the first bytes; None when it is none of the four.

    A DICOM file may be a TIFF file as well by its preamble (PS3.10 section 7.1); it is DICOM then.
    """
    if data[PREAMBLE_BYTES : PREAMBLE_BYTES + len(PREFIX)] == PREFIX:
        return FileFormat.DICOM
    if data.startswith(PNG_SIGNATURE):
        return FileFormat.PNG
    if data.startswith(JPEG_SIGNATURE):
        return FileFormat.JPEG
    if data.startswith(TIFF_SIGNATURES):
        return FileFormat.TIFF
    return None


def parse_instance(data: bytes, *, limits: Limits = _DEFAULT_LIMITS) -> Instance:
    """Check some bytes and read their header.

    Args:
        data: a whole DICOM (PS3.10), PNG, JPEG or TIFF file.
        limits: what is refused for its size.

    Raises:
        InstanceRefused: FILE_EMPTY, FILE_TOO_LARGE, FORMAT_UNKNOWN, TRUNCATED, MALFORMED,
            NESTED_TOO_DEEPLY, UID_INVALID, PREAMBLE_EXECUTABLE, PIXELS_MISSING,
            PIXELS_TOO_MANY or TRANSFER_SYNTAX_UNSUPPORTED.
    """
    if not data:
        raise InstanceRefused(Reason.FILE_EMPTY, "The file has no bytes.")
    if len(data) > limits.file_bytes:
        raise _too_large(len(data), limits)
    match format_of(data):
        case FileFormat.DICOM:
            return _parse_dicom(data, limits)
        case FileFormat.PNG:
            return _parse_picture(data, FileFormat.PNG, png_acquisition(data), limits)
        case FileFormat.JPEG:
            return _parse_picture(data, FileFormat.JPEG, jpeg_acquisition(data), limits)
        case FileFormat.TIFF:
            return _parse_picture(data, FileFormat.TIFF, tiff_acquisition(data), limits)
        case None:
            raise InstanceRefused(
                Reason.FORMAT_UNKNOWN, "The file is neither DICOM (PS3.10) nor PNG, JPEG or TIFF."
            )


def open_instance(path: Path | str, *, limits: Limits = _DEFAULT_LIMITS) -> Instance:
    """Read a file and check it as `parse_instance` does.

    The file's name appears in no message, because names often hold a patient's name.

    Raises:
        InstanceRefused: FILE_MISSING when there is no readable file at `path`, or a folder, a
            pipe or a device; else as `parse_instance`.
    """
    try:
        # A pipe would be waited for without end if its opening were not told not to.
        with open(path, "rb", opener=_open_at_once) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InstanceRefused(Reason.FILE_MISSING, "There is something else than a file.")
            # Never more than is there: a buffer of the limit's size takes milliseconds to get.
            data = stream.read(min(status.st_size, limits.file_bytes) + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that holds a zero byte
        raise InstanceRefused(
            Reason.FILE_MISSING,
            f"There is no readable file ({type(error).__name__}).",
        ) from error
    return parse_instance(data, limits=limits)


def patient_key(instance: Instance, *, secret: bytes) -> str:
    """Return a pseudonym that is the same for all images of one patient.

    HMAC-SHA256 (RFC 2104) over Patient ID and Issuer of Patient ID: without the secret
    nobody can list patient numbers and compare.

    Args:
        secret: kept by the hospital; another secret gives unrelated pseudonyms.

    Returns:
        32 hex digits, or an empty text when the image names no patient.
    """
    if instance.dataset is None:
        return ""
    patient = text_of(instance.dataset, "PatientID")
    if not patient:
        return ""
    issuer = text_of(instance.dataset, "IssuerOfPatientID")
    return hmac.new(secret, f"{issuer}\0{patient}".encode(), hashlib.sha256).hexdigest()[:32]


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _too_large(size: int, limits: Limits) -> InstanceRefused:
    return InstanceRefused(
        Reason.FILE_TOO_LARGE,
        f"The file has {size} bytes or more; at most {limits.file_bytes} are accepted.",
        bytes=size,
        limit=limits.file_bytes,
    )


def _check_budget(acquisition: Acquisition, limits: Limits) -> None:
    sizes = (acquisition.rows, acquisition.columns, acquisition.samples, acquisition.frames)
    if min(sizes) < 1:
        raise InstanceRefused(Reason.MALFORMED, "The image header is impossible: no pixels.")
    bits = -(-max(acquisition.bits_stored, 1) // 8) * 8
    check_budget(math.prod(sizes), bits=bits, limits=limits)


def _uid_of(dataset: Dataset, keyword: str) -> str:
    value = text_of(dataset, keyword)
    return value if is_valid_uid(value) else ""


def _parse_picture(
    data: bytes, file_format: FileFormat, acquisition: Acquisition, limits: Limits
) -> Instance:
    _check_budget(acquisition, limits)
    return Instance(data=data, format=file_format, kind=None, acquisition=acquisition)


def _parse_dicom(data: bytes, limits: Limits) -> Instance:
    dataset = parse_dataset(data, limits)
    transfer_syntax_uid = text_of(dataset.file_meta, "TransferSyntaxUID")
    acquisition = acquisition_of(dataset, transfer_syntax_uid=transfer_syntax_uid)
    _check_budget(acquisition, limits)  # again, in case pydicom read other numbers than the scan
    return Instance(
        data=data,
        format=FileFormat.DICOM,
        kind=kind_of(
            sop_class_uid=acquisition.sop_class_uid,
            modality=acquisition.modality,
            body_part=acquisition.body_part,
        ),
        acquisition=acquisition,
        sop_instance_uid=_uid_of(dataset, "SOPInstanceUID"),
        study_uid=_uid_of(dataset, "StudyInstanceUID"),
        series_uid=_uid_of(dataset, "SeriesInstanceUID"),
        dataset=dataset,
    )
