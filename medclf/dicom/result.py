"""An opinion as a DICOM structured report, so that a PACS can keep it beside the image.

A Comprehensive 3D SR by TID 1500 (PS3.16 annex A): one measurement group for each
finding, with its certainty, its presence at the operating point and the package
that spoke. An abstention is a report too: it has reasons and no certainty. The
document is complete, but unverified and preliminary until a person signs it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    SourceImageForMeasurementGroup,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from medclf.dicom import vocabulary
from medclf.dicom.evidence import evidence_of, library_view_of
from medclf.dicom.instance import Instance
from medclf.dicom.reading import CONVERSION_FAULTS
from medclf.dicom.uid import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, uid_from
from medclf.errors import DicomMisuse
from medclf.opinion import Finding, Opinion

NOT_RELEASED = "Not for clinical use: candidate package"
_RELEASED_SERIES = "AI second opinion, unverified"
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")  # VR SH, PS3.3 section C.12.1.1.8


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Who speaks.

    Attributes:
        name: of the package, at most 64 characters.
        version: of the package, at most 64 characters.
        digest: of the package, as `sha256:…`.
        manufacturer: who answers for it, at most 64 characters.
    """

    name: str
    version: str
    digest: str
    manufacturer: str


def opinion_sr(
    opinion: Opinion,
    source: Instance,
    *,
    model: ModelIdentity,
    now: datetime,
    uid: Callable[[], str],
    series_number: int = 9900,
    instance_number: int = 1,
) -> Dataset:
    """Write an opinion as a structured report in a series of its own in the image's study.

    Args:
        opinion: OK, ABSTAINED or REJECTED.
        source: the DICOM image that the opinion is about.
        model: the package that spoke.
        now: aware of its time zone.
        uid: gives a new UID at each call: for the series, the document, then each group.
        series_number: at least 1; far above what modalities use.
        instance_number: at least 1.

    Returns:
        A data set with file meta information, explicit VR little endian, for `dataset_bytes`.

    Raises:
        DicomMisuse: the source is no DICOM image or names no study, opinion and source or
            package do not belong together, or `now` has no time zone.
    """
    if source.dataset is None:
        raise DicomMisuse(
            f"A structured report refers to a DICOM image; this one is {source.format}.",
            advice="Turn the picture into DICOM first with `medclf dicomize`.",
        )
    if not source.study_uid or not source.series_uid:
        raise DicomMisuse("The image names no study or series for the report to join.")
    if opinion.instance != source.digest or opinion.package != model.digest:
        raise DicomMisuse("The opinion is about another image, or another package gave it.")
    if now.tzinfo is None:
        raise DicomMisuse("now has no time zone.", advice="Give an aware datetime.")
    try:
        return _document(
            opinion,
            source,
            evidence=evidence_of(source.dataset),
            model=model,
            now=now,
            uid=uid,
            numbers=(series_number, instance_number),
        )
    except CONVERSION_FAULTS as error:  # highdicom: a header value or SOP class it cannot use
        raise DicomMisuse(
            f"No structured report can be made for this image ({type(error).__name__})."
        ) from error


