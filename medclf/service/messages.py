"""`Opinion` to protobuf and back, exactly: what was read is what arrives."""

from medclf.errors import ServiceMisuse
from medclf.opinion import Decision, Finding, Opinion, Status
from medclf.reasons import Reason
from medclf.service._pb.v1 import opinion_pb2 as pb

_STATUS = {
    Status.OK: pb.STATUS_OK,
    Status.ABSTAINED: pb.STATUS_ABSTAINED,
    Status.REJECTED: pb.STATUS_REJECTED,
}
_DECISION = {
    Decision.POSITIVE: pb.DECISION_POSITIVE,
    Decision.NEGATIVE: pb.DECISION_NEGATIVE,
}
_STATUS_BACK = {number: status for status, number in _STATUS.items()}
_DECISION_BACK = {number: decision for decision, number in _DECISION.items()}


def to_message(opinion: Opinion) -> pb.Opinion:
    """Return the wire form of an opinion; probabilities travel as 64-bit doubles."""
    return pb.Opinion(
        status=_STATUS[opinion.status],
        findings=[
            pb.Finding(
                label=finding.label,
                probability=finding.probability,
                decision=_DECISION[finding.decision],
                operating_point=finding.operating_point,
                threshold=finding.threshold,
            )
            for finding in opinion.findings
        ],
        reasons=[reason.value for reason in opinion.reasons],
        package_digest=opinion.package,
        instance_digest=opinion.instance,
        decoder=opinion.decoder,
        pixels=opinion.pixels,
        released=opinion.released,
        novelty=opinion.novelty,
        audit_sequence=opinion.audit_sequence,
    )


def from_message(message: pb.Opinion) -> Opinion:
    """Return the opinion of a wire form.

    Raises:
        ServiceMisuse: the message holds a status, decision or reason that this version does
            not know. Guessing would be worse than failing.
    """
    try:
        return Opinion(
            status=_STATUS_BACK[message.status],
            package=message.package_digest,
            instance=message.instance_digest,
            findings=tuple(
                Finding(
                    label=finding.label,
                    probability=finding.probability,
                    decision=_DECISION_BACK[finding.decision],
                    operating_point=finding.operating_point,
                    threshold=finding.threshold,
                )
                for finding in message.findings
            ),
            reasons=tuple(Reason(code) for code in message.reasons),
            decoder=message.decoder,
            pixels=message.pixels,
            released=message.released,
            novelty=message.novelty if message.HasField("novelty") else None,
            audit_sequence=(message.audit_sequence if message.HasField("audit_sequence") else None),
        )
    except (KeyError, ValueError) as error:
        raise ServiceMisuse(
            f"The server's opinion holds a code that this client does not know ({error}).",
            advice="Bring the client to the server's version.",
        ) from error
