"""The second opinion itself: the one result that every door of medclf returns."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from medclf.reasons import Reason


class Status(StrEnum):
    """Whether there is an opinion at all."""

    OK = "OK"
    ABSTAINED = "ABSTAINED"  # the image is acceptable, but the model does not know
    REJECTED = "REJECTED"  # the image is not one the model may read


class Decision(StrEnum):
    """A finding's probability held against its operating point."""

    POSITIVE = "positive"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Finding:
    """One label of the model's label space.

    Attributes:
        label: as in the package's label space, for example `pneumonia`.
        probability: calibrated, in [0, 1].
        decision: positive when `probability` is at least the operating point's threshold.
        operating_point: the name of that operating point.
        threshold: the operating point's threshold, in [0, 1].
    """

    label: str
    probability: float
    decision: Decision
    operating_point: str
    threshold: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one package says of one image.

    Attributes:
        status: OK, ABSTAINED or REJECTED.
        findings: one for each label; empty unless the status is OK.
        reasons: coded; empty when the status is OK.
        package: digest of the package that spoke.
        instance: digest of the image's bytes.
        decoder: which decoder gave the pixels, with its version; empty when none did.
        pixels: name of the rules by which stored values became a picture; empty when no picture
            was made.
        released: whether the package was released for use when it spoke.
        novelty: distance from the training data in units of the abstention
            threshold (1.0 = at the threshold); None when pixels were never read.
        audit_sequence: number of the audit record; None while no record exists.
    """

    status: Status
    package: str
    instance: str
    findings: tuple[Finding, ...] = ()
    reasons: tuple[Reason, ...] = ()
    decoder: str = ""
    pixels: str = ""
    released: bool = False
    novelty: float | None = None
    audit_sequence: int | None = field(default=None)

    def __str__(self) -> str:
        """Say it in one line: status, then findings with their probabilities, or the reasons."""
        told = [
            f"{finding.label} {finding.probability:.3f}, {finding.decision} "
            f"({finding.operating_point} {finding.threshold:.3f})"
            for finding in self.findings
        ] or [reason.value for reason in self.reasons]
        return f"{self.status}: {'; '.join(told)}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show it in a notebook."""
        printer.text(str(self))

    def as_json(self, path: str) -> dict[str, Any]:
        """Return the published JSON form; `path` is what the caller knows the image by."""
        return {
            "path": path,
            "status": self.status.value,
            "findings": [
                {
                    "label": finding.label,
                    "probability": finding.probability,
                    "decision": finding.decision.value,
                    "operating_point": finding.operating_point,
                    "threshold": finding.threshold,
                }
                for finding in self.findings
            ],
            "reasons": [reason.value for reason in self.reasons],
            "pixels": self.pixels,
            "package": self.package,
            "released": self.released,
            "instance": self.instance,
            "audit_sequence": self.audit_sequence,
        }


def opinion_facts(opinion: Opinion) -> dict[str, Any]:
    """Return an opinion as facts for the audit trail; an absent novelty is an empty text.

    Numbers are their shortest exact decimal text, because the trail refuses fractions:
    readers in other languages print them differently.
    """
    return {
        "instance": opinion.instance,
        "package": opinion.package,
        "released": opinion.released,
        "status": opinion.status.value,
        "reasons": [reason.value for reason in opinion.reasons],
        "findings": [
            {
                "label": finding.label,
                "probability": repr(float(finding.probability)),
                "decision": finding.decision.value,
                "operating_point": finding.operating_point,
                "threshold": repr(float(finding.threshold)),
            }
            for finding in opinion.findings
        ],
        "novelty": "" if opinion.novelty is None else repr(float(opinion.novelty)),
        "decoder": opinion.decoder,
        "pixels": opinion.pixels,
    }
