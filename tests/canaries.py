"""Five hundred made-up secrets, planted wherever a DICOM file can hold one.

Every secret is unique and occurs nowhere else, so that finding one afterwards proves a leak.
"""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from medclf.dicom.deidentify.profile import rule_for

EQUIPMENT = {"Manufacturer", "ManufacturerModelName", "SoftwareVersions", "ConvolutionKernel"}

TOP = re.findall(
    r"\w+",
    """
PatientName PatientID IssuerOfPatientID PatientBirthDate OtherPatientIDs OtherPatientNames
PatientBirthName PatientMotherBirthName PatientAddress PatientTelephoneNumbers MilitaryRank
MedicalRecordLocator EthnicGroup Occupation PatientComments AdditionalPatientHistory
PatientReligiousPreference CountryOfResidence RegionOfResidence MedicalAlerts Allergies
AccessionNumber StudyID StudyDescription SeriesDescription ProtocolName StudyDate SeriesDate
AcquisitionDate ContentDate AcquisitionDateTime InstanceCreationDate ReferringPhysicianName
PerformingPhysicianName OperatorsName NameOfPhysiciansReadingStudy RequestingPhysician
InstitutionName InstitutionAddress InstitutionalDepartmentName StationName DeviceSerialNumber
ImageComments DerivationDescription RequestedProcedureDescription AdmissionID
IssuerOfAdmissionID PerformedProcedureStepDescription PerformedProcedureStepID
PerformedProcedureStepStartDate CommentsOnThePerformedProcedureStep ClinicalTrialSponsorName
ClinicalTrialSubjectID StudyInstanceUID SeriesInstanceUID SOPInstanceUID FrameOfReferenceUID
DeviceUID SynchronizationFrameOfReferenceUID RetrieveAETitle StationAETitle RetrieveURL
Manufacturer ManufacturerModelName SoftwareVersions ConvolutionKernel BodyPartExamined
ScanOptions SequenceName ContrastBolusAgent ContentLabel ContentDescription ContentCreatorName
WindowCenterWidthExplanation LUTExplanation DeidentificationMethod BarcodeValue LabelText
PersonName TextValue TextComments InterpretationText CurrentPatientLocation VisitComments
SpecialNeeds PatientState ScheduledStudyStartDate DateOfSecondaryCapture
AcquisitionDeviceProcessingDescription CassetteID PlateID DetectorID FilterMaterial
""",
)

# Sequences of an image object, some listed in the profile and some not; each within the next.
NESTED = [
    ["AnatomicRegionSequence", "AnatomicRegionModifierSequence"],
    ["SourceImageSequence", "PurposeOfReferenceCodeSequence", "EquivalentCodeSequence"],
    ["ReferencedImageSequence"],
    ["RequestAttributesSequence", "ScheduledProtocolCodeSequence", "ProtocolContextSequence"],
    ["OtherPatientIDsSequence", "IssuerOfPatientIDQualifiersSequence"],
    ["RealWorldValueMappingSequence", "MeasurementUnitsCodeSequence", "EquivalentCodeSequence"],
    ["OriginalAttributesSequence", "ModifiedAttributesSequence"],
    ["ProcedureCodeSequence"],
    ["PerformedProtocolCodeSequence", "ProtocolContextSequence", "ContentItemModifierSequence"],
    ["AcquisitionContextSequence", "ConceptNameCodeSequence"],
    ["ViewCodeSequence", "ViewModifierCodeSequence"],
    ["ModalityLUTSequence"],
]
INSIDE = re.findall(
    r"\w+",
    """
PatientName PatientID CodeMeaning CodeValue InstitutionName TextValue Date
ManufacturerModelName ReferencedSOPInstanceUID BodyPartExamined LUTExplanation StudyDescription
OperatorsName
""",
)


@dataclass
class Secret:
    """One planted value.

    Attributes:
        needles: byte strings none of which may be found.
        device: whether the option to retain the device keeps it on purpose.
    """

    needles: tuple[bytes, ...]
    device: bool = False


