"""What a VL Microscopic Image holds beyond any image (PS3.3 section A.32.2)."""

from pydicom.dataset import Dataset

from medclf.dicom.codes import code_item
from medclf.dicom.facts import Facts
from medclf.dicom.uid import uid_from

_SLIDE = ("433466003", "SCT", "Microscope slide")


def add_microscopy_modules(dataset: Dataset, facts: Facts, *, patient_id: str) -> None:
    """Add the VL Image and Specimen modules (PS3.3 sections C.8.12.1 and C.7.6.22)."""
    dataset.Modality = "GM"
    dataset.PatientOrientation = ""
    dataset.ContainerIdentifier = patient_id
    dataset.IssuerOfTheContainerIdentifierSequence = []
    dataset.ContainerTypeCodeSequence = [code_item(*_SLIDE)]
    specimen = Dataset()
    specimen.SpecimenIdentifier = patient_id
    specimen.IssuerOfTheSpecimenIdentifierSequence = []
    specimen.SpecimenUID = uid_from(f"{facts.study_uid} specimen")
    specimen.SpecimenPreparationSequence = []
    dataset.SpecimenDescriptionSequence = [specimen]
