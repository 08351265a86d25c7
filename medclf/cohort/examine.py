"""Looking at one file: it becomes a case, or a refusal that says why.

The order of the checks goes from cheap to dear, and the first objection stands:
label, bytes, header, and at last the pixels.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from medclf.cohort.case import Case, Refusal
from medclf.cohort.labels import LabelRow
from medclf.cohort.sources import Candidate
from medclf.cohort.values import Unreadable, read_month
from medclf.dicom.admission import DEFAULT_RULES, AdmissionRules, objection_to
from medclf.dicom.instance import Instance, Kind, Limits, open_instance, patient_key
from medclf.dicom.reading import text_of
from medclf.digest import digest_bytes
from medclf.errors import InstanceRefused, PixelsRefused
from medclf.reasons import Reason

Check = Callable[[Instance], tuple[Reason, ...]]
"""Says what is wrong with the pixels of an image; empty when nothing is.

May raise `PixelsRefused`. It is called from several threads at once.
"""

# From the picture's own date to that of the visit.
_TAKEN = ("AcquisitionDateTime", "AcquisitionDate", "StudyDate")
_NO_ROW = LabelRow(line=0, label="")


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of one file.

    Attributes:
        outcome: the case, or why there is none.
        sop_instance_uid: of the file, "" where it has none or was not read.
    """

    outcome: Case | Refusal
    sop_instance_uid: str = ""


@dataclass(frozen=True)
class Examiner:
    """Looks at files, from any number of threads.

    Attributes:
        base: the folder that relative paths start from.
        by_uid: rows of the labels table that name their file by SOP Instance UID.
        labelled: whether a file without a label is refused.
        kind: what the cohort is about.
        limits: what is refused for its size.
        secret: keys the pseudonyms of patients.
        check: judges the pixels.
        admission: which DICOM objects of the kind are taken.
    """

    base: Path
    by_uid: Mapping[str, LabelRow]
    labelled: bool
    kind: Kind
    limits: Limits
    secret: bytes
    check: Check
    admission: AdmissionRules = DEFAULT_RULES

    def examine(self, candidate: Candidate) -> Examined:
        """Look at one file; a bad file is a result here, not an error."""
        path, row = candidate.path, candidate.row
        if not _is_utf8(path):
            return _refuse(path, Reason.MALFORMED, "The file's name is not UTF-8.")
        if self.labelled and (_is_unlabelled(row) if row else not self.by_uid):
            return _refuse_unlabelled(path, row)
        try:
            instance = open_instance(self.base / path, limits=self.limits)
        except InstanceRefused as error:
            return _refuse(path, error.reason, error.message)
        uid = instance.sop_instance_uid
        also = self.by_uid.get(uid)
        if row and also and (differing := _contradiction(row, also)):
            message = (
                f"Lines {row.line} and {also.line} of the table give it different {differing}."
            )
            return _refuse(path, Reason.LABEL_CONFLICT, message, uid)
        row = row or also
        if self.labelled and (row is None or _is_unlabelled(row)):
            return _refuse_unlabelled(path, row, uid)
        return self._examine_instance(path, row or _NO_ROW, instance)

    def _examine_instance(self, path: str, row: LabelRow, instance: Instance) -> Examined:
        uid = instance.sop_instance_uid
        if row.digest and row.digest != instance.digest:
            message = f"The table records {row.digest}, the file has {instance.digest}."
            return _refuse(path, Reason.FILE_CHANGED, message, uid)
        if row.sop_instance_uid not in ("", uid):
            message = "The table records another SOP Instance UID than the file has."
            return _refuse(path, Reason.FILE_CHANGED, message, uid)
        objection = objection_to(instance, kind=self.kind, rules=self.admission, view=row.view)
        if objection is not None:
            return _refuse(path, objection.reason, objection.message, uid)
        try:
            reasons = self.check(instance)
        except PixelsRefused as error:
            return _refuse(path, error.reason, error.message, uid)
        if reasons:
            codes = ", ".join(reason.value for reason in reasons)
            message = f"The check of the picture found: {codes}. {reasons[0].advice}"
            return _refuse(path, reasons[0], message, uid)
        return Examined(self._case_of(path, row, instance), uid)

    def _case_of(self, path: str, row: LabelRow, instance: Instance) -> Case:
        """Join table and header; where both speak, the table was written on purpose."""
        header = instance.acquisition
        return Case(
            path=path,
            digest=instance.digest,
            picture=_picture_digest(instance),
            label=row.label,
            patient=row.patient_key
            or table_pseudonym(row.patient_id, secret=self.secret)
            or patient_key(instance, secret=self.secret),
            group=row.group_id,
            site=row.site or header.site,
            device=row.device or header.device,
            view=row.view or header.view_position,
            laterality=row.laterality or header.laterality,
            sex=row.sex or header.sex,
            age_years=header.age_years if row.age_years is None else row.age_years,
            subtype=row.subtype,
            kind=self.kind.value,
            format=instance.format.value,
            sop_instance_uid=instance.sop_instance_uid,
            rows=header.rows,
            columns=header.columns,
            part=row.part,
            line=row.line,
            taken_on=row.taken_on or _month_of(instance),
            findings=row.findings,
        )


def _contradiction(row: LabelRow, also: LabelRow) -> str:
    """Name what two rows of one file, by path and by UID, say differently; "" for nothing."""
    differing = [name for name in row.differing(also) if name not in ("path", "sop_instance_uid")]
    if "label" in differing:
        return "labels"
    return f"values of {', '.join(differing)}" if differing else ""


def _is_unlabelled(row: LabelRow) -> bool:
    """Say whether a row has neither a label nor findings; not told of is a finding too."""
    return row.label == "" and not row.findings


def _month_of(instance: Instance) -> str:
    """Return year and month of the first date in the header that can be one."""
    if instance.dataset is None:
        return ""
    for keyword in _TAKEN:
        date = text_of(instance.dataset, keyword)[:8]  # YYYYMMDD (PS3.5 section 6.2, DA and DT)
        try:
            return read_month(f"{date[:4]}-{date[4:6]}-{date[6:]}")
        except Unreadable:
            continue
    return ""


def table_pseudonym(patient_id: str, *, secret: bytes) -> str:
    """Return the pseudonym of a patient number from a labels table.

    It is the one that `medclf.dicom.instance.patient_key` gives for a header with this
    Patient ID and no issuer, so that table and header can name the same patient.
    """
    if not patient_id:
        return ""
    return hmac.digest(secret, f"\0{patient_id}".encode(), "sha256").hex()[:32]


def _picture_digest(instance: Instance) -> str:
    """Digest what is shown, so that one picture under two SOP Instance UIDs is found."""
    stored = instance.dataset.get("PixelData") if instance.dataset is not None else None
    if not isinstance(stored, bytes) or not stored:
        return instance.digest
    facts = instance.acquisition
    shape = f"{facts.rows}x{facts.columns}x{facts.samples} {facts.photometric}\0".encode()
    return digest_bytes(shape + stored)


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(path: str, reason: Reason, message: str, uid: str = "") -> Examined:
    return Examined(Refusal(path, reason, message), uid)


def _refuse_unlabelled(path: str, row: LabelRow | None, uid: str = "") -> Examined:
    message = (
        f"Line {row.line} of the labels table has a blank label."
        if row
        else "The labels table does not name this file."
    )
    return _refuse(path, Reason.LABEL_MISSING, message, uid)
