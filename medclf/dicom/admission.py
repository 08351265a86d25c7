"""Whether an image that can be read is one that this study is about.

The header decides: right kind, right region, a view that was asked for, an object made for
presentation, a single frame. What the pixels show is judged later, by the check that the study
passes to ingest. The rules travel in the package, so that what was admitted to the validation
is what is admitted in service.
"""

from dataclasses import dataclass
from typing import Literal

from medclf.config import Config
from medclf.dicom.instance import Acquisition, FileFormat, Instance, Kind
from medclf.dicom.kind import is_for_processing, is_secondary_capture
from medclf.dicom.region import Region
from medclf.dicom.view import View, view_of_body_part, view_of_orientation, view_of_text
from medclf.reasons import Reason

# Modalities that say nothing about the picture: other, secondary capture by any device.
_MODALITY_UNTOLD = frozenset(("", "OT", "SC"))
_USUAL_VIEWS = {
    "chest": (View.FRONTAL,),
    "breast": (View.CRANIO_CAUDAL, View.MEDIO_LATERAL_OBLIQUE),
    "any": tuple(View),
}


class AdmissionRules(Config):
    """Which objects of the right kind a study takes.

    Attributes:
        region: of X-rays. `chest` takes what says chest or nothing, `breast` only what says
            breast, `any` whatever the body part. Other kinds do not look at it.
        views: of X-rays; empty means those usual for the region: frontal for the chest, CC and
            MLO for the breast, all for any. What names no view is taken.
        secondary_capture: whether Secondary Capture objects are taken, whose Modality must then
            name the kind. Any device may write them from anything.
        for_processing: whether raw detector data is taken, which no reader ever sees.
        frame: of an object with several frames, `refuse` it or take the `first`.
        burned_in: whether to `refuse` a picture whose header says that text is burned in, or in
            whose pixels text is suspected; `accept` leaves it to the reader.
    """

    region: Literal["chest", "breast", "any"] = "chest"
    views: tuple[View, ...] = ()
    secondary_capture: bool = False
    for_processing: bool = False
    frame: Literal["refuse", "first"] = "refuse"
    burned_in: Literal["accept", "refuse"] = "accept"

    @property
    def accepted_views(self) -> tuple[View, ...]:
        """The views that are taken, the usual ones filled in."""
        return self.views or _USUAL_VIEWS[self.region]


DEFAULT_RULES = AdmissionRules()


@dataclass(frozen=True, slots=True)
class Objection:
    """Why an image is not admitted; the message holds no patient data."""

    reason: Reason
    message: str


def objection_to(
    instance: Instance, *, kind: Kind, rules: AdmissionRules = DEFAULT_RULES, view: str = ""
) -> Objection | None:
    """Return why an image does not belong to a study of `kind`, or None when it does.

    Args:
        instance: already checked by `medclf.dicom`.
        kind: what the study is about.
        rules: what else it asks for.
        view: as the labels table names it; "" leaves it to the header.
    """
    acquisition = instance.acquisition
    if instance.format is FileFormat.DICOM:
        objection = _object_objection(acquisition, instance.kind, kind, rules)
        if objection is not None:
            return objection
    if acquisition.frames > 1 and rules.frame == "refuse":
        return Objection(
            Reason.MULTI_FRAME, f"The file holds {acquisition.frames} frames; one is expected."
        )
    if kind is Kind.XRAY:
        objection = _view_objection(acquisition, rules, view)
        if objection is not None:
            return objection
    if acquisition.burned_in_annotation == "YES" and rules.burned_in == "refuse":
        return Objection(
            Reason.BURNED_IN_TEXT, "The header says that text is burned into the pixels."
        )
    return None


def _object_objection(
    acquisition: Acquisition, found: Kind | None, expected: Kind, rules: AdmissionRules
) -> Objection | None:
    if found is not expected:
        return _wrong_kind(acquisition, expected, found)
    if is_secondary_capture(acquisition.sop_class_uid) and not rules.secondary_capture:
        return Objection(
            Reason.SECONDARY_CAPTURE,
            "The object is a Secondary Capture; an original object is expected.",
        )
    if not rules.for_processing and is_for_processing(
        sop_class_uid=acquisition.sop_class_uid,
        presentation_intent=acquisition.presentation_intent,
    ):
        return Objection(
            Reason.FOR_PROCESSING,
            "The object is for processing; one for presentation is expected.",
        )
    return _region_objection(acquisition, rules) if expected is Kind.XRAY else None


def _region_objection(acquisition: Acquisition, rules: AdmissionRules) -> Objection | None:
    found = acquisition.region
    match rules.region:
        case "any":
            return None
        case "chest" if found in (None, Region.CHEST):
            return None
        case "breast" if found is Region.BREAST:
            return None
        case "breast" if found is None:
            return Objection(
                Reason.KIND_UNKNOWN,
                "The header does not tell the body part; a breast is expected.",
            )
    return Objection(
        Reason.KIND_WRONG,
        f"The header says {acquisition.modality or Kind.XRAY} of the region {found}; "
        f"{rules.region} is expected.",
    )


def _view_objection(acquisition: Acquisition, rules: AdmissionRules, view: str) -> Objection | None:
    """Object as soon as one attribute names a view that was not asked for.

    The labels table overrules the header. Patient Orientation speaks of upright chests only: a
    breast is compressed, and a limb lies as it likes.
    """
    if view:
        told = [view_of_text(view)]
    else:
        told = [
            view_of_text(acquisition.view_position),
            view_of_text(acquisition.view_code),
            view_of_body_part(acquisition.body_part),
        ]
        if rules.region == "chest":
            told.append(view_of_orientation(acquisition.patient_orientation))
    accepted = rules.accepted_views
    for found in told:
        if found is not None and found not in accepted:
            return Objection(
                Reason.VIEW_UNSUPPORTED,
                f"The view is {found}; {' or '.join(accepted)} is expected.",
            )
    return None


def _wrong_kind(acquisition: Acquisition, expected: Kind, found: Kind | None) -> Objection:
    if found is None and acquisition.modality in _MODALITY_UNTOLD:
        return Objection(
            Reason.KIND_UNKNOWN,
            f"The header does not tell what the picture shows; {expected} is expected.",
        )
    region = f" of the region {acquisition.region}" if acquisition.region else ""
    return Objection(
        Reason.KIND_WRONG,
        f"The header says {acquisition.modality or found}{region}; {expected} is expected.",
    )
