"""What the audit trail keeps of an opinion, and of the caller: no pixels, no names of people."""

import re
from dataclasses import dataclass
from typing import Any

from medclf.opinion import Opinion

GIVEN = "opinion.given"
STARTED = "service.started"
STOPPED = "service.stopped"
ACTOR = "service"

_FORBIDDEN = re.compile(r"[^A-Za-z0-9 ._:@/-]")
_LONGEST = 64


@dataclass(frozen=True)
class Caller:
    """Who asked, as far as the server can tell.

    Attributes:
        name: what the client calls itself; unproven.
        identity: common name of its certificate; empty without mutual TLS.
        transport: `ipv4`, `ipv6`, `unix` or `other`.
        correlation_id: the caller's own number for the call.
    """

    name: str
    identity: str
    transport: str
    correlation_id: str


def plain(text: str) -> str:
    r"""Return at most 64 harmless characters of what a client sent; the rest become `_`.

    >>> plain("pacs-1\nERROR: forged")
    'pacs-1_ERROR: forged'
    """
    return _FORBIDDEN.sub("_", text[:_LONGEST])


def facts_of(opinion: Opinion, caller: Caller) -> dict[str, Any]:
    """Return the facts of an `opinion.given` record; an absent novelty is an empty text.

    Floating-point numbers are written as their shortest exact decimal text, because the trail
    refuses fractions: readers in other languages print them differently.
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
        "client": caller.name,
        "identity": caller.identity,
        "transport": caller.transport,
        "correlation_id": caller.correlation_id,
    }
