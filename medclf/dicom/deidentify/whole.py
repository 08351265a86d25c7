"""One checked image object in, a de-identified file out: the door of this package."""

from dataclasses import dataclass
from importlib.metadata import version
from io import BytesIO

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID

from medclf.dicom.codes import code_item
from medclf.dicom.deidentify.engine import Encoding, Engine, Pixels
from medclf.dicom.deidentify.keys import Keys
from medclf.dicom.deidentify.options import EDITION, Deidentification
from medclf.dicom.deidentify.risk import require_acceptable
from medclf.dicom.deidentify.values import Patient
from medclf.dicom.instance import Acquisition, Instance
from medclf.dicom.limits import Limits
from medclf.dicom.parsing import parse_dataset
from medclf.dicom.reading import CONVERSION_FAULTS, number_of, text_of
from medclf.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from medclf.errors import InstanceRefused
from medclf.reasons import Reason

# PS3.5 annex A: the transfer syntaxes without compressed pixels, by (implicit, little endian).
_BY_ENCODING = {
    (True, True): "1.2.840.10008.1.2",
    (False, True): "1.2.840.10008.1.2.1",
    (False, False): "1.2.840.10008.1.2.2",
}
_DEFLATED = "1.2.840.10008.1.2.1.99"
_SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})  # two pixels share Cb and Cr
_MARKED = "1.2.840.10008.1.2.4."  # the JPEG family (PS3.5 sections A.4.1 to A.4.4, A.4.13)
_DEFAULT_LIMITS = Limits()
_METHOD_CHARACTERS = 64  # VR LO


