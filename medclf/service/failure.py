"""Why a call failed: one table of codes that the server sends and the client understands.

The code travels as trailing metadata `medclf-reason`; the gRPC status code says the same more
coarsely to clients that do not know medclf. Codes are never renamed or reused. An image that
the model may not read is no failure: it is an opinion.
"""

from enum import StrEnum
from typing import NamedTuple

import grpc

from medclf.errors import ServerUnavailable, ServiceError, ServiceMisuse, UploadRefused

METADATA_KEY = "medclf-reason"


class Failure(StrEnum):
    """Why no opinion could be given."""

    # The upload.
    HEADER_MISSING = "header_missing"
    HEADER_REPEATED = "header_repeated"
    HEADER_INVALID = "header_invalid"
    MESSAGE_EMPTY = "message_empty"
    FILE_TOO_LARGE = "file_too_large"
    FILE_CHANGED = "file_changed"
    TRUNCATED = "truncated"
    UPLOAD_SLOW = "upload_slow"
    # The caller.
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a code, not a token
    # The server.
    STARTING = "starting"
    DRAINING = "draining"
    OVERLOADED = "overloaded"
    OPINION_LATE = "opinion_late"
    DECODING_UNAVAILABLE = "decoding_unavailable"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    INTERNAL = "internal"


class _Row(NamedTuple):
    status: grpc.StatusCode
    family: type[ServiceError]
    advice: str


_SOON = "Try again in a few seconds, or ask another server."

_TABLE = {
    Failure.HEADER_MISSING: _Row(
        grpc.StatusCode.INVALID_ARGUMENT, UploadRefused, "Send one header, then the chunks."
    ),
    Failure.HEADER_REPEATED: _Row(
        grpc.StatusCode.INVALID_ARGUMENT, UploadRefused, "Send one header, then the chunks."
    ),
    Failure.HEADER_INVALID: _Row(
        grpc.StatusCode.INVALID_ARGUMENT,
        UploadRefused,
        "Write sha256 as 64 hexadecimal digits, with or without `sha256:`, or leave it out.",
    ),
    Failure.MESSAGE_EMPTY: _Row(
        grpc.StatusCode.INVALID_ARGUMENT, UploadRefused, "Set `header` or `chunk`, see the .proto."
    ),
    Failure.FILE_TOO_LARGE: _Row(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        UploadRefused,
        "Send a single image, or raise max_upload_bytes on the server.",
    ),
    Failure.FILE_CHANGED: _Row(
        grpc.StatusCode.DATA_LOSS,
        UploadRefused,
        "Read the file again and send it again; do not trust the copy that was sent.",
    ),
    Failure.TRUNCATED: _Row(grpc.StatusCode.DATA_LOSS, UploadRefused, "Send the whole file again."),
    Failure.UPLOAD_SLOW: _Row(
        grpc.StatusCode.DEADLINE_EXCEEDED, UploadRefused, "Check the network and send again."
    ),
    Failure.TOKEN_REFUSED: _Row(
        grpc.StatusCode.UNAUTHENTICATED,
        ServiceMisuse,
        "Send `authorization: Bearer <token>` with the server's token (client: token_file).",
    ),
    Failure.STARTING: _Row(grpc.StatusCode.UNAVAILABLE, ServerUnavailable, _SOON),
    Failure.DRAINING: _Row(grpc.StatusCode.UNAVAILABLE, ServerUnavailable, "Ask another server."),
    Failure.OVERLOADED: _Row(grpc.StatusCode.RESOURCE_EXHAUSTED, ServerUnavailable, _SOON),
    Failure.OPINION_LATE: _Row(grpc.StatusCode.DEADLINE_EXCEEDED, ServerUnavailable, _SOON),
    Failure.DECODING_UNAVAILABLE: _Row(
        grpc.StatusCode.UNAVAILABLE,
        ServerUnavailable,
        "Ask another server; on this one check the limits on processes, files and memory.",
    ),
    Failure.AUDIT_UNAVAILABLE: _Row(
        grpc.StatusCode.UNAVAILABLE,
        ServerUnavailable,
        "Check the disk under the audit trail, run `medclf audit verify`, then send again.",
    ),
    Failure.INTERNAL: _Row(
        grpc.StatusCode.INTERNAL,
        ServerUnavailable,
        "Look in the server's log, and report this to the maintainer.",
    ),
}


def failed(failure: Failure, message: str, **facts: object) -> ServiceError:
    """Return the error for a failure; `message` says what was found and what was expected."""
    row = _TABLE[failure]
    return row.family(message, advice=row.advice, failure=failure.value, **facts)


def failure_of(error: ServiceError) -> Failure:
    """Return the code of an error made by `failed`; any other is INTERNAL."""
    code = error.facts.get("failure")
    return next((one for one in Failure if one == code), Failure.INTERNAL)


def status_of(failure: Failure) -> grpc.StatusCode:
    """Return the gRPC status code that a failure is sent with."""
    return _TABLE[failure].status


def family_of(failure: Failure) -> type[ServiceError]:
    """Return the class of error that a failure is raised as."""
    return _TABLE[failure].family
