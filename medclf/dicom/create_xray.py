"""What a Digital X-Ray Image for presentation holds beyond any image (PS3.3 section A.26)."""

from pydicom.dataset import Dataset

from medclf.dicom.codes import code_item
from medclf.dicom.facts import Facts
from medclf.dicom.region import shows_chest
from medclf.errors import DicomMisuse

# Which way rows and columns run for the reader, by view: the patient's left at the
# reader's right hand for frontal films (PS3.3 section C.7.6.1.1.1).
_ORIENTATION = {"PA": ["L", "F"], "AP": ["L", "F"], "LL": ["A", "F"], "RL": ["P", "F"]}
# CID 4010 DX View.
_VIEW = {
    "PA": ("272479007", "SCT", "postero-anterior"),
    "AP": ("399348003", "SCT", "antero-posterior"),
    "LL": ("399173006", "SCT", "left lateral"),
    "RL": ("399198007", "SCT", "right lateral"),
}
_CHEST = ("51185008", "SCT", "Chest")


def add_xray_modules(dataset: Dataset, facts: Facts) -> None:
    """Add the DX modules; the grey scale pipeline is the identity unless a window is given.

    Raises:
        DicomMisuse: the body part is not the chest, or the view is none of the four.
    """
    if facts.view and facts.view not in _VIEW:
        raise DicomMisuse(f"View {facts.view} is not one of {', '.join(_VIEW)}.")
    if not shows_chest(facts.body_part):
        raise DicomMisuse(f"An X-ray of {facts.body_part} cannot be written.", advice="Use CHEST.")
    dataset.Modality = "DX"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.BodyPartExamined = facts.body_part or "CHEST"
    dataset.AnatomicRegionSequence = [code_item(*_CHEST)]
    dataset.ImageLaterality = facts.laterality or "U"
    dataset.ViewPosition = facts.view
    if facts.view:
        dataset.ViewCodeSequence = [code_item(*_VIEW[facts.view])]
        # CID 4011: none of the frontal and lateral views has a modifier.
        dataset.ViewCodeSequence[0].ViewModifierCodeSequence = []
    dataset.PatientOrientation = _ORIENTATION[facts.view or "PA"]  # may not be empty
    down = facts.spacing_mm * facts.aspect
    dataset.ImagerPixelSpacing = [f"{down:.10g}", f"{facts.spacing_mm:.10g}"]
    dataset.DetectorType = ""
    dataset.PositionerType = ""
    _add_grey_scale(dataset, facts)


def _add_grey_scale(dataset: Dataset, facts: Facts) -> None:
    """DX Image (PS3.3 section C.8.11.3) and VOI LUT (C.11.2)."""
    inverse = facts.photometric == "MONOCHROME1"
    dataset.PixelIntensityRelationship = "LOG"
    # Dense tissue lets less of the beam through and is bright in MONOCHROME2: sign -1.
    dataset.PixelIntensityRelationshipSign = 1 if inverse else -1
    dataset.RescaleIntercept = 0
    dataset.RescaleSlope = 1
    dataset.RescaleType = "US"
    # A linear window with c = 2**(b-1), w = 2**b maps x to x/(2**b - 1) exactly
    # (PS3.3 section C.11.2.1.2.1), so that it changes nothing.
    identity = (float(1 << facts.bits_stored - 1), float(1 << facts.bits_stored))
    center, width = facts.window or identity
    dataset.WindowCenter, dataset.WindowWidth = f"{center:.10g}", f"{width:.10g}"
