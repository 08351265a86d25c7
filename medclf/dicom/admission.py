"""Whether an image that can be read is one that this study is about.

The header decides: right kind, a single frame, and for a chest film the frontal view.
What the pixels show is judged later, by the check that the study passes to ingest.
"""

from dataclasses import dataclass

from medclf.dicom.instance import Acquisition, FileFormat, Instance, Kind
from medclf.reasons import Reason

# View Position (0018,5101): LL and RL are the lateral projections (PS3.3 C.8.1.2, C.8.11.5);
# the rest is how tables and older machines write them.
_LATERAL = frozenset(("LL", "RL", "LLD", "RLD", "LAT", "LATERAL", "L", "LLAT", "RLAT"))
# Modalities that say nothing about the picture: other, secondary capture by any device.
_MODALITY_UNTOLD = frozenset(("", "OT", "SC"))


@dataclass(frozen=True, slots=True)
class Objection:
    """Why an image is not admitted; the message holds no patient data."""

    reason: Reason
    message: str


def objection_to(instance: Instance, *, kind: Kind, view: str = "") -> Objection | None:
    """Return why an image does not belong to a study of `kind`, or None when it does.

    Args:
        instance: already checked by `medclf.dicom`.
        kind: what the study is about.
        view: as the labels table names it; "" leaves it to the header.
    """
    acquisition = instance.acquisition
    if instance.format is FileFormat.DICOM and instance.kind is not kind:
        return _wrong_kind(acquisition, kind, instance.kind)
    if acquisition.frames > 1:
        return Objection(
            Reason.MULTI_FRAME, f"The file holds {acquisition.frames} frames; one is expected."
        )
    view = view or acquisition.view_position
    if kind is Kind.XRAY and view in _LATERAL:
        return Objection(
            Reason.VIEW_UNSUPPORTED, f"The view is {view}; a frontal film is expected."
        )
    return None


def _wrong_kind(acquisition: Acquisition, expected: Kind, found: Kind | None) -> Objection:
    if found is None and acquisition.modality in _MODALITY_UNTOLD:
        return Objection(
            Reason.KIND_UNKNOWN,
            f"The header does not tell what the picture shows; {expected} is expected.",
        )
    body_part = f" of body part {acquisition.body_part}" if acquisition.body_part else ""
    return Objection(
        Reason.KIND_WRONG,
        f"The header says {acquisition.modality or found}{body_part}; {expected} is expected.",
    )
