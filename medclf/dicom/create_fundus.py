"""What an Ophthalmic Photography 8 Bit Image holds beyond any image (PS3.3 section A.41)."""

from pydicom.dataset import Dataset

from medclf.dicom.codes import code_item
from medclf.dicom.facts import Facts
from medclf.dicom.uid import uid_from

_RETINA = ("5665001", "SCT", "Retina")
_FUNDUS_CAMERA = ("409898007", "SCT", "Fundus Camera")
_FRAME_TIME = 0x00181063


def add_fundus_modules(dataset: Dataset, facts: Facts) -> None:
    """Add the Ophthalmic Photography modules; what is not known stays empty (type 2)."""
    dataset.Modality = "OP"
    dataset.PatientOrientation = ""
    dataset.NumberOfFrames = 1
    dataset.FrameTime = 0
    dataset.FrameIncrementPointer = _FRAME_TIME
    dataset.AnatomicRegionSequence = [code_item(*_RETINA)]
    # Enumerated R, L, B (PS3.3 section C.8.17.5): an unknown side cannot be left empty.
    dataset.ImageLaterality = facts.laterality or "B"
    # Ophthalmic Photography Acquisition Parameters (PS3.3 section C.8.17.4).
    dataset.PatientEyeMovementCommanded = ""
    dataset.RefractiveStateSequence = []
    dataset.EmmetropicMagnification = None
    dataset.IntraOcularPressure = None
    dataset.HorizontalFieldOfView = None
    dataset.PupilDilated = ""
    # Ophthalmic Photographic Parameters (PS3.3 section C.8.17.5).
    dataset.AcquisitionDeviceTypeCodeSequence = [code_item(*_FUNDUS_CAMERA)]
    dataset.IlluminationTypeCodeSequence = []
    dataset.LightPathFilterTypeStackCodeSequence = []
    dataset.ImagePathFilterTypeStackCodeSequence = []
    dataset.LensesCodeSequence = []
    dataset.DetectorType = ""
    # Synchronization (PS3.3 section C.7.4.2).
    dataset.SynchronizationFrameOfReferenceUID = uid_from(f"{facts.study_uid} synchronization")
    dataset.SynchronizationTrigger = "NO TRIGGER"
    dataset.AcquisitionTimeSynchronized = "N"
