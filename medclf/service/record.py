"""What the audit trail keeps of an opinion, and of the caller: no pixels, no names of people."""

import re
from dataclasses import dataclass
from typing import Any

from medclf.opinion import Opinion, opinion_facts

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
    """Return the facts of an `opinion.given` record: the opinion and who asked for it."""
    return {
        **opinion_facts(opinion),
        "client": caller.name,
        "identity": caller.identity,
        "transport": caller.transport,
        "correlation_id": caller.correlation_id,
    }
