"""One event of the audit trail, because what is hashed and signed must have exactly one text.

The text is canonical JSON (RFC 8785) with the members `action`, `actor`, `facts`,
`sequence` and `time`. Numbers with a fraction are refused: readers in other languages
print and parse them differently, so a probability travels as a decimal string.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from medclf.digest import canonical_json
from medclf.errors import AuditMisuse

JSON: TypeAlias = str | int | bool | Sequence["JSON"] | Mapping[str, "JSON"]
"""What facts may hold: strings, integers, booleans, and lists and mappings of these."""

_LARGEST_INTEGER = 2**53 - 1  # what every JSON reader holds exactly (RFC 8785, section 3.2.2.3)
_DEPTH = 16  # facts are a short record, not a document
_NAME_CHARACTERS = 200  # an actor or action is a name
_BODY_BYTES = 1 << 20  # larger things belong in a file, and their digest here


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        sequence: place in the trail, counted from 1 without gaps.
        time: RFC 3339, UTC, microseconds, ending in `Z`.
        actor: who or what did it, for example `cli` or a service account.
        action: what was done, for example `package.released`.
        facts: digests, counts, names; never patient data.
    """

    sequence: int
    time: str
    actor: str
    action: str
    facts: Mapping[str, JSON]

    def encode(self) -> bytes:
        """Return the canonical JSON text that is hashed into the tree.

        Raises:
            AuditMisuse: a fact of a type that is not accepted, or more than 1 MiB.
        """
        body = canonical_json(
            {
                "action": _name(self.action, "action"),
                "actor": _name(self.actor, "actor"),
                "facts": plain_facts(self.facts),
                "sequence": self.sequence,
                "time": self.time,
            }
        )
        if len(body) > _BODY_BYTES:
            raise AuditMisuse(
                f"The event has {len(body)} bytes, at most {_BODY_BYTES} are accepted.",
                advice="Write the content to a file and record its digest.",
                bytes=len(body),
            )
        return body

    @classmethod
    def decode(cls, body: str | bytes) -> "Event":
        """Read an event back from its text.

        Raises:
            ValueError: the text is not that of an event.
        """
        content = json.loads(body)
        members = {"action", "actor", "facts", "sequence", "time"}
        if not isinstance(content, dict) or set(content) != members:
            raise ValueError("not the text of an event")
        return cls(**content)


def rfc3339(moment: datetime) -> str:
    """Return a moment as RFC 3339 text in UTC with microseconds.

    Raises:
        AuditMisuse: the moment has no time zone.

    >>> rfc3339(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000000Z'
    """
    if moment.tzinfo is None:
        raise AuditMisuse(
            "The clock gave a time without a time zone.",
            advice="Give a clock such as `lambda: datetime.now(UTC)`.",
        )
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def plain_facts(facts: Mapping[str, JSON]) -> dict[str, Any]:
    """Return facts as plain dicts, lists, strings, integers and booleans.

    Raises:
        AuditMisuse: a value of another type; the message names its place, never the value.
    """
    if not isinstance(facts, Mapping):
        raise _refusal("facts", f"is {type(facts).__name__}, not a mapping")
    plain = _plain(facts, "facts", _DEPTH)
    if not isinstance(plain, dict):  # pragma: no cover  (a mapping gives a dict)
        raise _refusal("facts", "is not a mapping")
    return plain


def _plain(value: object, where: str, depth: int) -> object:
    if depth == 0:
        raise _refusal(where, f"is nested more than {_DEPTH} deep")
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST_INTEGER:
            raise _refusal(where, "is an integer beyond 2**53 - 1; write it as a string")
        return int(value)
    if isinstance(value, float):
        raise _refusal(where, "is a float; write it as a decimal string, such as '0.25'")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise _refusal(where, "has a key that is not a string")
        return {
            _text(key, where): _plain(item, f"{where}.{key}", depth - 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]", depth - 1) for i, item in enumerate(value)]
    raise _refusal(where, f"is {type(value).__name__}")


def _text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _refusal(where, "holds half a surrogate pair, which is not text") from error
    return str(value)


def _name(value: str, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise AuditMisuse(f"The {what} of an event is empty.", advice=f"Name the {what}.")
    if len(value) > _NAME_CHARACTERS or not value.isprintable():
        raise AuditMisuse(
            f"The {what} of an event is not a name of at most {_NAME_CHARACTERS} characters.",
            advice="Put longer text into the facts.",
        )
    return str(value)


def _refusal(where: str, what: str) -> AuditMisuse:
    return AuditMisuse(
        f"{where} {what}.",
        advice="Facts hold strings, integers, booleans, lists and mappings with string keys.",
        where=where,
    )
