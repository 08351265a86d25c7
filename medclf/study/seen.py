"""Which images of a validation the package has learned from: they must not be judged."""

from collections.abc import Mapping
from dataclasses import dataclass

from medclf.cohort.manifest import Manifest
from medclf.registry.package import Package

_LEARNED = ("train", "tune", "calibrate")


@dataclass(frozen=True)
class Seen:
    """What a validation shares with the training.

    Attributes:
        rows: rows of the manifest to leave out.
        excluded: why → how many, for the flow of cases.
        pictures: images whose pixels were learned from.
        patients: further images under the patient number of somebody who was learned
            from. Pseudonyms compare only within one installation, and numbers that
            restart in every data set make strangers look alike, so the protocol says
            whether these are left out or only reported.
    """

    rows: frozenset[int]
    excluded: Mapping[str, int]
    pictures: int
    patients: int


def seen_in_training(package: Package, manifest: Manifest, *, leave_out_patients: bool) -> Seen:
    """Find the rows whose picture or patient is in a part that the package learned from."""
    data = package.json("data.json")
    pictures = {p for part in _LEARNED for p in data["pictures"][part]}
    patients = {p for part in _LEARNED for p in data["patients"][part]}
    by_picture = {i for i, p in enumerate(manifest.column("picture")) if p in pictures}
    by_patient = {i for i, p in enumerate(manifest.column("patient")) if p in patients}
    by_patient -= by_picture
    left_out = {"picture_seen_in_training": by_picture}
    if leave_out_patients:
        left_out["patient_seen_in_training"] = by_patient
    return Seen(
        rows=frozenset().union(*left_out.values()),
        excluded={reason: len(rows) for reason, rows in left_out.items() if rows},
        pictures=len(by_picture),
        patients=len(by_patient),
    )
