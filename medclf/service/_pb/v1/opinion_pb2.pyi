from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSPECIFIED: _ClassVar[Status]
    STATUS_OK: _ClassVar[Status]
    STATUS_ABSTAINED: _ClassVar[Status]
    STATUS_REJECTED: _ClassVar[Status]

class Decision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DECISION_UNSPECIFIED: _ClassVar[Decision]
    DECISION_POSITIVE: _ClassVar[Decision]
    DECISION_NEGATIVE: _ClassVar[Decision]
STATUS_UNSPECIFIED: Status
STATUS_OK: Status
STATUS_ABSTAINED: Status
STATUS_REJECTED: Status
DECISION_UNSPECIFIED: Decision
DECISION_POSITIVE: Decision
DECISION_NEGATIVE: Decision

class RequestOpinionRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: UploadHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[UploadHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class UploadHeader(_message.Message):
    __slots__ = ("sha256", "size_bytes", "client_name", "correlation_id")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    size_bytes: int
    client_name: str
    correlation_id: str
    def __init__(self, sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., client_name: _Optional[str] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class RequestOpinionResponse(_message.Message):
    __slots__ = ("opinion", "correlation_id")
    OPINION_FIELD_NUMBER: _ClassVar[int]
    CORRELATION_ID_FIELD_NUMBER: _ClassVar[int]
    opinion: Opinion
    correlation_id: str
    def __init__(self, opinion: _Optional[_Union[Opinion, _Mapping]] = ..., correlation_id: _Optional[str] = ...) -> None: ...

class Opinion(_message.Message):
    __slots__ = ("status", "findings", "reasons", "package_digest", "instance_digest", "decoder", "released", "novelty", "audit_sequence", "pixels")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DECODER_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    NOVELTY_FIELD_NUMBER: _ClassVar[int]
    AUDIT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    status: Status
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    reasons: _containers.RepeatedScalarFieldContainer[str]
    package_digest: str
    instance_digest: str
    decoder: str
    released: bool
    novelty: float
    audit_sequence: int
    pixels: str
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., reasons: _Optional[_Iterable[str]] = ..., package_digest: _Optional[str] = ..., instance_digest: _Optional[str] = ..., decoder: _Optional[str] = ..., released: _Optional[bool] = ..., novelty: _Optional[float] = ..., audit_sequence: _Optional[int] = ..., pixels: _Optional[str] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("label", "probability", "decision", "operating_point", "threshold")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    OPERATING_POINT_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    label: str
    probability: float
    decision: Decision
    operating_point: str
    threshold: float
    def __init__(self, label: _Optional[str] = ..., probability: _Optional[float] = ..., decision: _Optional[_Union[Decision, str]] = ..., operating_point: _Optional[str] = ..., threshold: _Optional[float] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("package_digest", "kind", "labels", "released", "max_upload_bytes")
    PACKAGE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    MAX_UPLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    package_digest: str
    kind: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    released: bool
    max_upload_bytes: int
    def __init__(self, package_digest: _Optional[str] = ..., kind: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., released: _Optional[bool] = ..., max_upload_bytes: _Optional[int] = ...) -> None: ...
