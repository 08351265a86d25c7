"""Every error that medclf raises on purpose, so that a caller can tell them apart.

An error has two parents. One says *whose door* it came through (`DicomError`,
`ModelError` …), the other *whose fault* it is:

- `InputError`: the data that came in is bad. Fix the data.
- `MisuseError`: the call or the configuration is wrong. Fix the call.
- `TamperingError`: bytes are not the ones that were recorded. Stop and investigate.
- `UnavailableError`: a disk, a server or a file that should be there is not. Try again.

The message says what was found and what was expected; `advice` says what to do
next; `facts` carries the same as values. None of them ever holds patient data.
"""

from medclf.reasons import Reason


class MedclfError(Exception):
    """Root of all errors raised on purpose.

    Attributes:
        advice: what to do next, one or two sentences.
        facts: what was found and expected, as values for a machine.
        exit_code: what the command line exits with.
    """

    exit_code = 1

    def __init__(self, message: str, *, advice: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


# Whose fault.


class MisuseError(MedclfError):
    """The call or the configuration is wrong."""

    exit_code = 2


class InputError(MedclfError):
    """The data that came in is bad."""

    exit_code = 3


class TamperingError(MedclfError):
    """Bytes are not the ones that were recorded."""

    exit_code = 4


class UnavailableError(MedclfError):
    """Something outside that is needed cannot be had now."""

    exit_code = 5


# Whose door.


class ConfigError(MisuseError):
    """A configuration file is missing, unreadable or breaks a rule."""


class DicomError(MedclfError):
    """From `medclf.dicom`."""


class PixelError(MedclfError):
    """From `medclf.pixels`."""


class CohortError(MedclfError):
    """From `medclf.cohort`."""


class ModelError(MedclfError):
    """From `medclf.model`."""


class CalibrationError(MedclfError):
    """From `medclf.calibrate`."""


class EvaluationError(InputError):
    """From `medclf.evaluate`: a figure that cannot be computed from these data."""


class ReportError(MedclfError):
    """From `medclf.report`."""


class RegistryError(MedclfError):
    """From `medclf.registry`."""


class AuditError(MedclfError):
    """From `medclf.audit`."""


class StudyError(MedclfError):
    """From `medclf.study`."""


class ServiceError(MedclfError):
    """From `medclf.service`."""


# Both together.


class InstanceRefused(DicomError, InputError):
    """A file is not an image that medclf accepts; `reason` is the code."""

    def __init__(self, reason: Reason, message: str, **facts: object) -> None:
        super().__init__(message, advice=reason.advice, reason=reason.value, **facts)
        self.reason = reason


class DicomMisuse(DicomError, MisuseError):
    """A DICOM object was asked for that cannot be made from what was given."""


class PixelsRefused(PixelError, InputError):
    """The pixels cannot be decoded or show nothing usable; `reason` is the code."""

    def __init__(self, reason: Reason, message: str, **facts: object) -> None:
        super().__init__(message, advice=reason.advice, reason=reason.value, **facts)
        self.reason = reason


class PixelsMisuse(PixelError, MisuseError):
    """An array of another shape or type than a transform takes."""


class DecodingUnavailable(PixelError, UnavailableError):
    """No process can be started to decode in, or the pool of them is closed."""


class LabelsRefused(CohortError, InputError):
    """A labels table, a manifest or a split breaks a rule."""


class ManifestTampered(CohortError, TamperingError):
    """A manifest or split is not the one that was recorded."""


class CacheUnavailable(CohortError, UnavailableError):
    """The cache of prepared pictures cannot be read or written, or may not grow any further."""


class ModelMisuse(ModelError, MisuseError):
    """An unknown backbone, an impossible input size, a wrong option."""


class WeightsRefused(ModelError, InputError):
    """A weights file does not fit the backbone or is not data only."""


class WeightsUnavailable(ModelError, UnavailableError):
    """Pretrained weights were asked for and cannot be had."""


class RuntimeUnavailable(ModelError, UnavailableError):
    """The library or the processor that a package's runtime needs is not here."""


class RuntimeRefused(ModelError, InputError):
    """A network cannot be exported, or does not say what PyTorch says when it was."""


class TrainingDiverged(ModelError, InputError):
    """The loss is not a finite number."""


class PartRefused(ModelError, InputError):
    """A part of the split lacks what it takes to learn from it or to choose by it."""


class ProcessLost(ModelError, UnavailableError):
    """One of several processes that train together has ended."""


class CalibrationRefused(CalibrationError, InputError):
    """Too few cases, or a class missing, to calibrate on."""


class ProtocolRefused(EvaluationError):
    """A validation protocol breaks a rule."""


class ReportMisuse(ReportError, MisuseError):
    """The facts handed in for a report contradict each other."""


class PackageTampered(RegistryError, TamperingError):
    """A package holds a file that is not the one it was named by."""


class PackageRefused(RegistryError, InputError):
    """A folder is not a package, or of a format this version cannot read."""


class RegistryUnavailable(RegistryError, UnavailableError):
    """The lineage store cannot be reached or written."""


class RegistryMisuse(RegistryError, MisuseError):
    """The registry was asked for what it does not hold, or given what it does not accept."""


class AuditTampered(AuditError, TamperingError):
    """The audit trail fails verification; `facts["sequence"]` names the first bad record."""


class AuditUnavailable(AuditError, UnavailableError):
    """The audit trail cannot be written or read: nothing may leave without it."""


class AuditMisuse(AuditError, MisuseError):
    """An event holds what the trail does not accept, or a signing key may not be used."""


class StudyMisuse(StudyError, MisuseError):
    """A step was asked for before the one it needs, or with options that contradict."""


class StorageUnavailable(StudyError, UnavailableError):
    """A file cannot be written or read: disk full, no permission."""


class ServerUnavailable(ServiceError, UnavailableError):
    """No medclf server answers at the address."""


class ServiceMisuse(ServiceError, MisuseError):
    """The service was started or called in a way it does not allow."""


class UploadRefused(ServiceError, InputError):
    """An upload breaks the protocol: no header, too large, wrong digest."""
