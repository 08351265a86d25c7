"""Asking a server for opinions: `ask(path, server="host:port")`, or a client for many files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import grpc
from pydantic import Field

from medclf.config import Config
from medclf.digest import digest_bytes
from medclf.errors import InstanceRefused, ServerUnavailable, ServiceError, ServiceMisuse
from medclf.opinion import Opinion
from medclf.reasons import Reason
from medclf.service._pb.v1 import opinion_pb2 as pb
from medclf.service._pb.v1 import opinion_pb2_grpc
from medclf.service.config import MESSAGE_BYTES
from medclf.service.failure import METADATA_KEY, Failure, failed, family_of
from medclf.service.messages import from_message
from medclf.service.security import is_loopback, read_token

# Measured fastest: smaller pieces cost calls, larger ones stall the flow window.
CHUNK_BYTES = 1 << 20


class ClientConfig(Config):
    """How a client reaches its server.

    Attributes:
        tls: encrypt the line; needed for any server beyond this machine.
        ca: PEM file of the CA that signed the server's certificate; the system's when absent.
        certificate: PEM file, the client's own certificate, where the server asks for one.
        private_key: PEM file, its key.
        token_file: holds the server's bearer token.
        allow_insecure: send images in clear to another machine all the same.
        connect_timeout_s: longest wait for a sign of life.
        timeout_s: longest wait for one opinion, upload included.
        client_name: what the audit trail records as the asking system; never a person.
    """

    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    token_file: Path | None = None
    allow_insecure: bool = False
    connect_timeout_s: float = Field(default=5.0, gt=0, le=600)
    timeout_s: float = Field(default=120.0, gt=0, le=3600)
    client_name: str = Field(default="medclf", max_length=64)


@dataclass(frozen=True)
class ServedModel:
    """The model behind an address.

    Attributes:
        package: digest of the package.
        kind: `xray`, `fundus` or `pathology`.
        labels: the label space.
        released: whether the package is released for use.
        max_upload_bytes: largest file that the server accepts.
    """

    package: str
    kind: str
    labels: tuple[str, ...]
    released: bool
    max_upload_bytes: int


_DEFAULT_CONFIG = ClientConfig()


def ask(
    image: Path | bytes,
    *,
    server: str,
    config: ClientConfig = _DEFAULT_CONFIG,
    correlation_id: str = "",
) -> Opinion:
    """Ask for one opinion; for many files keep an `OpinionClient`.

    Args:
        image: a file, or its bytes.
        server: `HOST:PORT`, `[IPv6]:PORT` or `unix:/path`.
        config: security and patience.
        correlation_id: your own number for this call, recorded with the opinion.

    Raises:
        InstanceRefused: the file cannot be read here.
        UploadRefused: the server did not take the file.
        ServiceMisuse: token, certificate or address are wrong.
        ServerUnavailable: nothing answers, or the server cannot give opinions now.
    """
    with OpinionClient(server, config=config) as client:
        return client.ask(image, correlation_id=correlation_id)


class OpinionClient:
    """One connection, reusable for many files and from many threads; a context manager.

    Attributes:
        model: who answers, as told when the connection was made.
    """

    def __init__(self, server: str, *, config: ClientConfig = _DEFAULT_CONFIG) -> None:
        """Connect and ask which model answers.

        Args:
            server: `HOST:PORT`, `[IPv6]:PORT` or `unix:/path`.
            config: security and patience.

        Raises:
            ServiceMisuse: token, certificate or address are wrong.
            ServerUnavailable: nothing answers within `connect_timeout_s`.
        """
        self._server = server
        self._config = config
        self._metadata: tuple[tuple[str, str], ...] = ()
        _keep_private(server, config)
        if config.token_file is not None:
            self._metadata = (("authorization", f"Bearer {read_token(config.token_file)}"),)
        self._channel = _channel(server, config)
        self._stub = opinion_pb2_grpc.OpinionServiceStub(self._channel)
        try:
            self.model = self._served()
        except ServiceError:
            self.close()
            raise

    def __enter__(self) -> "OpinionClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def ask(self, image: Path | bytes, *, correlation_id: str = "") -> Opinion:
        """Ask for one opinion.

        Args:
            image: a file, or its bytes.
            correlation_id: your own number for this call, recorded with the opinion.

        Raises:
            InstanceRefused: the file cannot be read here.
            UploadRefused: the server did not take the file, or answered about other bytes.
            ServiceMisuse: the token is wrong, or the server is of another version.
            ServerUnavailable: the server cannot give opinions now.
        """
        data = image if isinstance(image, bytes) else _bytes_of(image)
        digest = digest_bytes(data)
        header = pb.UploadHeader(
            sha256=digest,
            size_bytes=len(data),
            client_name=self._config.client_name,
            correlation_id=correlation_id,
        )
        try:
            response = self._stub.RequestOpinion(
                _messages(header, data), timeout=self._config.timeout_s, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise self._translated(error, patience_s=self._config.timeout_s) from error
        opinion = from_message(response.opinion)
        if opinion.instance != digest:
            raise failed(
                Failure.FILE_CHANGED,
                f"The opinion is of {opinion.instance}; {digest} was sent.",
                found=opinion.instance,
                expected=digest,
            )
        return opinion

    def _served(self) -> ServedModel:
        patience_s = self._config.connect_timeout_s
        try:
            told = self._stub.GetModel(
                pb.GetModelRequest(), timeout=patience_s, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise self._translated(error, patience_s=patience_s) from error
        return ServedModel(
            package=told.package_digest,
            kind=told.kind,
            labels=tuple(told.labels),
            released=told.released,
            max_upload_bytes=told.max_upload_bytes,
        )

    def _translated(self, error: grpc.RpcError, *, patience_s: float) -> ServiceError:
        code, details = error.code(), error.details() or ""
        reason = dict(error.trailing_metadata() or ()).get(METADATA_KEY)
        if reason in set(Failure):
            # The details already end with the advice.
            return family_of(Failure(reason))(details, failure=reason, server=self._server)
        facts = {"server": self._server, "status": code.name}
        match code:
            case grpc.StatusCode.UNIMPLEMENTED:
                return ServiceMisuse(
                    f"{self._server} answers, but not as a medclf server.",
                    advice="Check the address and the version of the server.",
                    **facts,
                )
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return ServerUnavailable(
                    f"{self._server} did not answer within {patience_s:g} s.",
                    advice="Check address, port and firewall, or allow more time.",
                    **facts,
                )
            case grpc.StatusCode.UNAVAILABLE:
                return ServerUnavailable(
                    f"No medclf server answers at {self._server}.",
                    advice="Start one with `medclf serve PACKAGE --listen HOST:PORT`, and check "
                    "address, port and TLS settings.",
                    **facts,
                )
            case _:
                return ServerUnavailable(
                    f"{self._server} ended the call with {code.name}.",
                    advice="Look in the server's log.",
                    **facts,
                )


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        # The path is not named: file names often hold a patient's name.
        raise InstanceRefused(
            Reason.FILE_MISSING, f"There is no readable file ({type(error).__name__})."
        ) from error


def _messages(header: pb.UploadHeader, data: bytes) -> Iterator[pb.RequestOpinionRequest]:
    yield pb.RequestOpinionRequest(header=header)
    for start in range(0, len(data), CHUNK_BYTES):
        yield pb.RequestOpinionRequest(chunk=data[start : start + CHUNK_BYTES])


def _keep_private(server: str, config: ClientConfig) -> None:
    if not (config.tls or config.allow_insecure or is_loopback(server)):
        raise ServiceMisuse(
            f"Asking {server} without TLS would send the image in clear.",
            advice="Set tls (and ca), ask a server on this machine, or set allow_insecure.",
            server=server,
        )


def _channel(server: str, config: ClientConfig) -> grpc.Channel:
    options = (
        ("grpc.max_receive_message_length", MESSAGE_BYTES),
        ("grpc.max_send_message_length", MESSAGE_BYTES),
        # gRPC would read proxies from the environment and send images there.
        ("grpc.enable_http_proxy", 0),
    )
    if not config.tls:
        return grpc.insecure_channel(server, options=options)
    try:
        root, key, chain = (
            path.read_bytes() if path else None
            for path in (config.ca, config.private_key, config.certificate)
        )
    except OSError as error:
        raise ServiceMisuse(
            f"A TLS file cannot be read ({type(error).__name__}).",
            advice="Check ca, certificate and private_key and their permissions.",
        ) from error
    credentials = grpc.ssl_channel_credentials(root, key, chain)
    return grpc.secure_channel(server, credentials, options=options)