def _document(
    opinion: Opinion,
    source: Instance,
    *,
    evidence: Dataset,
    model: ModelIdentity,
    now: datetime,
    uid: Callable[[], str],
    numbers: tuple[int, int],
) -> Dataset:
    moment = _in_zone_of(evidence, now)
    series_uid, document_uid = uid(), uid()
    report = MeasurementReport(
        observation_context=_observers(model),
        procedure_reported=vocabulary.procedure_code(source.acquisition.region),
        imaging_measurements=_groups(opinion, evidence, model=model, uid=uid),
        referenced_images=[library_view_of(evidence)],
    )
    description = _RELEASED_SERIES if opinion.released else NOT_RELEASED
    document = Comprehensive3DSR(
        evidence=[evidence],
        content=report[0],
        series_instance_uid=series_uid,
        series_number=numbers[0],
        sop_instance_uid=document_uid,
        instance_number=numbers[1],
        manufacturer=model.manufacturer,
        manufacturer_model_name=model.name,
        device_serial_number=model.digest.removeprefix("sha256:"),
        software_versions=model.version,
        series_description=description,
        is_complete=True,
        is_final=False,
        is_verified=False,
        specific_character_set="ISO_IR 192",
        content_date=moment.date(),
        content_time=moment.time(),
        coding_schemes=[vocabulary.PRIVATE_SCHEME],
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    _settle(document, evidence, moment)
    return document


def _settle(document: Dataset, evidence: Dataset, moment: datetime) -> None:
    """Put our own clock and implementation where highdicom put the machine's and its own."""
    document.InstanceCreationDate = f"{moment:%Y%m%d}"
    document.InstanceCreationTime = f"{moment:%H%M%S}"
    document.SeriesDate = f"{moment:%Y%m%d}"
    document.SeriesTime = f"{moment:%H%M%S}"
    document.ObservationDateTime = f"{moment:%Y%m%d%H%M%S%z}"
    if "TimezoneOffsetFromUTC" in evidence:
        document.TimezoneOffsetFromUTC = f"{moment:%z}"
    document.ContributingEquipmentSequence[-1].ContributionDateTime = f"{moment:%Y%m%d%H%M%S%z}"
    document.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    document.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME


def _in_zone_of(evidence: Dataset, now: datetime) -> datetime:
    """Tell the time in the zone that the study's own times are in, where it says which."""
    match = _OFFSET.fullmatch(str(evidence.get("TimezoneOffsetFromUTC", "")))
    if match is None:
        return now
    distance = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return now.astimezone(timezone(-distance if match[1] == "-" else distance))


def _observers(model: ModelIdentity) -> ObservationContext:
    """Device observer (TID 1004); its UID stands for the package, not for a machine."""
    return ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=vocabulary.DEVICE,
            observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
                uid=uid_from(f"medclf package {model.digest}"),
                name="medclf",
                manufacturer_name=model.manufacturer,
                model_name=f"{model.name} {model.version}",
                serial_number=model.digest,
            ),
        )
    )


def _groups(
    opinion: Opinion, evidence: Dataset, *, model: ModelIdentity, uid: Callable[[], str]
) -> list[MeasurementsAndQualitativeEvaluations]:
    source = SourceImageForMeasurementGroup(evidence.SOPClassUID, evidence.SOPInstanceUID)
    status = QualitativeEvaluation(vocabulary.STATUS, vocabulary.status_code(opinion.status))
    common = [f"package={opinion.package}", f"instance={opinion.instance}"]
    if opinion.pixels:
        common.append(f"pixels={opinion.pixels}")
    if opinion.audit_sequence is not None:
        common.append(f"audit_sequence={opinion.audit_sequence}")
    if not opinion.released:
        common.append(NOT_RELEASED)
    if not opinion.findings:
        reasons = [
            QualitativeEvaluation(vocabulary.REASON, vocabulary.reason_code(reason))
            for reason in opinion.reasons
        ]
        return [
            MeasurementsAndQualitativeEvaluations(
                tracking_identifier=TrackingIdentifier(uid=uid(), identifier="opinion"),
                algorithm_id=_algorithm(model, common),
                qualitative_evaluations=[status, *reasons],
                source_images=[source],
            )
        ]
    return [
        MeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(uid=uid(), identifier=finding.label),
            finding_type=vocabulary.finding_code(finding.label),
            algorithm_id=_algorithm(model, common + _told(finding)),
            measurements=[
                Measurement(
                    name=vocabulary.CERTAINTY,
                    value=100.0 * finding.probability,
                    unit=vocabulary.PERCENT,
                )
            ],
            qualitative_evaluations=[
                QualitativeEvaluation(
                    vocabulary.PRESENCE, vocabulary.presence_code(finding.decision)
                ),
                status,
            ],
            source_images=[source],
        )
        for finding in opinion.findings
    ]


def _told(finding: Finding) -> list[str]:
    """Say in exact decimals what a percentage of 16 characters may round."""
    return [
        f"label={finding.label}",
        f"probability={finding.probability!r}",
        f"operating_point={finding.operating_point}",
        f"threshold={finding.threshold!r}",
    ]


def _algorithm(model: ModelIdentity, parameters: list[str]) -> AlgorithmIdentification:
    """Algorithm Identification (TID 4019)."""
    return AlgorithmIdentification(
        name=model.name,
        version=model.version,
        manufacturer=model.manufacturer,
        family=vocabulary.ARTIFICIAL_INTELLIGENCE,
        parameters=parameters,
    )