@dataclass
class Planter:
    """Makes secrets and keeps them."""

    seed: int = 7
    secrets: list[Secret] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def _keep(self, *tokens: str, device: bool = False) -> None:
        forms = {
            token.encode(how) for token in tokens for how in ("utf-8", "utf-16-le", "utf-16-be")
        }
        self.secrets.append(Secret(tuple(sorted(forms)), device))

    def word(self, prefix: str = "Zq", *, device: bool = False) -> str:
        """A word of at most 9 characters."""
        made = f"{prefix}{len(self.secrets):03d}{self.random.choices('bcdfghjk', k=4)}"
        made = "".join(sign for sign in made if sign.isalnum())
        self._keep(made, device=device)
        return made

    def day(self) -> str:
        """A date so far from all others that a shift cannot make one of them."""
        made = f"{date(1930, 1, 1) + timedelta(days=len(self.secrets) % 340):%Y%m%d}"
        known = {needle for secret in self.secrets for needle in secret.needles}
        while made.encode() in known:
            made = f"{date(1930, 1, 1) + timedelta(days=self.random.randrange(360)):%Y%m%d}"
        self._keep(made)
        return made

    def uid(self, *, device: bool = False) -> str:
        last = f"{self.random.randrange(10**11, 10**12)}{len(self.secrets):03d}"
        self._keep(last, device=device)
        return f"1.2.276.0.99.{last}"

    def value(self, keyword: str) -> str:
        """A secret in the form of an attribute."""
        vr = dictionary_VR(keyword)
        rule = rule_for(tag_for_keyword(keyword))
        device = keyword in EQUIPMENT or bool(rule and rule.options.get("device") == "K")
        match vr:
            case "PN":
                family, given = self.word("Zf", device=device), f"Zg{len(self.secrets):03d}giv"
                self.secrets[-1] = Secret((*self.secrets[-1].needles, given.encode()), device)
                return f"{family}^{given}"
            case "DA":
                return self.day()
            case "DT":
                return self.day() + "101112.5+0100"
            case "UI":
                return self.uid(device=device)
            case "AE" | "SH" | "CS":
                return (
                    self.word("ZC", device=device).upper()
                    if vr == "CS"
                    else self.word("Zs", device=device)
                )
            case "UR":
                return f"https://example.org/{self.word('zu')}"
            case "LT" | "UT" | "ST":
                words = "the chest of the patient " * 30
                return f"{words}{self.word('Zt', device=device)} {words[:100]}"
            case _:
                return f"chest of {self.word('Zl', device=device)} born"


def put(dataset: Dataset, tag: int, vr: str, value: object) -> None:
    dataset[Tag(tag)] = DataElement(tag, vr, value, validation_mode=config.IGNORE)


def put_raw(dataset: Dataset, tag: int, vr: str, value: bytes) -> None:
    value += b" " * (len(value) % 2)
    implicit, little = dataset.original_encoding
    dataset[Tag(tag)] = RawDataElement(Tag(tag), vr, len(value), value, 0, implicit, little)


def plant_top(planter: Planter, dataset: Dataset, keywords: list[str]) -> None:
    for keyword in keywords:
        value = planter.value(keyword)
        if dictionary_VR(keyword) == "CS":  # made upper case after it was kept
            planter.secrets[-1] = Secret((value.encode(),), planter.secrets[-1].device)
        put(dataset, tag_for_keyword(keyword), dictionary_VR(keyword), value)


def plant_nested(planter: Planter, dataset: Dataset, path: list[str], inside: list[str]) -> None:
    """Go down a path of sequences, making what is not there, and plant in the last item."""
    for name in path:
        if name not in dataset or not dataset[name].value:
            setattr(dataset, name, [Dataset()])
        dataset = dataset[name].value[0]
    plant_top(planter, dataset, inside)
    block = dataset.private_block(0x0029, planter.word("Zp"), create=True)
    block.add_new(0x10, "LO", f"nested {planter.word('Zp')}")


def plant_odd(planter: Planter, dataset: Dataset) -> None:
    """Plant where nobody looks: private blocks, UN, overlays, curves, padding, signatures."""
    block = dataset.private_block(0x0009, f"ACME {planter.word('Zp')}", create=True)
    block.add_new(0x01, "LO", planter.word("Zp"))
    block.add_new(0x02, "UN", planter.word("Zp").encode())
    inner = Dataset()
    put(inner, 0x00100010, "PN", planter.value("PatientName"))
    block.add_new(0x03, "SQ", [inner])
    put(dataset, 0x00101001, "UN", planter.word("Zu").encode() + b" ")
    put(dataset, 0x00090201, "UN", planter.word("Zu").encode() + b" ")  # a private creator's place
    put(dataset, 0x0008FFF0, "UN", planter.word("Zu").encode() + b" ")  # even and unknown
    put(dataset, 0x60004000, "LT", f"overlay {planter.word('Zo')}")
    put(dataset, 0x60000022, "LO", planter.word("Zo"))
    put(dataset, 0x60001500, "LO", planter.word("Zo"))
    put(dataset, 0x60003000, "OW", planter.word("Zo").encode().ljust(32, b" "))
    put(dataset, 0x50000022, "LO", planter.word("Zo"))
    put(dataset, 0x50003000, "OW", planter.word("Zo").encode().ljust(32, b" "))
    put(dataset, 0xFFFCFFFC, "OB", planter.word("Zd").encode().ljust(16, b" "))
    signature = Dataset()
    put(signature, 0x04000115, "OB", planter.word("Zd").encode().ljust(16, b" "))
    put(dataset, 0xFFFAFFFA, "SQ", [signature])
    encrypted = Dataset()
    put(encrypted, 0x04000520, "OB", planter.word("Zd").encode().ljust(16, b" "))
    put(dataset, 0x04000500, "SQ", [encrypted])
    put(dataset, 0x00420011, "OB", planter.word("Zd").encode().ljust(16, b" "))
    put(dataset, 0x00282000, "OB", planter.word("Zd").encode().ljust(256, b" "))