@dataclass(frozen=True, slots=True)
class Identity:
    """What an object was called and what it is called now; only for the table kept apart.

    Attributes:
        pseudonym: new Patient ID and name.
        patient_id: as it was.
        issuer: of the patient number.
        study_uid: Study Instance UID as it was, and so on.
    """

    pseudonym: str
    patient_id: str
    issuer: str
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    new_study_uid: str
    new_series_uid: str
    new_sop_instance_uid: str
    shift_days: int


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A de-identified object.

    Attributes:
        data: the whole PS3.10 file; the same input, secret and options give the same bytes.
        identity: joins old and new; never to leave the hospital.
    """

    data: bytes
    identity: Identity


def deidentify_instance(
    instance: Instance,
    *,
    keys: Keys,
    options: Deidentification,
    limits: Limits = _DEFAULT_LIMITS,
) -> Deidentified:
    """De-identify one image object by PS3.15 Annex E; no warning repeats what it says.

    Args:
        instance: a DICOM object, checked by `medclf.dicom.instance`.
        keys: derive pseudonyms, UIDs and the shift of dates from the hospital's secret.
        options: of the profile.
        limits: within which the object was opened.

    Raises:
        InstanceRefused: the object cannot be taken (`risk`), its fragments cannot be followed,
            or what is left cannot be written.
    """
    checked = require_acceptable(instance, accept_pixel_text=options.accept_pixel_text)
    identity = _identity(instance, checked, keys)
    patient = Patient(keys, identity.shift_days if options.modify_dates else None)
    try:
        # Parsed anew: whoever looked at the checked header has made pydicom convert values.
        source = parse_dataset(instance.data, limits, defer_bytes=None)
        encoding, syntax = _encoding(source)
        engine = Engine(
            options,
            patient,
            instance.acquisition.sop_class_uid,
            encoding,
            _pixels(instance.acquisition, checked),
        )
        rebuilt = engine.rebuild(source)
        _declare(rebuilt, identity, options, encoding)
        data = _file(rebuilt, identity, instance, encoding, syntax)
    except CONVERSION_FAULTS as error:
        raise InstanceRefused(
            Reason.MALFORMED, f"The object cannot be written anew ({type(error).__name__})."
        ) from None
    return Deidentified(data, identity)


def _identity(instance: Instance, dataset: Dataset, keys: Keys) -> Identity:
    patient_id = text_of(dataset, "PatientID")
    issuer = text_of(dataset, "IssuerOfPatientID")
    seed = instance.study_uid or instance.digest
    pseudonym = keys.patient(patient_id, issuer) if patient_id else keys.stranger(seed)
    old = (instance.study_uid, instance.series_uid, instance.sop_instance_uid)
    new_study, new_series, new_instance = (keys.uid(uid) if uid else "" for uid in old)
    return Identity(
        pseudonym,
        patient_id,
        issuer,
        *old,
        new_study,
        new_series,
        new_instance,
        keys.shift_days(pseudonym),
    )


def _pixels(facts: Acquisition, dataset: Dataset) -> Pixels:
    """Tell how long pixels are (PS3.5 section 8.1.1, PS3.3 section C.7.6.3.1.2) and how packed."""
    samples = 2 if facts.photometric in _SUBSAMPLED else facts.samples
    bits = number_of(dataset, "BitsAllocated", absent=8)
    size = (facts.rows * facts.columns * facts.frames * samples * bits + 7) // 8
    marked = facts.transfer_syntax_uid.startswith(_MARKED)
    return Pixels(frames=facts.frames, plain_bytes=size, marked=marked)


def _encoding(source: FileDataset) -> tuple[Encoding, UID]:
    """Return how the data set is packed and the transfer syntax that says so.

    Some files are packed in another way than their transfer syntax says; they get the right
    one where the pixels are not compressed.
    """
    syntax = text_of(source.file_meta, "TransferSyntaxUID")
    # A raw element tells what was found; the data set tells what the transfer syntax says.
    raw = next((held for held in source.values() if isinstance(held, RawDataElement)), None)
    found = source.original_encoding if raw is None else (raw.is_implicit_VR, raw.is_little_endian)
    implicit, little_endian = (bool(told) for told in found)
    if syntax not in (*_BY_ENCODING.values(), _DEFLATED):
        if implicit or not little_endian:
            raise InstanceRefused(
                Reason.MALFORMED, "Compressed pixels stand in a data set that must not hold them."
            )
    elif syntax != _DEFLATED:
        syntax = _BY_ENCODING[implicit, little_endian]
    return Encoding(implicit, little_endian), UID(syntax)


def _declare(
    rebuilt: Dataset, identity: Identity, options: Deidentification, encoding: Encoding
) -> None:
    """Give the patient a pseudonym, and say what was done (PS3.15 section E.1.1)."""
    rebuilt.PatientName = rebuilt.PatientID = identity.pseudonym
    rebuilt.PatientIdentityRemoved = "YES"
    words = f"medclf {version('medclf')} by PS3.15 {EDITION} Annex E"
    rebuilt.DeidentificationMethod = words[:_METHOD_CHARACTERS]
    items = [code_item(value, "DCM", meaning) for value, meaning in options.methods()]
    for item in items:
        item.set_original_encoding(encoding.implicit, encoding.little_endian, "iso8859")
    rebuilt.DeidentificationMethodCodeSequence = items
    kept = "MODIFIED" if options.modify_dates else "REMOVED"
    rebuilt.LongitudinalTemporalInformationModified = kept


def _file(
    rebuilt: Dataset, identity: Identity, instance: Instance, encoding: Encoding, syntax: UID
) -> bytes:
    rebuilt.SOPClassUID = UID(instance.acquisition.sop_class_uid)
    rebuilt.SOPInstanceUID = UID(identity.new_sop_instance_uid)
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = rebuilt.SOPClassUID
    meta.MediaStorageSOPInstanceUID = rebuilt.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    whole = FileDataset(
        BytesIO(),
        rebuilt,
        preamble=bytes(128),
        file_meta=meta,
        is_implicit_VR=encoding.implicit,
        is_little_endian=encoding.little_endian,
    )
    # Tells pydicom that nothing need be converted: the values are written byte for byte.
    whole.set_original_encoding(encoding.implicit, encoding.little_endian, "iso8859")
    stream = BytesIO()
    pydicom.dcmwrite(
        stream,
        whole,
        implicit_vr=encoding.implicit,
        little_endian=encoding.little_endian,
        enforce_file_format=True,
    )
    return stream.getvalue()