def plant_lies(planter: Planter, dataset: Dataset) -> None:
    """Plant words where numbers, dates and codes belong, and under another VR than is right."""
    put_raw(dataset, 0x00180060, "DS", planter.word("Zn").encode())
    put_raw(dataset, 0x00200011, "IS", planter.word("Zn").encode())
    put_raw(dataset, 0x00101010, "AS", planter.word("Zn").encode())
    put_raw(dataset, 0x00080030, "TM", planter.word("Zn").encode())
    put_raw(dataset, 0x00080020, "DA", planter.word("Zn").encode())
    put_raw(dataset, 0x00080060 + 1, "CS", planter.word("Zn").encode())
    put_raw(dataset, 0x00080008, "CS", b"ORIGINAL\\PRIMARY\\" + planter.word("Zn").encode())
    put_raw(dataset, 0x00081090, "OB", planter.word("Zn").encode())
    put_raw(dataset, 0x00189004, "US", planter.word("Zn").encode())
    put_raw(dataset, 0x00200052, "UI", planter.word("Zn").encode())
    put_raw(dataset, 0x00200010, "SH", planter.word("Zn").encode() + b"\xff\xfe")


def plant_meta(planter: Planter, dataset: Dataset) -> None:
    meta = dataset.file_meta
    put(meta, 0x00020013, "SH", planter.word("Zm"))
    put(meta, 0x00020012, "UI", planter.uid())
    put(meta, 0x00020016, "AE", planter.word("Zm"))
    put(meta, 0x00020017, "AE", planter.word("Zm"))
    put(meta, 0x00020018, "AE", planter.word("Zm"))
    put(meta, 0x00020100, "UI", planter.uid())
    put(meta, 0x00020102, "OB", planter.word("Zm").encode() + b" ")
    dataset.preamble = planter.word("Zm").encode().ljust(128, b"\0")


CHARSETS = {
    "ISO_IR 100": ("Zé{}ñü", "latin-1"),
    "ISO_IR 144": ("Zж{}йя", "iso8859-5"),
    "ISO_IR 192": ("Z漢{}字é", "utf-8"),
    "GB18030   ": ("Z王{}小东", "gb18030"),
    "ISO_IR 166": ("Zก{}ขค", "iso8859-11"),
}
PLACES = ("PatientName", "StudyDescription", "ImageComments", "BodyPartExamined", "LUTExplanation")


def in_charset(planter: Planter, name: str, made: Callable[[], Dataset]) -> bytes:
    """Return a file whose texts are written in a charset, the wrong one for some of them."""
    dataset = made()
    swaps = []
    for number, keyword in enumerate(PLACES):
        form, codec = CHARSETS[name]
        text = form.format(planter.word("Zy"))
        encoded = text.encode(codec)
        planter.secrets[-1] = Secret((*planter.secrets[-1].needles, encoded))
        holder = f"{number}HOLD".ljust(len(encoded), "X")
        put(dataset, tag_for_keyword(keyword), dictionary_VR(keyword), holder)
        swaps.append((holder.encode(), encoded))
    data = written(dataset)
    for holder, encoded in swaps:
        assert holder in data
        data = data.replace(holder, encoded)
    return data.replace(b"ISO_IR 192", name.encode())


def written(dataset: Dataset) -> bytes:
    stream = BytesIO()
    pydicom.dcmwrite(stream, dataset)
    return stream.getvalue()


def found_in(data: bytes, secrets: list[Secret]) -> list[Secret]:
    return [secret for secret in secrets if any(needle in data for needle in secret.needles)]


def found_below(folder: Path, secrets: list[Secret]) -> list[Secret]:
    """Search names and contents of everything below a folder."""
    parts = []
    for path in sorted(folder.rglob("*")):
        parts.append(str(path.relative_to(folder)).encode())
        if path.is_file():
            parts.append(path.read_bytes())
    return found_in(b"\n".join(parts), secrets)
